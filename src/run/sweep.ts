import type { Check } from '../kernel/check.ts';
import type { Checked, Checker } from './checker.ts';
import { kindOf, type Pace } from './pace.ts';

/**
 * What a sweep needs besides its checks. `signal` ends it early; `onChecked` is told of each run as it ends, in that order.
 * `mayStart` is asked before a check waits for its turn and when that has come: false, and it is left out.
 */
export type SweepOptions = {
  readonly checker: Checker;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly onChecked: (checked: Checked) => void;
  readonly mayStart?: (check: Check) => boolean;
};

/**
 * Runs each check once: started one by one at the pace, running side by side. Resolves when the last has ended, with the
 * number of those that were started. When the signal fires no more are started, and those that run end as void.
 */
export const sweep = async (checks: readonly Check[], options: SweepOptions): Promise<number> => {
  const { checker, pace, signal, onChecked, mayStart = () => true } = options;
  const running: Promise<void>[] = [];
  const one = async (check: Check) => {
    const checked = await checker.run(check, signal);
    pace.ended(kindOf(check));
    onChecked(checked);
  };
  for (const check of checks) {
    if (!mayStart(check)) continue;
    if (!(await pace.turn(kindOf(check), signal))) break;
    if (mayStart(check)) running.push(one(check));
  }
  await Promise.all(running);
  return running.length;
};
