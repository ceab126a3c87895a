import { gunzipSync } from 'node:zlib';
import { mebibytes } from '../net/aws/s3.ts';
import { codeOf } from '../net/failure.ts';
import { jsonExcess } from '../protocol/json-excess.ts';

/** How large an object with a list may be: as it is sent, unpacked (in bytes), and in values of its JSON. */
export type ObjectBounds = { readonly sentBytes: number; readonly bytes: number; readonly values: number };

/** The text of an object, or why it is refused. */
export type ObjectText = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

const mebibyte = 1_024 * 1_024;
/** A list of ours nests 8 levels deep. */
const levels = 64;
/** A value takes up to 60 bytes of memory; a list of ours has one in 19 bytes of its text. */
const bytesOfValue = 16;

/**
 * How large the list of a stage may be, and what a cluster publishes, for a function of this many megabytes. An object of a cluster
 * takes less than a third of the memory while it is read. A list of 10,000 targets has 4.4 MiB, 0.3 MiB as it is sent.
 */
export const objectBounds = (megabytes: number): { readonly list: ObjectBounds; readonly cluster: ObjectBounds } => {
  const bounds = (bytes: number, sentBytes: number) => ({ sentBytes, bytes, values: Math.floor(bytes / bytesOfValue) });
  const bytes = (least: number, most: number) => Math.min(most, Math.max(least, megabytes / 32)) * mebibyte;
  const [list, cluster] = [bytes(16, 64), bytes(4, 8)];
  return { list: bounds(list, list), cluster: bounds(cluster, cluster / 8) };
};

/**
 * The text of an object's bytes, which may be compressed. Nothing is parsed, and no more is unpacked than the bounds allow. `why` goes on a
 * sentence that begins with the object. Never throws.
 */
export const objectText = (body: Buffer, bounds: ObjectBounds): ObjectText => {
  if (body.length > bounds.sentBytes) return { ok: false, why: `is larger than ${mebibytes(bounds.sentBytes)}` };
  const plain = unpacked(body, bounds.bytes);
  if (!Buffer.isBuffer(plain)) return { ok: false, why: plain };
  const excess = jsonExcess(plain, { levels, values: bounds.values });
  if (excess === 'levels') return { ok: false, why: `nests deeper than ${levels} levels` };
  if (excess === 'values') return { ok: false, why: `holds more than ${bounds.values} values` };
  return { ok: true, text: plain.toString('utf8') };
};

const unpacked = (body: Buffer, most: number): Buffer | string => {
  if (body[0] !== 0x1f || body[1] !== 0x8b) return body.length > most ? `is larger than ${mebibytes(most)}` : body;
  try {
    return gunzipSync(body, { maxOutputLength: most });
  } catch (error) {
    return codeOf(error) === 'ERR_BUFFER_TOO_LARGE'
      ? `unpacks to more than ${mebibytes(most)}`
      : 'cannot be unpacked: it is damaged or cut off';
  }
};
