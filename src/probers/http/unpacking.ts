import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from 'node:zlib';
import { noteRead } from '../../kernel/garbage.ts';
import type { Encoding } from '../../protocol/accept-encoding.ts';

/** Decompresses piece by piece. */
export type Unpacking = {
  /** The largest window of the encoding, in bytes: what the decoder may keep of its output. */
  readonly window: number;
  /** Resolves when the piece is unpacked, to whether more is wanted and can be unpacked. */
  readonly write: (chunk: Uint8Array) => Promise<boolean>;
  /** Whether what was written is whole and valid; false once the signal has fired. */
  readonly end: (signal: AbortSignal) => Promise<boolean>;
  /** Gives up. */
  readonly stop: () => void;
};

/** Decompresses to `accept`, which returns false once no more is wanted. */
export const unpacking = (
  encoding: Exclude<Encoding, 'identity'>,
  accept: (chunk: Uint8Array) => boolean,
): Unpacking => {
  let decoder: Transform | undefined;
  let isEnough = false;
  let isBroken = false;
  let isFinishing = false;
  const over = Promise.withResolvers<boolean>();
  const start = (first: Uint8Array): Transform => {
    const made = decoderFor(encoding, first);
    made.on('data', (chunk: Buffer) => {
      noteRead(chunk.length);
      if (isEnough || accept(chunk)) return;
      isEnough = true;
      made.destroy();
    });
    made.once('end', () => {
      // Before its end was told: something follows what is compressed, and Node drops it. So do Go's readers of deflate, and no others.
      isBroken ||= !isFinishing && encoding !== 'deflate';
      over.resolve(!isBroken);
    });
    made.once('error', () => {
      isBroken = true;
      over.resolve(false);
    });
    made.once('close', () => over.resolve(isEnough));
    return made;
  };
  const stop = () => {
    decoder?.destroy();
    over.resolve(false);
  };
  return {
    window: windows[encoding],
    write: async (chunk) => {
      decoder ??= start(chunk);
      const to = decoder;
      // All that a piece unpacks to has come before the next one is read.
      if (to.writable && !to.readableEnded)
        await Promise.race([new Promise<void>((resolve) => to.write(chunk, () => resolve())), over.promise]);
      return !isEnough && !isBroken;
    },
    end: async (signal) => {
      // Nothing at all is no compressed body.
      if (decoder === undefined) return false;
      if (signal.aborted) stop();
      signal.addEventListener('abort', stop, { once: true });
      isFinishing = true;
      if (decoder.writable) decoder.end();
      const isWhole = await over.promise;
      signal.removeEventListener('abort', stop);
      return isWhole;
    },
    stop,
  };
};

const windows = {
  gzip: 32 * 1_024,
  deflate: 32 * 1_024,
  br: 16 * 1_024 * 1_024,
  // RFC 9659 allows no more for HTTP; the format has windows of up to 2 GiB, and zstd takes 128 MiB if it is not told.
  zstd: 8 * 1_024 * 1_024,
} as const;

const decoderFor = (encoding: Exclude<Encoding, 'identity'>, first: Uint8Array): Transform => {
  switch (encoding) {
    case 'gzip':
      return createGunzip();
    case 'br':
      return createBrotliDecompress();
    case 'zstd':
      return createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: Math.log2(windows.zstd) } });
    case 'deflate':
      return hasZlibHeader(first) ? createInflate() : createInflateRaw();
  }
};

/** `deflate` means zlib (RFC 1950) by the letter of HTTP, and raw deflate to blackbox_exporter and some servers. */
const hasZlibHeader = ([first = 0, second = 0]: Uint8Array): boolean =>
  (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
