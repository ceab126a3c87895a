import { formatDuration } from '../kernel/duration.ts';
import type { Path } from './problem.ts';

/** Prometheus no longer shows a sample that is five minutes old (`--query.lookback-delta`); a minute is left for the run and its delivery. */
const longestMs = 4 * 60_000;

/** Collects targets whose values disappear from Prometheus between two runs. */
export type RareTargets = {
  readonly look: (path: Path, intervalMs: number) => void;
  /** Where the first one stands, and one sentence about all; `undefined` without any. */
  readonly warning: () => { readonly path: Path; readonly message: string } | undefined;
};

/** Starts with no target. */
export const rareTargets = (): RareTargets => {
  let first: { readonly path: Path; readonly intervalMs: number } | undefined;
  let count = 0;
  return {
    look: (path, intervalMs) => {
      if (intervalMs <= longestMs) return;
      first ??= { path, intervalMs };
      count += 1;
    },
    warning: () => {
      if (first === undefined) return undefined;
      const interval = formatDuration(first.intervalMs);
      const others = count === 1 ? '' : ` (and ${count - 1} more)`;
      const range = formatDuration(first.intervalMs * 2);
      const message =
        `interval ${interval}${others}: Prometheus shows a value for five minutes, so it is missing between runs; ` +
        `write ${formatDuration(longestMs)} or less, or query with last_over_time(...[${range}])`;
      return { path: first.path, message };
    },
  };
};
