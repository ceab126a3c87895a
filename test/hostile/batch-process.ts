import { text } from 'node:stream/consumers';
import { type BatchOrder, runBatch } from './batch.ts';

/** {@link runBatch} as a process of its own: in a namespace of the lab, or beside others. Reads the order, writes the result, as JSON. */
// safe: written by run.ts
const order = JSON.parse(await text(process.stdin)) as BatchOrder;
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
try {
  process.stdout.write(JSON.stringify(await runBatch(order, stopping.signal)));
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  process.exitCode = 130;
}
