import type { Counts } from '../delivery/deliver.ts';
import type { Check } from '../kernel/check.ts';
import { formatDuration } from '../kernel/duration.ts';
import type { Say } from './say.ts';

/** Names checks that not even a run which has just begun has the time for; each is said once. */
export const tooLongSayer = (log: Say): ((checks: readonly Check[]) => void) => {
  const said = new WeakSet<Check>();
  return (checks) => {
    const fresh = checks.filter((check) => !said.has(check));
    for (const check of fresh) said.add(check);
    const named = fresh.slice(0, mostNamed).map(({ id, module }) => `${id} (${formatDuration(module.timeoutMs)})`);
    const more = fresh.length > named.length ? ` and ${fresh.length - named.length} more` : '';
    if (fresh.length > 0)
      log({ level: 'warn', msg: `not started, with a longer time limit than a run has: ${named.join(', ')}${more}` });
  };
};

const mostNamed = 5;

/** What one invocation left out: `counts` are those of `endpoints`, in that order. */
type LeftOut = {
  readonly checks: number;
  readonly started: number;
  readonly counts: readonly Counts[];
  readonly endpoints: readonly { readonly name: string }[];
};

/** Says which receivers lack how many samples, and how many checks were not started. */
export const sayLeftOut = ({ checks, started, counts, endpoints }: LeftOut, log: Say): void => {
  for (const [index, one] of counts.entries()) {
    const undelivered = undeliveredOf(one);
    if (undelivered === 0) continue;
    const problem = one.lastProblem === undefined ? '' : `: ${one.lastProblem}`;
    const msg = `${undelivered} samples not delivered to ${endpoints[index]?.name ?? ''}${problem}`;
    log({ level: 'error', msg, undelivered });
  }
  const unprobed = checks - started;
  if (unprobed > 0) log({ level: 'warn', msg: `${unprobed} of ${checks} checks not started: no time left`, unprobed });
};

/** Samples that did not reach a receiver, whatever the cause. */
export const undeliveredOf = ({ waiting, dropped, lost, rejected }: Counts): number =>
  waiting + dropped + [lost, rejected].flatMap((table) => Object.values(table)).reduce((sum, one) => sum + one, 0);
