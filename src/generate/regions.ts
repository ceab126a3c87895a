import type { VpcSettings } from '../config/aws.ts';
import type { List } from '../config/schema.ts';
import { vpcOf } from '../config/vantages.ts';
import type { Check, Vantage } from '../kernel/check.ts';

/** One function to deploy: a Lambda vantage, and how its targets are dealt out. */
export type Region = {
  readonly vantage: string;
  readonly region: string;
  readonly checks: number;
  /** Schedules, each with its part of the targets. */
  readonly shards: number;
  /** References to secrets that its checks and receivers need, sorted. Never their values. */
  readonly secrets: readonly string[];
  readonly vpc?: VpcSettings;
};

/** As many checks as one invocation takes: paced at the CPU share of 512 MB they need a few seconds of its minute. */
const checksPerShard = 100;

/** What {@link regionsOf} looks at: a list and what it compiles to. */
export type Deployed = {
  readonly list: Pick<List, 'vantages' | 'aws'>;
  readonly vantages: readonly Vantage[];
  readonly checks: readonly Check[];
  readonly endpoints: readonly { readonly from: readonly string[] }[];
};

/** The functions of a list, in its order: one for each Lambda vantage that probes something. */
export const regionsOf = ({ list, vantages, checks, endpoints }: Deployed): readonly Region[] =>
  vantages
    .filter(({ kind }) => kind === 'lambda')
    .map(({ name, region }) => {
      const own = checks.filter(({ vantage }) => vantage.name === name);
      const receivers = endpoints.filter(({ from }) => from.includes(name));
      const vpc = vpcOf(list, name);
      return {
        vantage: name,
        region: region ?? name,
        checks: own.length,
        shards: Math.max(1, Math.ceil(own.length / checksPerShard)),
        secrets: referencesIn([own.map(({ module }) => module.settings), receivers]),
        ...(vpc === undefined ? {} : { vpc }),
      };
    })
    .filter(({ checks: count }) => count > 0);

/** The environment variables that references name. */
export const variablesOf = ({ secrets }: Pick<Region, 'secrets'>): readonly string[] =>
  secrets.filter((secret) => secret.startsWith('env:')).map((secret) => secret.slice('env:'.length));

/** Where each reference such as `{ "secret": "env:NAME" }` points to, sorted; literals travel with the list. */
const referencesIn = (value: unknown): readonly string[] => {
  const found = new Set<string>();
  const seen = new Set<object>();
  const look = (one: unknown): void => {
    // Checks of one module share its settings.
    if (typeof one !== 'object' || one === null || seen.has(one)) return;
    seen.add(one);
    if ('secret' in one && typeof one.secret === 'string' && !one.secret.startsWith('literal:')) found.add(one.secret);
    for (const part of Object.values(one)) look(part);
  };
  look(value);
  return [...found].sort();
};
