import { once } from 'node:events';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** What the server really waited, in seconds, for the request with this number. */
export type Truth = {
  readonly id: number;
  readonly tls: number;
  readonly processing: number;
  readonly transfer: number;
};

type Options = { readonly key: string; readonly cert: string; readonly delayMs: number };

/**
 * An HTTPS server that waits before the handshake, before the head and between the two halves of the body, and notes how
 * long it really waited. It runs in a process of its own, so that its clock is not the prober's.
 */
const truthServer = async ({ key, cert, delayMs }: Options): Promise<{ port: number; truths: Truth[] }> => {
  const truths: Truth[] = [];
  const waited = new WeakMap<Socket, number>();
  const now = () => performance.now() / 1_000;
  const https = createHttpsServer({ key, cert, minVersion: 'TLSv1.3' }, async (request, response) => {
    const asked = now();
    await pause(delayMs);
    const headed = now();
    response.writeHead(200, { 'content-length': 4, connection: 'close' });
    response.write('ok');
    await pause(delayMs);
    const ended = now();
    response.end('ok');
    truths.push({
      id: Number(request.url?.slice(1)),
      tls: waited.get(request.socket) ?? Number.NaN,
      processing: headed - asked,
      transfer: ended - headed,
    });
  });
  https.on('tlsClientError', () => {});
  // The TLS socket is not the accepted one: the order of 'connection' and 'secureConnection' is joined by the peer's port.
  const byPort = new Map<number, number>();
  https.on('secureConnection', (socket) => waited.set(socket, byPort.get(socket.remotePort ?? 0) ?? Number.NaN));
  const front = createServer(async (socket) => {
    const accepted = now();
    socket.on('error', () => {});
    await pause(delayMs);
    byPort.set(socket.remotePort ?? 0, now() - accepted);
    https.emit('connection', socket);
  }).listen({ port: 0, host: '127.0.0.1', backlog: 1_024 });
  await once(front, 'listening');
  // safe: a listening TCP server has an address of this type
  return { port: (front.address() as AddressInfo).port, truths };
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

process.once('message', async (options: Options) => {
  const { port, truths } = await truthServer(options);
  process.send?.({ port });
  process.on('message', () => process.send?.(truths.splice(0)));
  process.once('disconnect', () => process.exit(0));
});
