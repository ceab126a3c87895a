import type { Check } from '../kernel/check.ts';
import type { Escaped } from '../run/escapes.ts';

/** How long an escaped error counts, and how old a process must be to be restarted for them, in milliseconds. */
const windowMs = 600_000;
/** Errors of no run: something that all checks share may be broken. */
const mostOfNoRun = 5;
/** Checks with an error of their runs: one target or two never restart an agent, however often. */
const mostChecks = 20;

/**
 * Whether a process is to be restarted after each escaped error: with five errors of no run, or errors of twenty checks, within
 * ten minutes. Never in its first ten minutes, so that neither a peer nor a bug keeps it from probing by restarts. `now` are
 * milliseconds since the process started.
 */
export const restartRule = (now: () => number = () => performance.now()): ((escaped: Escaped) => boolean) => {
  let ofNoRun: number[] = [];
  const checks = new Map<Check, number>();
  return ({ check }) => {
    const time = now();
    const isRecent = (at: number) => time - at < windowMs;
    ofNoRun = ofNoRun.filter(isRecent).slice(-mostOfNoRun);
    for (const [known, at] of checks) if (!isRecent(at)) checks.delete(known);
    if (check === undefined) ofNoRun.push(time);
    else if (checks.has(check) || checks.size < mostChecks) checks.set(check, time);
    return time >= windowMs && (ofNoRun.length >= mostOfNoRun || checks.size >= mostChecks);
  };
};
