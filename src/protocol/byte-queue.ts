import { Buffer } from 'node:buffer';

/** Bytes that have come in and have not been taken yet. */
export type ByteQueue = {
  readonly push: (chunk: Uint8Array) => void;
  readonly length: () => number;
  /** The next line without its LF (and CR before it), or `undefined` if none is complete. */
  readonly line: () => Uint8Array | undefined;
  /** Exactly so many bytes, or `undefined` if there are not as many. */
  readonly bytes: (count: number) => Uint8Array | undefined;
  /** All that is left. */
  readonly rest: () => Uint8Array;
};

const lf = 0x0a;
const cr = 0x0d;

/** An empty queue. */
export const byteQueue = (): ByteQueue => {
  let held: Buffer = Buffer.alloc(0);
  // Where a search for the end of a line goes on, so that a line that trickles in is not searched again and again.
  let searched = 0;
  const take = (count: number): Buffer => {
    const taken = held.subarray(0, count);
    held = held.subarray(count);
    searched = 0;
    return taken;
  };
  return {
    push: (chunk) => {
      held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    },
    length: () => held.length,
    line: () => {
      const end = held.indexOf(lf, searched);
      if (end === -1) {
        searched = held.length;
        return undefined;
      }
      const line = take(end + 1);
      return line.subarray(0, end > 0 && line[end - 1] === cr ? end - 1 : end);
    },
    bytes: (count) => (held.length < count ? undefined : take(count)),
    rest: () => take(held.length),
  };
};
