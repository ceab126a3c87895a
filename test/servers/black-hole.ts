import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

/** A port of 127.0.0.1 that answers no SYN: its listener never accepts, and its backlog is full. */
export type BlackHole = AsyncDisposable & { readonly port: number };

/** Listens, says where, and stops its loop for good. */
const listener = `
const server = require('node:net').createServer().listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

/** Connections that fill any backlog of one; Linux takes two. */
const enough = 8;

/** Opens the hole. */
export const blackHole = async (): Promise<BlackHole> => {
  const child = spawn(process.execPath, ['-e', listener], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await once(child.stdout, 'data');
  const port = Number(String(said));
  const fillers = Array.from({ length: enough }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
  const [first] = fillers;
  if (first !== undefined) await once(first, 'connect');
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
};
