/** What a number of round trips come to, in the unit of the round trips themselves. */
export type Statistics = {
  readonly best: number;
  readonly mean: number;
  readonly median: number;
  readonly worst: number;
  /** Of the whole population: divided by their number. */
  readonly deviation: number;
  readonly jitter: number;
};

/** What each of them is, in words. */
export const statisticNames = {
  best: 'The shortest.',
  mean: 'The sum divided by their number.',
  median: 'The middle one.',
  worst: 'The longest.',
  deviation: 'The standard deviation of the whole population.',
  jitter: 'The median absolute difference of neighbours.',
} as const satisfies Readonly<Record<keyof Statistics, string>>;

/** The statistics of round trips in the order in which they were sent; `undefined` for none. */
export const statisticsOf = (rtts: readonly number[]): Statistics | undefined => {
  if (rtts.length === 0) return undefined;
  const sorted = [...rtts].sort((a, b) => a - b);
  const mean = sumOf(rtts) / rtts.length;
  return {
    best: sorted[0] ?? 0,
    mean,
    median: medianOf(sorted),
    worst: sorted.at(-1) ?? 0,
    deviation: Math.sqrt(squares(rtts, mean) / rtts.length),
    jitter: jitter(rtts),
  };
};

/**
 * Median absolute difference of neighbouring round trips; 0 for fewer than two. Lost packets are skipped, so the neighbours need
 * not have been sent one after the other. One outlier does not move it.
 * @see https://www.rfc-editor.org/rfc/rfc3550#section-6.4.1 for the smoothed mean that RTP uses instead
 */
export const jitter = (rtts: readonly number[]): number => {
  const steps = rtts.slice(1).map((rtt, index) => Math.abs(rtt - (rtts[index] ?? rtt)));
  return medianOf(steps.sort((a, b) => a - b));
};

/** Standard deviation of a sample: divided by their number less one; 0 for fewer than two. */
export const sampleDeviation = (values: readonly number[]): number =>
  values.length < 2 ? 0 : Math.sqrt(squares(values, sumOf(values) / values.length) / (values.length - 1));

/**
 * Share of packets without an answer, 0 to 1; 1 where nothing could be sent. Divided once: 8 of 10 give 0.2, and not the
 * 0.19999999999999996 of a subtraction from 1, which would stay below a limit of 0.2.
 */
export const lossRatio = (sent: number, received: number): number =>
  sent <= 0 ? 1 : Math.max(0, sent - received) / sent;

/** A ratio in percent, without the digits that floating point adds: 0.07 gives `7 %`. */
export const percentText = (ratio: number): string => `${Number((ratio * 100).toPrecision(12))} %`;

/** The sum of numbers. */
export const sumOf = (values: readonly number[]): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

const squares = (values: readonly number[], mean: number): number => {
  let sum = 0;
  for (const value of values) sum += (value - mean) ** 2;
  return sum;
};

/** Of sorted numbers; 0 for none. */
const medianOf = (sorted: readonly number[]): number => {
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] ?? upper)) / 2;
};
