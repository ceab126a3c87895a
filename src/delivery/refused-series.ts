import type { EpochMs } from '../kernel/check.ts';
import type { Sample, Series } from '../kernel/sample.ts';

/** Series that a receiver refuses, by what became of their samples. */
export type RefusedSeries = {
  /** The status with which a series was refused, while it is left out of batches; else `undefined`. */
  readonly statusOf: (series: Series, now: EpochMs) => number | undefined;
  /** A sample was refused on its own, while others of its batch were taken. */
  readonly refuse: (sample: Sample, status: number, now: EpochMs) => void;
  /** Samples were taken. */
  readonly accept: (samples: readonly Sample[]) => void;
};

type Entry = { refusals: number; lastAt: EpochMs; until: EpochMs; readonly status: number };

/** A refused sample older than this says nothing about its series: it may have been too old. In milliseconds. */
const freshMs = 5 * 60_000;
/** The first sample may have been refused for its time; from the second on the series is left out, longer each time. */
const leaveOut = { from: 2, firstMs: 60_000, mostMs: 3_600_000 } as const;

/**
 * Remembers which series a receiver refuses, so that the search for them is not repeated with each batch. A series is left out for
 * a minute after its second fresh sample in a row was refused, then twice as long after each further one, up to an hour. A sample
 * that is taken ends that. By identity: a series that is made again is tried again.
 */
export const refusedSeries = (): RefusedSeries => {
  const entries = new WeakMap<Series, Entry>();
  let isEmpty = true;
  return {
    statusOf: (series, now) => {
      const entry = isEmpty ? undefined : entries.get(series);
      return entry !== undefined && now < entry.until ? entry.status : undefined;
    },
    refuse: ({ series, at }, status, now) => {
      if (now - at > freshMs) return;
      const before = entries.get(series);
      const refusals = (before?.refusals ?? 0) + (before?.lastAt === at ? 0 : 1);
      const times = refusals - leaveOut.from;
      const until = times < 0 ? 0 : now + Math.min(leaveOut.mostMs, leaveOut.firstMs * 2 ** times);
      entries.set(series, { refusals, lastAt: at, until, status });
      isEmpty = false;
    },
    accept: (samples) => {
      if (isEmpty) return;
      for (const { series } of samples) entries.delete(series);
    },
  };
};
