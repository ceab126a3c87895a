/** One figure: what was measured, against which bar. `ratio` is to be at most `limit`, or at least with `atLeast`. */
export type Figure = {
  readonly bench: string;
  readonly ratio: number;
  readonly limit: number;
  readonly atLeast?: true;
  readonly rounds?: number;
  readonly low?: number;
  readonly high?: number;
  readonly note?: string;
};

/** The middle value; the mean of the two middle ones when their number is even. NaN for none. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
};

/** The value that the share `q` (0 to 1) of all values does not exceed (nearest rank). */
export const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
};

/** A figure from the ratios of several rounds: their median, with the lowest and the highest beside it. */
export const figureOf = (bench: string, ratios: readonly number[], limit: number, note?: string): Figure => ({
  bench,
  ratio: round(median(ratios)),
  limit,
  rounds: ratios.length,
  low: round(Math.min(...ratios)),
  high: round(Math.max(...ratios)),
  ...(note === undefined ? {} : { note }),
});

/** True when the figure holds its bar. */
export const holds = (figure: Figure): boolean =>
  figure.atLeast === true ? figure.ratio >= figure.limit : figure.ratio <= figure.limit;

const round = (value: number): number => Number(value.toFixed(4));
