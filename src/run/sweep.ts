import type { ProberTable } from '../config/schema.ts';
import type { Check } from '../kernel/check.ts';
import type { Run } from '../kernel/run.ts';
import type { Moment } from '../net/marks.ts';
import type { Kit, Prober } from '../net/prober.ts';
import { execute } from './execute.ts';
import { kindOf, type Pace } from './pace.ts';

/** What a sweep needs besides its checks. `signal` ends it early; `onRun` is told of each run as it ends, in that order. */
export type SweepOptions = {
  readonly probers: ProberTable;
  readonly kit: Kit;
  readonly pace: Pace;
  readonly clock: () => Moment;
  readonly signal: AbortSignal;
  readonly onRun: (run: Run, prober: Prober) => void;
};

/**
 * Runs each check once: started one by one at the pace, running side by side. Resolves when the last has ended.
 * When the signal fires no more are started, and those that run end as void.
 */
export const sweep = async (checks: readonly Check[], options: SweepOptions): Promise<void> => {
  const { probers, kit, pace, clock, signal, onRun } = options;
  const running: Promise<void>[] = [];
  const one = async (check: Check, prober: Prober) => {
    const run = await execute(check, prober, kit, { clock, signal });
    pace.ended(kindOf(check));
    onRun(run, prober);
  };
  for (const check of checks) {
    if (!(await pace.turn(kindOf(check), signal))) break;
    running.push(one(check, proberOf(check, probers)));
  }
  await Promise.all(running);
};

const proberOf = (check: Check, probers: ProberTable): Prober => {
  const prober = probers[check.module.prober];
  // `compile` refuses lists that name a prober we do not have.
  if (prober === undefined) throw new Error(`${check.id} needs the prober ${check.module.prober}, which is not there`);
  return prober;
};
