import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { codeOf } from './failure.ts';
import type { WorkerReply, WorkerRequest } from './matcher-worker.ts';

/** A worker thread that does one job at a time. It holds no process alive while it is idle. */
export type Thread = {
  readonly post: (request: WorkerRequest) => void;
  /** Ends it at once, whatever it does. Nothing is reported any more. */
  readonly end: () => Promise<unknown>;
};

/** What a thread reports: replies, and the code of the error that ended it on its own. */
export type ThreadEvents = { readonly onReply: (reply: WorkerReply) => void; readonly onGone: (code: string) => void };

/** Beside this file: the source of a checkout, or what `npm run build` made of it (`.cjs`, `.mjs`). */
const file = join(import.meta.dirname, `matcher-worker${extname(import.meta.filename)}`);

/**
 * Starts a thread. It has no environment, since what runs there needs no secrets. The bound of its heap is several times what states and
 * programs can take: Node ends only the thread that meets it in JavaScript, but the process where it happens while a message is read.
 */
export const startThread = ({ onReply, onGone }: ThreadEvents): Thread => {
  const worker = new Worker(file, {
    name: 'matcher',
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 },
  });
  let isOver = false;
  const gone = (code: string) => {
    if (isOver) return;
    isOver = true;
    onGone(code);
  };
  worker.on('message', (reply: WorkerReply) => {
    if (isOver) return;
    if (reply.is !== 'ready') worker.unref();
    onReply(reply);
  });
  worker.on('error', (error) => gone(codeOf(error)));
  worker.on('exit', () => gone(''));
  return {
    post: (request) => {
      worker.ref();
      worker.postMessage(request);
    },
    end: () => {
      isOver = true;
      return worker.terminate();
    },
  };
};
