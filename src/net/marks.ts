import { performance } from 'node:perf_hooks';
import type { Seconds } from '../kernel/check.ts';
import { waitedForCpu } from './waited-for-cpu.ts';

/** A moment: monotonic seconds, and for how long right before it the event loop may have been busy or kept from running. */
export type Moment = { readonly at: Seconds; readonly streak: Seconds };

/**
 * Makes the clock of one process. Each reading gives the moment and the loop's busy streak: how long the loop has been
 * running without having waited since the previous reading. A callback cannot have been later than its streak.
 * One per process, since each reading is measured against the one before, whoever took it. `waited` are the milliseconds
 * for which the process was ready to run and was not let; see {@link waitedForCpu}.
 */
export const marks = (waited: () => number = waitedForCpu): (() => Moment) => {
  let last = performance.eventLoopUtilization();
  let lastWaited = waited();
  let streak = 0;
  /** A loop that has something to do and is not let run takes itself for idle: that is no rest, but the start of a streak. */
  const keptWaiting = (idle: number): number => {
    // Asking the system costs more than what so short a time could matter.
    if (idle < leastMs) return 0;
    const before = lastWaited;
    lastWaited = waited();
    return Math.min(lastWaited - before, idle);
  };
  return () => {
    const now = performance.eventLoopUtilization();
    const active = now.active - last.active;
    const idle = now.idle - last.idle;
    streak = idle > 0 ? keptWaiting(idle) + active : streak + active;
    last = now;
    return { at: performance.now() / 1_000, streak: streak / 1_000 };
  };
};

/** Half of the doubt at which times are not to be trusted. */
const leastMs = 3;
