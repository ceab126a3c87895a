import * as z from 'zod';
import type { Check, Target } from '../../src/kernel/check.ts';
import type { Outcome } from '../../src/kernel/run.ts';
import { kit } from '../../src/net/kit.ts';
import type { Context, Prober } from '../../src/net/prober.ts';

/** A check as `compile` makes it, with what a test wants to be different. */
export const exampleCheck = (
  different: { target?: Partial<Target>; timeoutMs?: number; labels?: Check['labels']; name?: string } = {},
): Check<object> => {
  const name = different.name ?? 'shop';
  const instance = `https://${name}.example.com`;
  return {
    id: `${name}@eu-west-1`,
    instance,
    target: {
      name,
      address: `${instance}/`,
      side: 'outside',
      intervalMs: 60_000,
      labels: {},
      profile: 'standard',
      names: [],
      quorum: 'majority',
      ...different.target,
    },
    module: { name: 'example', prober: 'example', timeoutMs: different.timeoutMs ?? 5_000, settings: {} },
    vantage: { name: 'eu-west-1', kind: 'lambda', region: 'eu-west-1', labels: {} },
    labels: { job: 'bothways', instance, name, vantage: 'eu-west-1', vantage_kind: 'lambda', ...different.labels },
  };
};

/** A prober that does what the test says. */
export const exampleProber = <F extends object>(
  probe: (context: Context) => Promise<Outcome<F>>,
  points: Prober<z.ZodType<object>, F>['points'] = () => [],
): Prober<z.ZodType<object>, F> => ({
  summary: 'Does what the test says.',
  schemes: ['example'],
  needs: [],
  modules: { example: {} },
  settings: z.strictObject({}),
  metrics: {},
  locate: () => undefined,
  probe: (_address, _settings, context) => probe(context),
  points,
});

/** A kit for probers that use none of it. */
export const emptyKit = kit();
