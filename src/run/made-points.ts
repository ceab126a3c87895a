import type { Point } from '../kernel/metric.ts';
import { failure } from '../kernel/reason.ts';
import type { Run } from '../kernel/run.ts';
import type { Prober } from '../net/prober.ts';
import { describeThrown } from './describe-thrown.ts';
import { reportEscaped } from './escapes.ts';

/** What a prober makes of a run: its points, and what it remembers. */
export type Made = { readonly run: Run; readonly points: readonly Point[]; readonly memory: unknown };

/**
 * Makes the points of a run. A prober that throws while it does gives reason `unexpected` in place of the run's own outcome, no
 * points, and no memory, since that may be the cause. Never throws.
 */
export const madePoints = (run: Run, prober: Prober, before: unknown): Made => {
  try {
    const memory = prober.remember?.(before, run.outcome) ?? before;
    return { run, points: prober.points(run, memory), memory };
  } catch (error) {
    reportEscaped(run.check, error);
    const detail = `the prober threw ${describeThrown(error)} while its points were made`;
    const outcome = { facts: {}, failures: [failure('unexpected', 'check', detail)] };
    return { run: { ...run, outcome }, points: [], memory: undefined };
  }
};
