import { setTimeout as wait } from 'node:timers/promises';

/** The least time from the end of one reload by request to the start of the next, in milliseconds. */
const pauseMs = 5_000;

/**
 * Makes reloads by request rare: one at a time, and the next at least five seconds after the last. Requests that come
 * meanwhile wait for one reload that they share. It starts after them, so its result is about the list as it was when
 * they asked, or later. Rejects as `reload` does.
 */
export const sharedReload = <Result>(
  reload: () => Promise<Result>,
  pause: () => Promise<unknown> = () => wait(pauseMs, undefined, { ref: false }),
): (() => Promise<Result>) => {
  let free: Promise<unknown> = Promise.resolve();
  let next: Promise<Result> | undefined;
  return () => {
    next ??= free.then(() => {
      next = undefined;
      const result = reload();
      free = result.then(pause, pause);
      return result;
    });
    return next;
  };
};
