/** The start of a body. */
export type KeptBytes = {
  /** How many bytes more are wanted. */
  readonly room: () => number;
  /** Adds bytes, no more than there is room for. */
  readonly add: (chunk: Uint8Array) => void;
  /** What there is, in one piece; worker threads can read a large one without a copy. */
  readonly bytes: () => Uint8Array;
  readonly clear: () => void;
};

/** Up to here a body is a list of the pieces as they came: most are small, and of one piece. */
const mostInPieces = 64 * 1_024;

/** What is asked of the system at a time. */
const step = 256 * 1_024;

/**
 * Keeps up to `most` bytes. A large body grows in one place, so that it is never there twice, and putting it together takes no time
 * of its own.
 */
export const keptBytes = (most: number): KeptBytes => {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let shared: SharedArrayBuffer | undefined;
  const write = (at: number, chunk: Uint8Array) => {
    if (shared === undefined) return;
    const end = at + chunk.length;
    if (end > shared.byteLength) shared.grow(Math.min(most, Math.ceil(end / step) * step));
    new Uint8Array(shared).set(chunk, at);
  };
  return {
    room: () => most - length,
    add: (chunk) => {
      if (chunk.length === 0) return;
      if (shared === undefined && length + chunk.length > mostInPieces) {
        shared = new SharedArrayBuffer(0, { maxByteLength: Math.min(most, longest) });
        let at = 0;
        for (const piece of pieces) {
          write(at, piece);
          at += piece.length;
        }
        pieces = [];
      }
      if (shared === undefined) pieces.push(chunk);
      else write(length, chunk);
      length += chunk.length;
    },
    bytes: () => (shared === undefined ? Buffer.concat(pieces) : new Uint8Array(shared, 0, length)),
    clear: () => {
      pieces = [];
      shared = undefined;
      length = 0;
    },
  };
};

/** Address space is set aside for what a body may grow to; above this a module's limit is none that a process could hold. */
const longest = 2 ** 31;
