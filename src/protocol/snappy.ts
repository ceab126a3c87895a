import snappy from 'snappyjs';

/**
 * Compresses in snappy's block format, which remote write demands.
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
export const compress = (bytes: Uint8Array): Uint8Array => snappy.compress(bytes);

/** What {@link uncompress} gives. */
export type Uncompressed =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly why: string };

/**
 * The inverse of {@link compress}, in time linear in the input and the result. Never throws. Refuses malformed input and what
 * would be longer than `limit` bytes, and takes no memory for a length that the input cannot fill.
 * @see https://github.com/google/snappy/blob/main/format_description.txt
 */
export const uncompress = (bytes: Uint8Array, limit: number): Uncompressed => {
  const declared = declaredLength(bytes);
  if (declared === undefined) return refused('the length is malformed');
  if (declared.length > limit) return refused(`${declared.length} bytes are more than ${limit}`);
  if (declared.length > (bytes.length - declared.end) * mostPerByte) return refused('the input is too short');
  const out = new Uint8Array(declared.length);
  return fill(out, bytes, declared.end) ? { ok: true, bytes: out } : refused('an element is malformed');
};

const refused = (why: string): Uncompressed => ({ ok: false, why });

/** The densest element is a copy of 64 bytes that is written in 3: less than 22 bytes for each. */
const mostPerByte = 22;

/** The length of the result, a varint of at most 32 bits, and where it ends. */
const declaredLength = (bytes: Uint8Array): { readonly length: number; readonly end: number } | undefined => {
  let length = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length < 2 ** 32 ? { length, end: at + 1 } : undefined;
  }
  return undefined;
};

/** Writes the elements from `start` on into `out`; false unless they are well-formed and fill it exactly. */
const fill = (out: Uint8Array, bytes: Uint8Array, start: number): boolean => {
  let from = start;
  let to = 0;
  while (from < bytes.length) {
    const tag = bytes[from] ?? 0;
    from += 1;
    const kind = tag & 3;
    const high = tag >>> 2;
    // The number that follows the tag: a long literal's length less one, or a copy's offset.
    const width = kind === 0 ? Math.max(0, high - 59) : (widths[kind] ?? 0);
    if (width > bytes.length - from) return false;
    const number = littleEndian(bytes, from, width);
    from += width;
    if (kind === 0) {
      const length = (width === 0 ? high : number) + 1;
      if (length > bytes.length - from || length > out.length - to) return false;
      out.set(bytes.subarray(from, from + length), to);
      from += length;
      to += length;
    } else {
      const length = kind === 1 ? (high & 7) + 4 : high + 1;
      const offset = kind === 1 ? ((high >>> 3) << 8) | number : number;
      if (offset === 0 || offset > to || length > out.length - to) return false;
      // Byte by byte: a copy may overlap what it writes.
      for (let index = 0; index < length; index += 1, to += 1) out[to] = out[to - offset] ?? 0;
    }
  }
  return to === out.length;
};

/** Bytes of a copy's offset, by the two low bits of its tag. */
const widths = [0, 1, 2, 4] as const;

const littleEndian = (bytes: Uint8Array, at: number, width: number): number => {
  let number = 0;
  for (let index = 0; index < width; index += 1) number += (bytes[at + index] ?? 0) * 2 ** (8 * index);
  return number;
};
