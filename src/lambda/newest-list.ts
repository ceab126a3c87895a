import { gunzipSync } from 'node:zlib';
import { type Packed, readPacked } from '../config/packed.ts';
import type { EpochMs } from '../kernel/check.ts';
import type { Aws } from '../net/aws/aws.ts';
import { type S3Object, s3Get, s3Url } from '../net/aws/s3.ts';

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
  readonly aws: Aws;
  readonly now: () => EpochMs;
};

/** How long a run waits for the bucket, in milliseconds. */
const limitMs = 2_000;

/**
 * Gives the list to work by. Asks the bucket whether there is a newer one, which costs a short request where nothing has
 * changed; whatever is wrong there, the last good list stays in use. Never rejects.
 */
const newestList = ({ deployed, vantage, object, aws, now }: NewestListParts): (() => Promise<ListNow>) => {
  let state: ListNow = { packed: deployed, loadedAt: now(), problem: undefined };
  let seen: string | undefined;
  if (object === undefined) return () => Promise.resolve(state);
  const look = async (): Promise<ListNow> => {
    const read = await s3Get(aws, object, seen, AbortSignal.timeout(limitMs));
    if (read.kind === 'same') return state;
    // Nobody has pushed a list yet: what was deployed is the newest.
    if (read.kind === 'missing') return { ...state, problem: undefined };
    seen = read.etag;
    const unpacked = readPacked(textOf(read.body));
    if (!unpacked.ok) return { ...state, problem: `${s3Url(object)} ${unpacked.why}` };
    const { packed } = unpacked;
    if (!packed.vantages.some(({ name }) => name === vantage))
      return { ...state, problem: `${s3Url(object)} is a list without the vantage ${vantage}` };
    return { packed, loadedAt: now(), problem: undefined };
  };
  return async () => {
    state = await look().catch((error: unknown): ListNow => ({ ...state, problem: problemOf(error, object) }));
    return state;
  };
};

/** Where several lists come from: first the one of the stage, then those that clusters publish. */
export type NewestListsParts = Omit<NewestListParts, 'object'> & { readonly objects: readonly S3Object[] };

/**
 * The same for the list of the stage with what clusters publish for this vantage laid beside it: only their checks, and only those
 * that are named after the cluster, so that nobody can take another's place. The same lists give the same object.
 */
export const newestLists = ({ objects: [own, ...clusters], ...parts }: NewestListsParts): (() => Promise<ListNow>) => {
  const base = newestList({ ...parts, object: own });
  if (clusters.length === 0) return base;
  const deployed: Packed = { ...parts.deployed, checks: [], endpoints: [], literals: new Map() };
  const others = clusters.map((object) => ({
    cluster: clusterOf(object),
    read: newestList({ ...parts, deployed, object }),
  }));
  let seen: readonly Packed[] = [];
  let merged = parts.deployed;
  return async () => {
    const [first, ...rest] = await Promise.all([base(), ...others.map(({ read }) => read())]);
    const packs = [first.packed, ...rest.map(({ packed }) => packed)];
    if (packs.length !== seen.length || packs.some((packed, index) => packed !== seen[index])) {
      seen = packs;
      const found = rest.flatMap(({ packed }, index) =>
        packed.checks.filter(({ target }) => target.name.startsWith(`${others[index]?.cluster}/`)),
      );
      const names = new Set(first.packed.checks.map(({ target }) => target.name));
      merged = {
        ...first.packed,
        checks: [...first.packed.checks, ...found.filter(({ target }) => !names.has(target.name))],
      };
    }
    const problem = [first, ...rest].find((one) => one.problem !== undefined)?.problem;
    return { packed: merged, loadedAt: Math.max(...[first, ...rest].map(({ loadedAt }) => loadedAt)), problem };
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
const textOf = (body: Buffer): string => {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body.toString('utf8');
  try {
    return gunzipSync(body, { maxOutputLength: mostBytes }).toString('utf8');
  } catch {
    return '';
  }
};

const mostBytes = 256 * 1_024 * 1_024;

/** Reads `s3://bucket/key`, several with blanks between them; anything else is left out. */
export const s3ObjectsOf = (urls: string | undefined, region: string | undefined): readonly S3Object[] =>
  (urls ?? '').split(' ').flatMap((url) => {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url) ?? [];
    return bucket === undefined || key === undefined ? [] : [{ bucket, key, region: region ?? 'us-east-1' }];
  });
