import type * as z from 'zod';
import type { Dialect } from '../../src/kernel/check.ts';
import type { Outcome, Run } from '../../src/kernel/run.ts';
import type { Prober } from '../../src/net/prober.ts';

/** What a prober says of an outcome, by `name` or `name{label="value"}`. Fails when it says a thing it does not declare. */
export const pointsOf = <S extends z.ZodType, F extends object, M>(
  prober: Prober<S, F, M>,
  outcome: Outcome<F>,
  address = '',
  names: readonly Dialect[] = [],
): Map<string, number> => {
  const declared = new Set(Object.values(prober.metrics).map(({ name }) => name));
  const points = new Map<string, number>();
  // safe: points are made from the outcome, the target's address and the names it asks for
  const run = { outcome, took: 1, check: { target: { address, names } } } as unknown as Run<F>;
  for (const { metric, labels, value } of prober.points(run, undefined)) {
    if (!declared.has(metric.name)) throw new Error(`${metric.name} is not declared`);
    const pairs = Object.entries(labels).map(([name, text]) => `${name}=${JSON.stringify(text)}`);
    points.set(pairs.length === 0 ? metric.name : `${metric.name}{${pairs.join(',')}}`, value);
  }
  return points;
};
