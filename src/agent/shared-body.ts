import { performance } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** A body that many requests share. */
export type SharedBody = {
  /** The body, made newly if it is older than the interval; compressed by gzip if asked for and worth it. */
  readonly get: (gzipped: boolean) => Promise<{ readonly bytes: Buffer; readonly gzipped: boolean }>;
  /** The next request makes the body newly, however young it is. */
  readonly expire: () => void;
};

type Made = { readonly at: number; readonly bytes: Buffer; packed?: Promise<Buffer> };

/** For how long a body is served before it is made again, in milliseconds. */
const intervalMs = 1_000;
/** From this size on a body is compressed, in bytes. */
const compressedFrom = 1_024;

/**
 * Makes `make` run at most once a second, however many requests there are: a large body costs tens of milliseconds of the
 * event loop, and so does its compression, which a thread does once for all. `clock` is in milliseconds.
 */
export const sharedBody = (make: () => string, clock: () => number = () => performance.now()): SharedBody => {
  let made: Made | undefined;
  return {
    get: async (gzipped) => {
      if (made === undefined || clock() - made.at >= intervalMs) made = { bytes: Buffer.from(make()), at: clock() };
      if (!gzipped || made.bytes.length < compressedFrom) return { bytes: made.bytes, gzipped: false };
      made.packed ??= promisify(gzip)(made.bytes, { level: 1 });
      return { bytes: await made.packed, gzipped: true };
    },
    expire: () => {
      made = undefined;
    },
  };
};

/** Whether a request takes gzip (RFC 9110, section 12.5.3). */
export const takesGzip = (acceptEncoding: string | undefined): boolean =>
  (acceptEncoding ?? '').split(',').some((part) => {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    return (coding === 'gzip' || coding === '*') && !parameters.some((text) => /^q=0(?:\.0*)?$/.test(text));
  });
