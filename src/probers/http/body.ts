import type { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw, createZstdDecompress } from 'node:zlib';
import type { Encoding } from '../../protocol/accept-encoding.ts';

/** What is known of a body once it is over. Lengths in bytes; `bytes` only if it was asked for. */
export type Body = {
  readonly wireLength: number;
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
  readonly problem: 'body_too_large' | 'body_encoding' | undefined;
};

/** Takes a body piece by piece. `take` is false once no more is wanted; `end` gives the result. */
export type BodyReader = { readonly take: (chunk: Uint8Array) => boolean; readonly end: () => Promise<Body> };

type Options = {
  readonly encoding: Encoding | '';
  /** The most bytes after decompression; 0 for no limit. */
  readonly limit: number;
  /** Whether the bytes are wanted, not only their number. */
  readonly keep: boolean;
};

/**
 * Reads a body in bounded memory: what is over the limit is neither kept nor decompressed further, so that neither a huge
 * body nor a small one that unpacks to a huge one costs more than the limit.
 */
export const bodyReader = ({ encoding, limit, keep }: Options): BodyReader => {
  const chunks: Uint8Array[] = [];
  let wireLength = 0;
  let length = 0;
  let problem: Body['problem'];
  const accept = (chunk: Uint8Array) => {
    if (problem !== undefined) return;
    const room = limit === 0 ? chunk.length : Math.min(chunk.length, limit - length);
    length += room;
    if (keep && room > 0) chunks.push(room === chunk.length ? chunk : chunk.subarray(0, room));
    if (room < chunk.length) problem = 'body_too_large';
  };
  const unpacking =
    encoding === '' || encoding === 'identity' ? undefined : unpack(encoding, accept, () => problem !== undefined);
  const take = (chunk: Uint8Array) => {
    wireLength += chunk.length;
    if (unpacking === undefined) accept(chunk);
    else unpacking.write(chunk);
    return problem === undefined;
  };
  const end = async (): Promise<Body> => {
    const sound = unpacking === undefined || (await unpacking.end());
    const found = problem ?? (sound ? undefined : 'body_encoding');
    return { wireLength, length, bytes: keep ? Buffer.concat(chunks) : undefined, problem: found };
  };
  return { take, end };
};

type Unpacking = { readonly write: (chunk: Uint8Array) => void; readonly end: () => Promise<boolean> };

const unpack = (
  encoding: Exclude<Encoding, 'identity'>,
  accept: (chunk: Uint8Array) => void,
  isOver: () => boolean,
): Unpacking => {
  let decoder: Transform | undefined;
  let done: Promise<boolean> | undefined;
  const start = (first: Uint8Array): Transform => {
    const made = decoderFor(encoding, first);
    made.on('data', (chunk: Buffer) => {
      accept(chunk);
      if (isOver()) made.destroy();
    });
    done = new Promise((resolve) => {
      made.once('end', () => resolve(true));
      made.once('error', () => resolve(false));
      made.once('close', () => resolve(isOver()));
    });
    return made;
  };
  return {
    write: (chunk) => {
      decoder ??= start(chunk);
      if (!decoder.destroyed) decoder.write(chunk);
    },
    end: () => {
      // Nothing at all is no compressed body.
      if (decoder === undefined || done === undefined) return Promise.resolve(false);
      if (!decoder.destroyed) decoder.end();
      return done;
    },
  };
};

const decoderFor = (encoding: Exclude<Encoding, 'identity'>, first: Uint8Array): Transform => {
  switch (encoding) {
    case 'gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress();
    case 'deflate':
      return hasZlibHeader(first) ? createInflate() : createInflateRaw();
  }
};

/** `deflate` means zlib (RFC 1950) by the letter of HTTP, and raw deflate to blackbox_exporter and some servers. */
const hasZlibHeader = ([first = 0, second = 0]: Uint8Array): boolean =>
  (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
