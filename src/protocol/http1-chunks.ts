import type { Buffer } from 'node:buffer';
import { type Malformed, quoted } from './http1-head.ts';

/** Takes apart a chunked body piece by piece. */
export type ChunkReader = {
  /**
   * Reads the next bytes. Data goes to `onData`, which ends the reading by returning false. `next` is where the bytes begin that
   * were not used: the trailers once `done` is true.
   */
  readonly read: (
    bytes: Buffer,
    onData: (data: Uint8Array) => boolean,
  ) => { readonly next: number; readonly done: boolean } | Malformed;
};

/** A longer line of a chunk's size is malformed; extensions count. */
const longestLine = 4_096;
/** Bytes of framing that are free, and those that each chunk and each byte of data allow, as Go has them; more is a peer that sends no body. */
const freeOverhead = 16_384;
const overheadPerChunk = 16;
const overheadPerByte = 2;

/**
 * A reader for one chunked body. Sizes are hexadecimal, blanks may follow them, extensions are skipped. Lines end with CRLF: a
 * bare LF is refused, as Go does since 1.24.2 (CVE-2025-22871). The framing may be at most 16 KiB larger than 16 bytes for each chunk and 2 for each byte of data.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1
 */
export const chunkReader = (): ChunkReader => {
  let state: 'size' | 'data' | 'end of data' = 'size';
  let line = '';
  let left = 0;
  let overhead = 0;

  const read: ChunkReader['read'] = (bytes, onData) => {
    let at = 0;
    while (at < bytes.length) {
      if (state === 'data') {
        const data = bytes.subarray(at, Math.min(bytes.length, at + left));
        at += data.length;
        left -= data.length;
        if (left === 0) state = 'end of data';
        if (!onData(data)) return { next: at, done: false };
        continue;
      }
      const found = bytes.indexOf(lf, at);
      const end = found === -1 ? bytes.length : found + 1;
      line += bytes.toString('latin1', at, Math.min(end, at + longestLine + 1 - line.length));
      overhead += end - at;
      at = end;
      if (line.length > longestLine)
        return { malformed: `has a line of more than ${longestLine} bytes between chunks` };
      if (overhead > freeOverhead) return { malformed: 'has more framing than data in its chunks' };
      if (found === -1) break;
      const text = line;
      line = '';
      if (!text.endsWith('\r\n') || text.indexOf('\r') !== text.length - 2)
        return { malformed: `has a line between chunks that does not end with CRLF: ${quoted(text)}` };
      if (state === 'end of data') {
        if (text !== '\r\n') return { malformed: `has bytes behind a chunk: ${quoted(text)}` };
        state = 'size';
        continue;
      }
      const size = sizeOf(text.slice(0, -2));
      if (size === undefined)
        return { malformed: `has a chunk whose size is not a hexadecimal number: ${quoted(text)}` };
      if (size === 0) return { next: at, done: true };
      left = size;
      overhead = Math.max(overhead - overheadPerChunk - overheadPerByte * Math.min(size, freeOverhead), 0);
      state = 'data';
    }
    return { next: at, done: false };
  };
  return { read };
};

const lf = 0x0a;

const sizeOf = (line: string): number | undefined => {
  const [, digits] = /^([\da-f]{1,16})[ \t]*(?:;.*)?$/i.exec(line) ?? [];
  const size = digits === undefined ? Number.NaN : Number.parseInt(digits, 16);
  return Number.isSafeInteger(size) ? size : undefined;
};
