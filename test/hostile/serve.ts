import type { Up } from './peer.ts';
import { peerNamed } from './table.ts';
import { testCa } from './test-ca.ts';

/** The process of the hostile servers: it is sent names of the table, and says at which ports they are and which root they are judged by. */
const up: Up[] = [];

process.on('message', async (names: readonly string[]) => {
  const ports: Record<string, number> = {};
  for (const name of names) {
    const peer = await peerNamed(name).serve?.();
    if (peer === undefined) continue;
    up.push(peer);
    ports[name] = peer.port;
  }
  process.send?.({ ports, root: testCa().rootPem });
});
process.once('disconnect', () => process.exit(0));
// A hostile server that falls over itself must not look like a mild one.
process.on('uncaughtException', (error) => {
  process.stderr.write(`hostile server: ${error.stack}\n`);
});
