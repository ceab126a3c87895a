import { formatDuration } from '../kernel/duration.ts';
import type { Path } from './problem.ts';
import type { Add } from './target.ts';
import { tooShort } from './time-limit.ts';

/** Prometheus no longer shows a sample that is five minutes old (`--query.lookback-delta`); a minute is left for the run and its delivery. */
const longestMs = 4 * 60_000;

/** What holds for the intervals of all targets. */
export type IntervalRules = {
  /** Adds a problem for an interval that a run does not fit into, and keeps one after which a value is missing. */
  readonly look: (path: Path, intervalMs: number, timeoutMs: number) => void;
  /** Adds one warning about all targets whose values disappear from Prometheus between two runs. */
  readonly warn: (add: Add) => void;
};

/** Starts with no target. */
export const intervalRules = (add: Add): IntervalRules => {
  let first: { readonly path: Path; readonly intervalMs: number } | undefined;
  let count = 0;
  return {
    look: (path, intervalMs, timeoutMs) => {
      if (intervalMs < timeoutMs) add(path, tooShort(intervalMs, timeoutMs));
      if (intervalMs <= longestMs) return;
      first ??= { path, intervalMs };
      count += 1;
    },
    warn: (warning) => {
      if (first !== undefined) warning(first.path, tooLong(first.intervalMs, count - 1));
    },
  };
};

const tooLong = (intervalMs: number, others: number): string => {
  const more = others === 0 ? '' : ` (and ${others} more)`;
  return (
    `interval ${formatDuration(intervalMs)}${more}: Prometheus shows a value for five minutes, so it is missing between runs; ` +
    `write ${formatDuration(longestMs)} or less, or query with last_over_time(...[${formatDuration(intervalMs * 2)}])`
  );
};
