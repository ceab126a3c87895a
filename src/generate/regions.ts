import type { Check, Vantage } from '../kernel/check.ts';

/** One function to deploy: a Lambda vantage, and how its targets are dealt out. */
export type Region = {
  readonly vantage: string;
  readonly region: string;
  readonly checks: number;
  /** Schedules, each with its part of the targets. */
  readonly shards: number;
  /** Names of the environment variables that its checks and receivers refer to. Never their values. */
  readonly environment: readonly string[];
};

/** As many checks as one invocation takes: paced at the CPU share of 512 MB they need a few seconds of its minute. */
const checksPerShard = 100;

/** The functions of a list, in its order: one for each Lambda vantage that probes something. */
export const regionsOf = (
  vantages: readonly Vantage[],
  checks: readonly Check[],
  endpoints: readonly { readonly from: readonly string[] }[],
): readonly Region[] =>
  vantages
    .filter(({ kind }) => kind === 'lambda')
    .map(({ name, region }) => {
      const own = checks.filter(({ vantage }) => vantage.name === name);
      const receivers = endpoints.filter(({ from }) => from.includes(name));
      return {
        vantage: name,
        region: region ?? name,
        checks: own.length,
        shards: Math.max(1, Math.ceil(own.length / checksPerShard)),
        environment: variablesIn([own.map(({ module }) => module.settings), receivers]),
      };
    })
    .filter(({ checks: count }) => count > 0);

/** The variables that references such as `{ "secret": "env:NAME" }` name, sorted. */
const variablesIn = (value: unknown): readonly string[] => {
  const names = new Set<string>();
  const look = (one: unknown): void => {
    if (typeof one !== 'object' || one === null) return;
    const reference =
      'secret' in one && typeof one.secret === 'string' ? /^env:(.+)$/.exec(one.secret)?.[1] : undefined;
    if (reference !== undefined) names.add(reference);
    for (const part of Object.values(one)) look(part);
  };
  look(value);
  return [...names].sort();
};
