/** The limits of the waits between attempts, in milliseconds. */
export type Backoff = { readonly minMs: number; readonly maxMs: number };

/**
 * How long to wait before attempt `attempt + 1`: a random time between the minimum and a limit that doubles with each attempt
 * up to the maximum ("full jitter"), so that many senders do not come back together. `random` gives 0 to 1.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const backoffMs = ({ minMs, maxMs }: Backoff, attempt: number, random: () => number): number => {
  const limit = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return minMs + random() * Math.max(0, limit - minMs);
};
