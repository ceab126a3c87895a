import type { ByteBudget } from '../../net/byte-budget.ts';
import type { Encoding } from '../../protocol/accept-encoding.ts';
import { keptBytes } from './kept-bytes.ts';
import { unpacking } from './unpacking.ts';

/** What is known of a body once it is over. Lengths in bytes; `bytes` only if it was asked for, and only once. */
export type Body = {
  readonly wireLength: number;
  readonly length: number;
  readonly bytes: (() => Uint8Array) | undefined;
  readonly problem: 'body_too_large' | 'body_encoding' | 'local_resources' | 'timeout' | undefined;
};

/**
 * Takes a body piece by piece. `take` is false once no more is wanted, and a promise of the same while no more can be taken; `end` gives
 * the result, without waiting once the signal has fired. Disposing gives back all memory that the body held.
 */
export type BodyReader = Disposable & {
  readonly take: (chunk: Uint8Array) => boolean | Promise<boolean>;
  readonly end: (signal: AbortSignal) => Promise<Body>;
};

type Options = {
  readonly encoding: Encoding | '';
  /** The most bytes after decompression; 0 for no limit. */
  readonly limit: number;
  /** How many of the bytes are wanted, from the start. */
  readonly keep: number;
  /** What all bodies of the process may hold. */
  readonly budget: ByteBudget;
};

/**
 * Reads a body in bounded memory: what is over the limit is neither kept nor decompressed further, so that neither a huge
 * body nor a small one that unpacks to a huge one costs more than the limit; what the decoder has not done yet keeps the peer waiting.
 */
export const bodyReader = ({ encoding, limit, keep, budget }: Options): BodyReader => {
  let wireLength = 0;
  let length = 0;
  let problem: Body['problem'];
  let isOver = false;
  const kept = keptBytes(keep);
  const share = budget.share(() => {
    kept.clear();
    problem ??= 'local_resources';
  });
  /** Bytes of memory that the decoder's window takes by now, at most. */
  let window = 0;
  const hold = (bytes: number) => {
    if (!share.take(bytes)) problem ??= 'local_resources';
    return problem === undefined;
  };
  const accept = (chunk: Uint8Array) => {
    if (problem !== undefined || isOver) return;
    const room = limit === 0 ? chunk.length : Math.min(chunk.length, limit - length);
    const wanted = Math.min(room, kept.room());
    const grown = Math.min((decoder?.window ?? 0) - window, chunk.length);
    window += grown;
    if (!hold(wanted + grown)) return;
    length += room;
    kept.add(chunk.subarray(0, wanted));
    if (room < chunk.length) problem = 'body_too_large';
  };
  const decoder =
    encoding === '' || encoding === 'identity'
      ? undefined
      : unpacking(encoding, (chunk) => {
          accept(chunk);
          return problem === undefined;
        });
  // No encoding makes a body longer but by a few bytes for each block, so that what does holds nothing.
  const wireLimit = limit === 0 ? Number.POSITIVE_INFINITY : limit + limit / 8 + 1_024;
  const take = (chunk: Uint8Array): boolean | Promise<boolean> => {
    wireLength += chunk.length;
    if (decoder === undefined) accept(chunk);
    else if (wireLength > wireLimit) problem ??= 'body_too_large';
    if (problem !== undefined) {
      decoder?.stop();
      return false;
    }
    return decoder === undefined || decoder.write(chunk).then((wantsMore) => wantsMore && problem === undefined);
  };
  const end = async (signal: AbortSignal): Promise<Body> => {
    const isValid = decoder === undefined || (await decoder.end(signal));
    const found = problem ?? (isValid ? undefined : signal.aborted ? 'timeout' : 'body_encoding');
    isOver = true;
    share.pin();
    return { wireLength, length, bytes: keep > 0 ? kept.bytes : undefined, problem: found };
  };
  const dispose = () => {
    decoder?.stop();
    kept.clear();
    share[Symbol.dispose]();
  };
  return { take, end, [Symbol.dispose]: dispose };
};
