import type { Batch, Sample } from '../kernel/sample.ts';

/**
 * What a receiver did with a batch. `retry`: send the same again later; `pause`: something outside must change first (a token,
 * a path), keep everything; `split`: too large; `refused`: not these samples, ever. `dropped` marks a 2xx that says the
 * receiver threw the samples away on purpose. `why` is for people, bounded and without secrets.
 */
export type Receipt = {
  readonly kind: 'accepted' | 'retry' | 'pause' | 'split' | 'refused';
  readonly status?: number;
  readonly afterMs?: number;
  readonly why?: string;
  readonly dropped?: true;
  /** The receiver's clock minus ours, in milliseconds, to about a second. */
  readonly skewMs?: number;
};

/** Takes every batch, in order, and says what became of it. Never rejects; `attempt` counts from 1. */
export type StreamSink = AsyncDisposable & {
  readonly kind: 'stream';
  readonly send: (batch: Batch, attempt: number, signal: AbortSignal) => Promise<Receipt>;
};

/** Takes the latest value of each series. */
export type StateSink = AsyncDisposable & {
  readonly kind: 'state';
  readonly put: (latest: Iterable<Sample>, signal: AbortSignal) => Promise<Receipt>;
};

/** Something that takes samples. */
export type Sink = StreamSink | StateSink;
