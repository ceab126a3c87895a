import type { EpochMs } from './check.ts';
import type { Metric } from './metric.ts';

/**
 * A metric with all its labels, `__name__` included, sorted by name, none empty.
 * One object per series and check (interned), so that encoders can cache its bytes by identity.
 */
export type Series = { readonly metric: Metric; readonly labels: readonly (readonly [name: string, value: string])[] };

/**
 * One value of a series. A stale marker is a tag, never a NaN: JavaScript may change a NaN's bits on the way.
 */
export type Sample = { readonly series: Series; readonly at: EpochMs; readonly value: number | 'stale' };

/** Samples that travel together. Batches of one `group` are delivered one after the other, in order. */
export type Batch = { readonly id: string; readonly group: string; readonly samples: readonly Sample[] };
