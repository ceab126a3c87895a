import type { Check, EpochMs } from '../kernel/check.ts';
import type { Due } from '../kernel/run.ts';
import { stableHash } from '../protocol/rendezvous.ts';

/** A stretch of wall time: from `from`, up to but not including `to`. */
export type Window = { readonly from: EpochMs; readonly to: EpochMs };

/**
 * What is due in a window, in order of time. A check is due once per interval, at an offset of its own that never changes:
 * vantages do not hit the same target in the same second, and windows that lie side by side miss nothing and repeat nothing.
 */
export const due = (checks: readonly Check[], { from, to }: Window): Due[] => {
  const all: Due[] = [];
  for (const check of checks) {
    const { intervalMs } = check.target;
    const offset = offsetOf(check);
    const first = offset + Math.ceil((from - offset) / intervalMs) * intervalMs;
    for (let at = first; at < to; at += intervalMs) all.push({ check, at });
  }
  return all.sort((a, b) => a.at - b.at);
};

/** Milliseconds from the start of each interval, from 0 to below the interval. Siblings under one name have their own. */
export const offsetOf = ({ target, vantage, instance }: Check): number => {
  const part = stableHash(`${target.name}\n${vantage.name}\n${instance}`) / 2 ** 32;
  return Math.floor(part * target.intervalMs);
};
