import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { collectGarbage } from '../kernel/garbage.ts';
import { type JobName, jobOf, type Work } from './matcher-jobs.ts';

/** What a matcher sends to its worker: one job at a time. */
export type WorkerRequest<K extends JobName = JobName> = { readonly kind: K; readonly work: Work<K> };

/** What comes back: that the worker is ready, the result, or the class of what was thrown. */
export type WorkerReply =
  | { readonly is: 'ready' }
  | { readonly is: 'done'; readonly result: unknown }
  | { readonly is: 'failed'; readonly name: string };

/** After so much work the memory that it took is given back; V8 lets a worker that is idle keep it. */
const muchWork = 1e6;

/**
 * On Linux a thread has a priority of its own: where no core is free the main thread goes first, and with it the times that are
 * measured. Elsewhere all threads stay equal.
 */
const yieldToMainThread = () => {
  try {
    const [, thread] = /(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    if (thread !== undefined) setPriority(Number(thread), 10);
  } catch {
    // Nothing depends on it.
  }
};

const reply = (message: WorkerReply) => parentPort?.postMessage(message);

yieldToMainThread();
parentPort?.on('message', ({ kind, work }: WorkerRequest) => {
  const job = jobOf(kind);
  try {
    reply({ is: 'done', result: job.run(work) });
  } catch (error) {
    reply({ is: 'failed', name: error instanceof Error ? error.constructor.name : typeof error });
  }
  if (job.cost(work) > muchWork) collectGarbage();
});
reply({ is: 'ready' });
