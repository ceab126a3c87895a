import { gunzipSync } from 'node:zlib';
import { usualMostTargets } from '../config/aws.ts';
import { beyond, deployedWith } from '../config/deployed-with.ts';
import { type Packed, readPacked } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import type { EpochMs } from '../kernel/check.ts';
import type { Aws } from '../net/aws/aws.ts';
import { type S3Object, s3Get, s3Url } from '../net/aws/s3.ts';
import { type Taken, takenFrom } from './cluster-checks.ts';

/** The list in use: as it was deployed, or a newer one. `problem` says why the newest one is not in use. */
export type ListNow = {
  readonly packed: Packed;
  readonly loadedAt: EpochMs;
  readonly problem: string | undefined;
};

/** Where lists come from. Without `object` there is only the one that was deployed. */
type NewestListParts = {
  readonly deployed: Packed;
  readonly vantage: string;
  readonly object: S3Object | undefined;
  readonly mostBytes?: number;
  /** What the function was deployed with, and a list may refer to; all if not given. */
  readonly has?: ReadonlySet<string>;
  readonly aws: Aws;
  readonly now: () => EpochMs;
};

/** How long a run waits for the bucket, in milliseconds. */
const limitMs = 2_000;

/**
 * Gives the list to work by. Asks the bucket whether there is a newer one, which costs a short request where nothing has
 * changed; whatever is wrong there, the last good list stays in use. Never rejects.
 */
const newestList = ({
  deployed,
  vantage,
  object,
  has,
  mostBytes = 256 * mebibyte,
  aws,
  now,
}: NewestListParts): (() => Promise<ListNow>) => {
  let state: ListNow = { packed: deployed, loadedAt: now(), problem: undefined };
  let seen: string | undefined;
  /** What is wrong with the object that was seen last; trouble in reaching it passes. */
  let wrong: string | undefined;
  if (object === undefined) return () => Promise.resolve(state);
  const wrongIn = (packed: Packed): string | undefined => {
    if (!packed.vantages.some(({ name }) => name === vantage)) return `is a list without the vantage ${vantage}`;
    const missing = has === undefined ? [] : beyond(packed, has);
    return missing.length === 0 ? undefined : `needs a deployment first: it refers to ${missing.join(', ')}`;
  };
  const look = async (): Promise<ListNow> => {
    const read = await s3Get(aws, object, seen, AbortSignal.timeout(limitMs));
    if (read.kind === 'same') return { ...state, problem: wrong };
    if (read.kind === 'missing') {
      // Nobody has pushed a list yet, or it was taken away: what was deployed is the newest, as in a function that starts now.
      seen = undefined;
      wrong = undefined;
      return state.packed === deployed
        ? { ...state, problem: undefined }
        : { packed: deployed, loadedAt: now(), problem: undefined };
    }
    if (read.kind === 'refused') return { ...state, problem: read.why };
    seen = read.etag;
    const unpacked = readPacked(textOf(read.body, mostBytes));
    wrong = unpacked.ok ? wrongIn(unpacked.packed) : unpacked.why;
    if (wrong !== undefined) wrong = `${s3Url(object)} ${wrong}`;
    return unpacked.ok && wrong === undefined
      ? { packed: unpacked.packed, loadedAt: now(), problem: undefined }
      : { ...state, problem: wrong };
  };
  return async () => {
    state = await look().catch((error: unknown): ListNow => ({ ...state, problem: problemOf(error, object) }));
    return state;
  };
};

/** Where several lists come from: first the one of the stage, then those that clusters publish. */
export type NewestListsParts = Omit<NewestListParts, 'object' | 'mostBytes' | 'has'> & {
  readonly objects: readonly S3Object[];
  /** How many targets of each cluster are taken, by its name. */
  readonly mostTargets: ReadonlyMap<string, number>;
  readonly probers: ProberTable;
};

/** The lists in use laid beside each other, and what is to be said of those of clusters. */
export type ListsNow = ListNow & { readonly remarks: readonly string[]; readonly clusters: readonly ClusterNow[] };

/** How what a cluster publishes is in use. `writtenAt` is when its agent last wrote it, if it ever did. */
export type ClusterNow = {
  readonly cluster: string;
  readonly leftOut: number;
  readonly writtenAt: EpochMs | undefined;
};

/**
 * The same for the list of the stage with what clusters publish for this vantage laid beside it, as far as {@link takenFrom} takes
 * it. The same lists give the same object.
 */
export const newestLists = ({
  objects: [own, ...clusters],
  mostTargets: most,
  probers,
  ...parts
}: NewestListsParts): (() => Promise<ListsNow>) => {
  const base = newestList({ ...parts, object: own, has: deployedWith(parts.deployed) });
  const deployed: Packed = { ...parts.deployed, checks: [], endpoints: [], literals: new Map() };
  const others = clusters.map((object) => {
    const cluster = clusterOf(object);
    const read = newestList({ ...parts, deployed, object, mostBytes: mostOfCluster });
    const mostTargets = most.get(cluster) ?? usualMostTargets;
    return { cluster, read, take: takenOnce({ cluster, vantage: parts.vantage, probers, mostTargets }) };
  });
  let seen: readonly (Packed | Taken)[] = [];
  let merged = parts.deployed;
  return async () => {
    const [first, ...rest] = await Promise.all([base(), ...others.map(({ read }) => read())]);
    const taken = others.map(({ take }, index) => take(rest[index]?.packed.checks ?? [], first.packed));
    const now = [first.packed, ...taken];
    if (now.length !== seen.length || now.some((one, index) => one !== seen[index])) {
      seen = now;
      merged = clusters.length === 0 ? first.packed : withChecks(first.packed, taken);
    }
    return {
      packed: merged,
      loadedAt: Math.max(...[first, ...rest].map(({ loadedAt }) => loadedAt)),
      problem: [first, ...rest].find((one) => one.problem !== undefined)?.problem,
      remarks: taken.flatMap(({ remark }) => remark ?? []),
      clusters: others.map(({ cluster }, index) => ({
        cluster,
        leftOut: taken[index]?.leftOut ?? 0,
        writtenAt: rest[index]?.packed.writtenAt,
      })),
    };
  };
};

const withChecks = (packed: Packed, taken: readonly Taken[]): Packed => ({
  ...packed,
  checks: [...packed.checks, ...taken.flatMap(({ checks }) => checks)],
});

/** Looks at what a cluster has only when it, or the list that it is measured by, is another than before. */
const takenOnce = (parts: Omit<Parameters<typeof takenFrom>[1], 'own'>) => {
  let before: { readonly own: Packed; readonly text: string; readonly taken: Taken } | undefined;
  let last: readonly unknown[] | undefined;
  return (checks: readonly unknown[], own: Packed): Taken => {
    if (before !== undefined && before.own === own && last === checks) return before.taken;
    last = checks;
    // An object that was only written anew says the same.
    const text = JSON.stringify(checks);
    if (before === undefined || before.own !== own || before.text !== text)
      before = { own, text, taken: takenFrom(checks, { ...parts, own }) };
    return before.taken;
  };
};

const clusterOf = ({ key }: S3Object): string => /\/clusters\/([^/]+)\//.exec(key)?.[1] ?? '';

const problemOf = (error: unknown, object: S3Object): string => {
  if (!(error instanceof Error)) return `${s3Url(object)} cannot be read`;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined && error.name === 'Error'
    ? error.message
    : `${s3Url(object)} cannot be read: ${code ?? error.name}`;
};

/** Lists may be compressed, by whoever writes them. */
const textOf = (body: Buffer, mostBytes: number): string => {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body.toString('utf8');
  try {
    return gunzipSync(body, { maxOutputLength: mostBytes }).toString('utf8');
  } catch {
    return '';
  }
};

const mebibyte = 1_024 * 1_024;
/** A cluster's object must not fill the memory of a function. */
const mostOfCluster = 16 * mebibyte;

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
