import { clustersOf, type VpcSettings } from '../config/aws.ts';
import { isLiteral, referencesIn } from '../config/references.ts';
import type { List } from '../config/schema.ts';
import { vpcOf } from '../config/vantages.ts';
import type { Check, Vantage } from '../kernel/check.ts';

/** One function to deploy: a Lambda vantage, and how its targets are dealt out. */
export type Region = {
  readonly vantage: string;
  readonly region: string;
  readonly checks: number;
  /** Targets that clusters may publish for it at most; not there if it listens to none. */
  readonly found?: number;
  /** Schedules, each with its part of the targets. */
  readonly shards: number;
  /** References to secrets that its checks and receivers need, sorted. Never their values. */
  readonly secrets: readonly string[];
  readonly vpc?: VpcSettings;
};

/** As many checks as one invocation takes: paced at the CPU share of 512 MB they need a few seconds of its minute. */
export const checksPerShard = 100;

/** What {@link regionsOf} looks at: a list and what it compiles to. */
export type Deployed = {
  readonly list: Pick<List, 'vantages' | 'aws'>;
  readonly vantages: readonly Vantage[];
  readonly checks: readonly Check[];
  readonly endpoints: readonly { readonly from: readonly string[] }[];
};

/**
 * The functions of a list, in its order: one for each Lambda vantage that probes something, or listens to clusters. There are shards
 * enough for all that clusters may publish.
 */
export const regionsOf = ({ list, vantages, checks, endpoints }: Deployed): readonly Region[] => {
  const found = clustersOf(list.aws).reduce((sum, { mostTargets }) => sum + mostTargets, 0);
  return vantages
    .filter(({ kind }) => kind === 'lambda')
    .map(({ name, region }) => {
      const own = checks.filter(({ vantage }) => vantage.name === name);
      const receivers = endpoints.filter(({ from }) => from.includes(name));
      const vpc = vpcOf(list, name);
      return {
        vantage: name,
        region: region ?? name,
        checks: own.length,
        ...(found === 0 ? {} : { found }),
        shards: Math.max(1, Math.ceil((own.length + found) / checksPerShard)),
        secrets: secretsOf([own.map(({ module }) => module.settings), receivers]),
        ...(vpc === undefined ? {} : { vpc }),
      };
    })
    .filter((region) => region.checks > 0 || found > 0);
};

/** How many checks a function has, in words. */
export const checksText = ({ checks, found }: Pick<Region, 'checks' | 'found'>): string =>
  `${checks} check${checks === 1 ? '' : 's'}${found === undefined ? '' : ` and up to ${found} of clusters`}`;

/** The environment variables that references name. */
export const variablesOf = ({ secrets }: Pick<Region, 'secrets'>): readonly string[] =>
  secrets.filter((secret) => secret.startsWith('env:')).map((secret) => secret.slice('env:'.length));

/** Where each reference such as `{ "secret": "env:NAME" }` points to, sorted; literals travel with the list. */
const secretsOf = (value: unknown): readonly string[] =>
  [...referencesIn(value).secrets].filter((secret) => !isLiteral(secret)).sort();
