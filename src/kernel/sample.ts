import type { EpochMs } from './check.ts';
import type { Metric } from './metric.ts';

/** Names and values, sorted by name, none empty. */
export type LabelPairs = readonly (readonly [name: string, value: string])[];

/**
 * A metric with all its labels, `__name__` included. One object per series and check (interned). `tail` is there when `__name__`
 * comes first: all labels after it, one array for all series of a check that share them, so that encoders can keep its bytes.
 */
export type Series = { readonly metric: Metric; readonly labels: LabelPairs; readonly tail?: LabelPairs };

/**
 * One value of a series. A stale marker is a tag, never a NaN: JavaScript may change a NaN's bits on the way.
 */
export type Sample = { readonly series: Series; readonly at: EpochMs; readonly value: number | 'stale' };

/** Samples that travel together. Batches of one `group` are delivered one after the other, in order. */
export type Batch = { readonly id: string; readonly group: string; readonly samples: readonly Sample[] };
