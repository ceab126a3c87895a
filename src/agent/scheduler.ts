import type { Check, EpochMs } from '../kernel/check.ts';
import type { Due } from '../kernel/run.ts';
import { due } from '../run/due.ts';

/** Why a check that was due was not run: its last run was still under way, or its turn did not come in time. */
export type Skipped = 'overlap' | 'late';

/** What a scheduler does with its checks. */
export type SchedulerParts = {
  /** Runs a check whose time has come and calls `began` when its turn has come; resolves when the run has ended. */
  readonly run: (due: Due, began: () => void) => Promise<void>;
  /** A run that rejected, or threw: its check is run again when it is due next. */
  readonly onFailed: (due: Due, thrown: unknown) => void;
  readonly onSkipped: (due: Due, why: Skipped) => void;
  /** Wall time. */
  readonly now?: () => EpochMs;
};

/** Starts each check once per interval at its own offset, for as long as it lives. */
export type Scheduler = Disposable & {
  /** Takes the place of the checks so far. Checks that stay (the same objects) keep their times. */
  readonly set: (checks: readonly Check[]) => void;
  /** Resolves when no run is under way. */
  readonly idle: () => Promise<void>;
};

/** How far ahead times are worked out at once, and how long a sleep may be: the wall clock may be set meanwhile. */
const horizonMs = 10_000;
const longestSleepMs = 1_000;
/** Checks that are due closer than this wake the process once; pacing spreads them. */
const shortestSleepMs = 4;

/** Makes a scheduler without checks. Disposing starts nothing more; runs under way are the caller's to end. */
export const scheduler = ({ run, onFailed, onSkipped, now = Date.now }: SchedulerParts): Scheduler => {
  let checks: readonly Check[] = [];
  let queue: Due[] = [];
  /** What lies before it in the queue has been started. */
  let head = 0;
  let plannedTo = now();
  let timer: NodeJS.Timeout | undefined;
  const underWay = new Map<Check, Promise<void>>();
  const waiting = new Set<Check>();

  const plan = () => {
    const time = now();
    // A clock that was set back, or a process that slept for long: what lies between is nobody's any more.
    if (plannedTo > time + horizonMs || plannedTo < time - horizonMs) plannedTo = time;
    const to = Math.max(plannedTo, time) + horizonMs;
    queue = due(checks, { from: plannedTo, to });
    plannedTo = to;
  };

  const start = (next: Due) => {
    const { check, at } = next;
    // A run that still waits for its turn is no slow target.
    if (underWay.has(check)) return onSkipped(next, waiting.has(check) ? 'late' : 'overlap');
    if (now() - at >= check.target.intervalMs) return onSkipped(next, 'late');
    waiting.add(check);
    const began = () => void waiting.delete(check);
    const running = (async () => run(next, began))()
      .catch((thrown: unknown) => onFailed(next, thrown))
      .finally(() => {
        waiting.delete(check);
        underWay.delete(check);
      });
    underWay.set(check, running);
  };

  const tick = () => {
    const time = now();
    // A clock that was set back: what was planned lies as far ahead as that, and would wait for it.
    if (plannedTo > time + 2 * horizonMs) {
      queue = [];
      head = 0;
      plannedTo = time;
    }
    try {
      while (head < queue.length && (queue[head]?.at ?? 0) <= time) {
        const one = queue[head];
        head += 1;
        if (one !== undefined) start(one);
      }
    } finally {
      // Whatever a callback throws, the next check is started: an agent that no longer probes would look alive.
      if (head >= queue.length) {
        queue = [];
        head = 0;
        plan();
      }
      const waitMs = Math.max(shortestSleepMs, (queue[head]?.at ?? plannedTo) - now());
      timer = setTimeout(tick, Math.min(waitMs, longestSleepMs));
    }
  };

  const set = (next: readonly Check[]) => {
    const before = new Set(checks);
    const kept = new Set(next);
    const fresh = next.filter((check) => !before.has(check));
    checks = next;
    const time = now();
    queue = [...queue.slice(head).filter(({ check }) => kept.has(check)), ...due(fresh, { from: time, to: plannedTo })];
    head = 0;
    queue.sort((a, b) => a.at - b.at);
    clearTimeout(timer);
    tick();
  };

  return {
    set,
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      queue = [];
    },
  };
};
