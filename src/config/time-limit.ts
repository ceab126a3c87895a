import { formatDuration } from '../kernel/duration.ts';
import type { Item } from './target.ts';

const usualTimeoutMs = 10_000;

/**
 * The time limit of a run, in milliseconds. The module's limit bounds all others. A limit for all does not bind what takes its time by
 * nature, such as rounds.
 */
export const timeLimit = ({ limits: { target, defaults, module } }: Item, byNature: number | undefined): number => {
  const written = target ?? (byNature === undefined ? defaults : undefined);
  return written === undefined ? (module ?? byNature ?? usualTimeoutMs) : Math.min(written, module ?? written);
};

/** What is wrong with an interval that is shorter than its time limit. */
export const tooShort = (intervalMs: number, timeoutMs: number): string =>
  `interval ${formatDuration(intervalMs)} is below the time limit ${formatDuration(timeoutMs)}; write a longer interval or a shorter timeout`;
