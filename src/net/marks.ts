import { performance } from 'node:perf_hooks';
import type { Seconds } from '../kernel/check.ts';

/** A moment: monotonic seconds, and how long the event loop may have been busy right before it. */
export type Moment = { readonly at: Seconds; readonly streak: Seconds };

/**
 * Makes the clock of one process. Each reading gives the moment and the loop's busy streak: how long the loop has been
 * running without having waited since the previous reading. A callback cannot have been later than its streak.
 * One per process, since each reading is measured against the one before, whoever took it.
 */
export const marks = (): (() => Moment) => {
  let last = performance.eventLoopUtilization();
  let streak = 0;
  return () => {
    const now = performance.eventLoopUtilization();
    const active = now.active - last.active;
    streak = now.idle > last.idle ? active : streak + active;
    last = now;
    return { at: performance.now() / 1_000, streak: streak / 1_000 };
  };
};
