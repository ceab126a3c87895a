import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** Compares a password with a bcrypt hash. Rejects if the comparison could not take place. */
export type ComparePassword = (password: string, hash: string) => Promise<boolean>;

/** Beside the bundle, or among the sources. */
const places = ['bcrypt-worker.cjs', 'bcrypt-worker.ts'];

/** For how long an idle thread stays, in milliseconds. */
const idleMs = 10_000;
/** Memory of the thread beyond its code, in megabytes. */
const heapMb = 16;

/**
 * Compares on a thread of its own, one password after the other, so that the event loop runs on. The thread is started by
 * the first password and ends when there was none for ten seconds. An idle one does not keep the process alive.
 */
export const bcryptThread = (): ComparePassword => {
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const compare: ComparePassword = async (password, hash) => {
    clearTimeout(idle);
    const running = worker ?? startWorker();
    if (worker === undefined)
      running.once('exit', () => {
        if (worker === running) worker = undefined;
      });
    worker = running;
    const end = () => {
      if (worker === running) worker = undefined;
      void running.terminate();
    };
    running.ref();
    try {
      const good = await answerOf(running, password, hash);
      running.unref();
      idle = setTimeout(end, idleMs).unref();
      return good;
    } catch (error) {
      end();
      throw error;
    }
  };

  return (password, hash) => {
    const result = last.then(() => compare(password, hash));
    last = result.catch(() => {});
    return result;
  };
};

const answerOf = (worker: Worker, password: string, hash: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const end = () => {
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    };
    const onMessage = (equal: boolean) => {
      end();
      resolve(equal);
    };
    const onError = (error: unknown) => {
      end();
      reject(error instanceof Error ? error : new Error('the thread failed'));
    };
    const onExit = () => onError(new Error('the thread ended'));
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage({ password, hash });
  });

const startWorker = (): Worker => {
  const path = places.map((place) => join(import.meta.dirname, place)).find((one) => existsSync(one));
  if (path === undefined) throw new Error(`${places[0]} is missing beside the program`);
  const worker = new Worker(path, { resourceLimits: { maxOldGenerationSizeMb: heapMb } });
  // An idle thread that fails is replaced by the next password.
  worker.on('error', () => {});
  return worker;
};
