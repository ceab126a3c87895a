import type { Check, EpochMs } from '../kernel/check.ts';
import type { Due } from '../kernel/run.ts';
import { due } from '../run/due.ts';

/** Why a check that was due was not run: its last run was still under way, or its time was over before its turn came. */
export type Skipped = 'overlap' | 'late';

/** What a scheduler does with its checks. */
export type SchedulerParts = {
  /** Runs a check whose time has come; resolves when the run has ended. */
  readonly run: (due: Due) => Promise<void>;
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

/** Makes a scheduler without checks. Disposing starts nothing more; runs under way are the caller's to end. */
export const scheduler = ({ run, onFailed, onSkipped, now = Date.now }: SchedulerParts): Scheduler => {
  let checks: readonly Check[] = [];
  let queue: Due[] = [];
  let plannedTo = now();
  let timer: NodeJS.Timeout | undefined;
  const underWay = new Map<Check, Promise<void>>();

  const plan = () => {
    const time = now();
    // A clock that was set back, or a process that slept for long: what lies between is nobody's any more.
    if (plannedTo > time + horizonMs || plannedTo < time - horizonMs) plannedTo = time;
    const to = Math.max(plannedTo, time) + horizonMs;
    queue.push(...due(checks, { from: plannedTo, to }));
    plannedTo = to;
  };

  const start = (next: Due) => {
    const { check, at } = next;
    if (underWay.has(check)) return onSkipped(next, 'overlap');
    if (now() - at >= check.target.intervalMs) return onSkipped(next, 'late');
    const running = (async () => run(next))()
      .catch((thrown: unknown) => onFailed(next, thrown))
      .finally(() => underWay.delete(check));
    underWay.set(check, running);
  };

  const tick = () => {
    const time = now();
    // A clock that was set back: what was planned lies as far ahead as that, and would wait for it.
    if (plannedTo > time + 2 * horizonMs) {
      queue = [];
      plannedTo = time;
    }
    let next = 0;
    const from = queue;
    try {
      while (next < from.length && (from[next]?.at ?? 0) <= time) {
        const one = from[next];
        next += 1;
        if (one !== undefined) start(one);
      }
    } finally {
      // Whatever a callback throws, the next check is started: an agent that no longer probes would look alive.
      queue = from.slice(next);
      if (queue.length === 0) plan();
      const waitMs = Math.max(0, (queue[0]?.at ?? plannedTo) - now());
      timer = setTimeout(tick, Math.min(waitMs, longestSleepMs));
    }
  };

  const set = (next: readonly Check[]) => {
    const before = new Set(checks);
    const kept = new Set(next);
    const fresh = next.filter((check) => !before.has(check));
    checks = next;
    const time = now();
    queue = [...queue.filter(({ check }) => kept.has(check)), ...due(fresh, { from: time, to: plannedTo })];
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
