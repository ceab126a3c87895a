import { usualMostTargets } from '../config/aws.ts';
import type { Packed } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import type { EpochMs } from '../kernel/check.ts';
import type { Aws } from '../net/aws/aws.ts';
import type { S3Object } from '../net/aws/s3.ts';
import type { Taken } from './cluster-checks.ts';
import { type ClusterList, type ClusterNow, clusterList } from './cluster-list.ts';
import { type ListNow, newestList } from './newest-list.ts';
import { objectBounds } from './object-text.ts';

/** Where several lists come from: first the one of the stage, then those that clusters publish. */
export type NewestListsParts = {
  readonly deployed: Packed;
  readonly vantage: string;
  readonly objects: readonly S3Object[];
  /** How many targets of each cluster are taken, by its name. */
  readonly mostTargets: ReadonlyMap<string, number>;
  readonly probers: ProberTable;
  readonly aws: Aws;
  readonly now: () => EpochMs;
  /** Of the function; 512 unless given. */
  readonly megabytes?: number;
};

/** The list of the stage with those of clusters beside it. `problem` is that of the stage's own list. */
export type ListsNow = ListNow & { readonly remarks: readonly string[]; readonly clusters: readonly ClusterNow[] };

/**
 * What the lists may take of an invocation, in milliseconds: for all answers of the bucket, for that of a cluster, until no further
 * object is begun, and what there is for that even after slow answers. At least one object is read in each invocation.
 */
const limits = { answersMs: 2_000, clusterMs: 1_500, beginMs: 2_000, leastMs: 500 };
/** Objects of clusters that are asked for at the same time. */
const mostAtOnce = 16;

/**
 * The same as {@link newestList}, with what clusters publish for this vantage beside it, as far as functions take it. What is wrong with the
 * object of a cluster, or how long it takes, does not concern the list of the stage, nor another cluster for longer than until the next
 * invocation. The same lists give the same object. Never rejects.
 */
export const newestLists = ({
  objects: [own, ...clusters],
  mostTargets,
  megabytes = 512,
  ...parts
}: NewestListsParts): (() => Promise<ListsNow>) => {
  const { deployed, vantage, probers, aws, now } = parts;
  const bounds = objectBounds(megabytes);
  const base = newestList({ deployed, vantage, aws, now, object: own, bounds: bounds.list });
  const others = clusters.map((object): ClusterList => {
    const cluster = clusterOf(object);
    const most = mostTargets.get(cluster) ?? usualMostTargets;
    return clusterList({ object, bounds: bounds.cluster, aws, cluster, vantage, probers, mostTargets: most });
  });
  const readStale = reader(others);
  let seen: readonly (Packed | Taken)[] = [];
  let merged = deployed;
  return async () => {
    const beganAt = performance.now();
    const all = AbortSignal.timeout(limits.answersMs);
    const [first] = await Promise.all([base(all), lookAtAll(others, all)]);
    const until = Math.max(beganAt + limits.beginMs, performance.now() + limits.leastMs);
    readStale(first.packed, () => performance.now() < until);
    const taken = others.map((one) => one.taken());
    const inUse = [first.packed, ...taken];
    if (inUse.length !== seen.length || inUse.some((one, index) => one !== seen[index])) {
      seen = inUse;
      merged = clusters.length === 0 ? first.packed : withChecks(first.packed, taken);
    }
    return {
      ...first,
      packed: merged,
      remarks: taken.flatMap(({ remark }) => remark ?? []),
      clusters: others.map((one) => one.now()),
    };
  };
};

/** Asks for the objects of all clusters, each for so long. */
const lookAtAll = async (clusters: readonly ClusterList[], all: AbortSignal): Promise<void> => {
  const waiting = [...clusters];
  const next = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
      await one.look(AbortSignal.any([all, AbortSignal.timeout(limits.clusterMs)]));
  };
  await Promise.all(Array.from({ length: mostAtOnce }, next));
};

/**
 * Reads what is new, as long as there is time: first what has waited longest, of those what is small. Another list of the stage is a
 * reason that no cluster can cause, so that is not put off.
 */
const reader = (clusters: readonly ClusterList[]) => {
  const turns = new Map<ClusterList, number>();
  let turn = 0;
  const turnOf = (one: ClusterList) => turns.get(one) ?? 0;
  return (own: Packed, mayBegin: () => boolean): void => {
    const stale = clusters
      .filter((one) => one.isStale(own))
      .sort((a, b) => turnOf(a) - turnOf(b) || a.bytes() - b.bytes());
    for (const [index, one] of stale.entries()) {
      if (index > 0 && !mayBegin() && !one.isOfAnother(own)) continue;
      one.use(own);
      turn += 1;
      turns.set(one, turn);
    }
  };
};

const withChecks = (packed: Packed, taken: readonly Taken[]): Packed => ({
  ...packed,
  checks: [...packed.checks, ...taken.flatMap(({ checks }) => checks)],
});

const clusterOf = ({ key }: S3Object): string => /\/clusters\/([^/]+)\//.exec(key)?.[1] ?? '';

/** Reads `s3://bucket/key`, several with blanks between them; anything else is left out. */
export const s3ObjectsOf = (urls: string | undefined, region: string | undefined): readonly S3Object[] =>
  (urls ?? '').split(' ').flatMap((url) => {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url) ?? [];
    return bucket === undefined || key === undefined ? [] : [{ bucket, key, region: region ?? 'us-east-1' }];
  });

/** Reads `CLUSTER=NUMBER`, several with blanks between them; anything else is left out. */
export const mostTargetsOf = (text: string | undefined): ReadonlyMap<string, number> =>
  new Map(
    (text ?? '').split(' ').flatMap((one) => {
      const [, cluster, most] = /^([^=]+)=(\d{1,6})$/.exec(one) ?? [];
      return cluster === undefined ? [] : [[cluster, Number(most)] as const];
    }),
  );
