import type { Packed } from '../config/packed.ts';
import type { EpochMs } from '../kernel/check.ts';
import type { Aws } from '../net/aws/aws.ts';
import { type S3Object, s3Get, s3Url } from '../net/aws/s3.ts';
import { mostChecks, type Taken, type TakenParts, takenFrom } from './cluster-checks.ts';
import { readClusterObject } from './cluster-object.ts';
import { objectProblem } from './object-problem.ts';
import { type ObjectBounds, objectText } from './object-text.ts';

/** How what a cluster publishes is in use. `writtenAt` is when its agent last wrote it, if it ever did; `problem` why the newest is not in use. */
export type ClusterNow = {
  readonly cluster: string;
  readonly leftOut: number;
  readonly writtenAt: EpochMs | undefined;
  readonly problem: string | undefined;
};

/** What a cluster publishes. */
export type ClusterList = {
  /** Asks for a newer object. Never rejects. */
  readonly look: (signal: AbortSignal) => Promise<void>;
  /** Whether {@link ClusterList.use} has work to do: an object that was not read yet, or another list of the stage. */
  readonly isStale: (own: Packed) => boolean;
  /** Whether what is in use was taken by the rules of another list of the stage. */
  readonly isOfAnother: (own: Packed) => boolean;
  /** How many bytes it would have to read. */
  readonly bytes: () => number;
  /** Reads the object that was seen last. What is wrong with it stays with this cluster: what was taken before is in use. Never throws. */
  readonly use: (own: Packed) => void;
  readonly taken: () => Taken;
  readonly now: () => ClusterNow;
};

/** What a cluster's list is made of. */
export type ClusterListParts = Omit<TakenParts, 'own' | 'more'> & {
  readonly object: S3Object;
  readonly bounds: ObjectBounds;
  readonly aws: Aws;
};

/** What is thrown may hold what the object holds. */
const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message.replaceAll(/\p{Cc}+/gu, ' ').slice(0, 300) : 'cannot be read';

const nothing: Taken = { checks: [], leftOut: 0, remark: undefined };

/** The object of a cluster. It is kept as it was sent, and read when it, or the list that it is measured by, is another than before. */
export const clusterList = ({ object, bounds, aws, ...parts }: ClusterListParts): ClusterList => {
  const { cluster, vantage, mostTargets } = parts;
  let seen: { readonly etag: string; readonly body: Buffer } | undefined;
  /** What was read last, of the object `seen`. */
  let read: { readonly own: Packed; readonly of: typeof seen; readonly key: string | undefined } | undefined;
  let taken = nothing;
  let writtenAt: EpochMs | undefined;
  /** What is wrong with the object that was seen last, and with reaching it, which passes. */
  let wrong: string | undefined;
  let unreached: string | undefined;

  const look = async (signal: AbortSignal): Promise<void> => {
    try {
      const answer = await s3Get(aws, object, seen?.etag, signal, bounds.sentBytes);
      unreached = answer.kind === 'refused' ? answer.why : undefined;
      if (answer.kind === 'missing') seen = undefined;
      if (answer.kind === 'content') seen = { etag: answer.etag, body: answer.body };
    } catch (error) {
      unreached = objectProblem(error, object);
    }
  };

  const take = (own: Packed): string | undefined => {
    if (seen === undefined) {
      [taken, writtenAt] = [nothing, undefined];
      return undefined;
    }
    const text = objectText(seen.body, bounds);
    const unpacked = text.ok ? readClusterObject(text.text, vantage, mostChecks(mostTargets)) : text;
    if (!unpacked.ok) {
      read = { own, of: seen, key: undefined };
      throw new Error(unpacked.why);
    }
    const { key, checks, more } = unpacked.object;
    // An object that was only written again has the same checks.
    if (read?.key !== key || read.own !== own) taken = takenFrom(checks, { ...parts, own, more });
    writtenAt = unpacked.object.writtenAt;
    return key;
  };

  const use = (own: Packed): void => {
    const before = read;
    try {
      const key = take(own);
      read = { own, of: seen, key };
      wrong = undefined;
    } catch (error) {
      read = { own, of: seen, key: undefined };
      wrong = `${s3Url(object)} ${wordsOf(error)}`;
      if (before !== undefined && before.own !== own) taken = retaken(own);
    }
  };

  /** What was taken before by the rules of another list, as far as those of this one take it too. */
  const retaken = (own: Packed): Taken => {
    try {
      return takenFrom(taken.checks, { ...parts, own });
    } catch {
      return nothing;
    }
  };

  return {
    look,
    use,
    isStale: (own) => read === undefined || read.own !== own || read.of !== seen,
    isOfAnother: (own) => read !== undefined && read.own !== own,
    bytes: () => seen?.body.length ?? 0,
    taken: () => taken,
    now: () => ({ cluster, leftOut: taken.leftOut, writtenAt, problem: wrong ?? unreached }),
  };
};
