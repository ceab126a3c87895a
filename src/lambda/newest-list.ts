import { beyond, deployedWith } from '../config/deployed-with.ts';
import { type Packed, readPacked } from '../config/packed.ts';
import type { EpochMs } from '../kernel/check.ts';
import type { Aws } from '../net/aws/aws.ts';
import { type S3Object, s3Get, s3Url } from '../net/aws/s3.ts';
import { objectProblem } from './object-problem.ts';
import { type ObjectBounds, objectText } from './object-text.ts';

/** The list in use: as it was deployed, or a newer one. `problem` says why the newest one is not in use. */
export type ListNow = {
  readonly packed: Packed;
  readonly loadedAt: EpochMs;
  readonly problem: string | undefined;
};

/** Where a list comes from. Without `object` there is only the one that was deployed. */
export type NewestListParts = {
  readonly deployed: Packed;
  readonly vantage: string;
  readonly object: S3Object | undefined;
  readonly bounds: ObjectBounds;
  readonly aws: Aws;
  readonly now: () => EpochMs;
};

/**
 * Gives the list to work by. Asks the bucket whether there is a newer one, which costs a short request where nothing has
 * changed; whatever is wrong there, the last good list stays in use. Never rejects.
 */
export const newestList = ({
  deployed,
  vantage,
  object,
  bounds,
  aws,
  now,
}: NewestListParts): ((signal: AbortSignal) => Promise<ListNow>) => {
  let state: ListNow = { packed: deployed, loadedAt: now(), problem: undefined };
  let seen: string | undefined;
  /** What is wrong with the object that was seen last; trouble in reaching it passes. */
  let wrong: string | undefined;
  if (object === undefined) return () => Promise.resolve(state);
  const has = deployedWith(deployed);
  const wrongIn = (packed: Packed): string | undefined => {
    if (!packed.vantages.some(({ name }) => name === vantage)) return `is a list without the vantage ${vantage}`;
    const missing = beyond(packed, has);
    return missing.length === 0 ? undefined : `needs a deployment first: it refers to ${missing.join(', ')}`;
  };
  const read = (body: Buffer): Packed | string => {
    const text = objectText(body, bounds);
    if (!text.ok) return text.why;
    const unpacked = readPacked(text.text);
    if (!unpacked.ok) return unpacked.why;
    try {
      return wrongIn(unpacked.packed) ?? unpacked.packed;
    } catch {
      return 'is no packed list: its parts do not fit';
    }
  };
  const look = async (signal: AbortSignal): Promise<ListNow> => {
    const answer = await s3Get(aws, object, seen, signal, bounds.sentBytes);
    if (answer.kind === 'same') return { ...state, problem: wrong };
    if (answer.kind === 'missing') {
      // No list was pushed yet, or it was taken away: what was deployed is the newest, as in a function that starts now.
      seen = undefined;
      wrong = undefined;
      return state.packed === deployed
        ? { ...state, problem: undefined }
        : { packed: deployed, loadedAt: now(), problem: undefined };
    }
    if (answer.kind === 'refused') return { ...state, problem: answer.why };
    seen = answer.etag;
    const packed = read(answer.body);
    wrong = typeof packed === 'string' ? `${s3Url(object)} ${packed}` : undefined;
    return typeof packed === 'string' ? { ...state, problem: wrong } : { packed, loadedAt: now(), problem: undefined };
  };
  return async (signal) => {
    state = await look(signal).catch(
      (error: unknown): ListNow => ({ ...state, problem: objectProblem(error, object) }),
    );
    return state;
  };
};
