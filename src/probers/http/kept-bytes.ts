import { bodyBudget } from '../../net/byte-budget.ts';

/** The start of a body. */
export type KeptBytes = {
  /** How many bytes more are wanted. */
  readonly room: () => number;
  /** Adds bytes, no more than there is room for. */
  readonly add: (chunk: Uint8Array) => void;
  /** What there is, in one piece, once; worker threads can read a large one without a copy. */
  readonly bytes: () => Uint8Array;
  readonly clear: () => void;
};

/** Up to here a body is a list of the pieces as they came: most are small, and of one piece. */
const mostInPieces = 64 * 1_024;

/** What is asked of the system at a time. */
const step = 256 * 1_024;

/**
 * Keeps up to `most` bytes. A large body grows in one place, so that it is not there twice while it comes in, and its memory goes back to the
 * system as soon as it is cleared, without waiting for V8 to collect it.
 */
export const keptBytes = (most: number): KeptBytes => {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let grown: ArrayBuffer | undefined;
  const write = (to: ArrayBuffer, at: number, chunk: Uint8Array) => {
    const end = at + chunk.length;
    if (end > to.byteLength) to.resize(Math.min(to.maxByteLength, Math.ceil(end / step) * step));
    new Uint8Array(to).set(chunk, at);
  };
  return {
    room: () => most - length,
    add: (chunk) => {
      if (chunk.length === 0) return;
      if (grown === undefined && length + chunk.length > mostInPieces) {
        grown = new ArrayBuffer(0, { maxByteLength: Math.min(most, longest) });
        let at = 0;
        for (const piece of pieces) {
          write(grown, at, piece);
          at += piece.length;
        }
        pieces = [];
      }
      if (grown === undefined) pieces.push(chunk);
      else write(grown, length, chunk);
      length += chunk.length;
    },
    bytes: () => {
      if (grown === undefined) return Buffer.concat(pieces);
      const shared = new Uint8Array(new SharedArrayBuffer(length));
      // From the end, given back as it is copied, so that it is not there twice.
      for (let end = length; end > 0; end -= Math.min(end, step)) {
        const at = Math.max(0, end - step);
        shared.set(new Uint8Array(grown, at, end - at), at);
        grown.resize(at);
      }
      grown.transfer(0);
      grown = undefined;
      return shared;
    },
    clear: () => {
      pieces = [];
      length = 0;
      grown?.transfer(0);
      grown = undefined;
    },
  };
};

/** Address space is set aside for what a body may grow to: no more than all bodies may hold together. */
const longest = 2 * bodyBudget;
