/**
 * What becomes of an invocation's time on Lambda, in milliseconds: below the minute of a slot, so that it ends before the next one
 * of its shard begins; of what is left at its start delivery gets one part in `deliveryPart`, and `deliveryMs` at most; `spareMs`
 * gets nobody; with less than `leastMs` nothing is begun. `startMs` is what may be gone before the last check of a shard starts: two
 * seconds at most for a newer list, half a second for those of clusters, then names, secrets and paced starts.
 */
export const functionTime = {
  wholeMs: 50_000,
  deliveryMs: 10_000,
  deliveryPart: 5,
  spareMs: 200,
  leastMs: 1_000,
  startMs: 9_800,
} as const;

const { wholeMs, deliveryMs, spareMs, startMs } = functionTime;

/** The longest time limit of a check that a function holds wherever in its shard the check stands, in milliseconds. */
export const longestAtLambdaMs = wholeMs - deliveryMs - spareMs - startMs;
