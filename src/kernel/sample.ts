import type { EpochMs } from './check.ts';
import type { Metric } from './metric.ts';

/** Names and values, sorted by name, none empty. */
export type LabelPairs = readonly (readonly [name: string, value: string])[];

/**
 * A metric with all labels but its name. One object per series and check (interned); series of a check that have the same
 * labels share one array, so that encoders can keep its bytes.
 */
export type Series = { readonly metric: Metric; readonly labels: LabelPairs };

/** Whether `__name__` sorts before all other labels; names in capitals come before it. */
export const isNameFirst = ({ labels: [first] }: Series): boolean => first === undefined || first[0] > '__name__';

/** All labels of a series, `__name__` in its place among them. */
export const allLabels = (series: Series): LabelPairs => {
  const all = [['__name__', series.metric.name] as const, ...series.labels];
  return isNameFirst(series) ? all : all.sort(([a], [b]) => (a < b ? -1 : 1));
};

/** What a series is told from all others by, whichever object it is. */
export const seriesKey = (series: Series): string => JSON.stringify(allLabels(series));

/**
 * One value of a series. A stale marker is a tag, never a NaN: JavaScript may change a NaN's bits on the way.
 */
export type Sample = { readonly series: Series; readonly at: EpochMs; readonly value: number | 'stale' };

/** Samples that travel together. Batches of one `group` are delivered one after the other, in order. */
export type Batch = { readonly id: string; readonly group: string; readonly samples: readonly Sample[] };
