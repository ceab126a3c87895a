import { Buffer } from 'node:buffer';

/** Bits of each byte's code, in order of the bytes. The code is canonical, so its lengths are all there is to it. */
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26,
];
const longest = 30;

/** Bytes in order of their codes, and for each length the first code, how many there are, and the place of the first in `bytes`. */
const bytes = lengths.map((_, byte) => byte).sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
const first = new Uint32Array(longest + 1);
const counts = new Uint32Array(longest + 1);
const places = new Uint32Array(longest + 1);
for (const length of lengths) counts[length] = (counts[length] ?? 0) + 1;
for (let length = 1; length <= longest; length += 1) {
  first[length] = ((first[length - 1] ?? 0) + (counts[length - 1] ?? 0)) * 2;
  places[length] = (places[length - 1] ?? 0) + (counts[length - 1] ?? 0);
}

/** What the next 8 bits begin with: `byte * 16 + length` for a code of at most 8 bits, which nearly all are, else 0. */
const short = new Uint16Array(256);
for (const [byte, length] of lengths.entries()) {
  if (length > 8) continue;
  const place = bytes.indexOf(byte);
  const code = ((first[length] ?? 0) + place - (places[length] ?? 0)) << (8 - length);
  short.fill(byte * 16 + length, code, code + (1 << (8 - length)));
}

/**
 * Byte text from its Huffman code, or `undefined` if it holds the end-of-string symbol or ends with anything but fewer than 8 ones.
 * @see https://www.rfc-editor.org/rfc/rfc7541#section-5.2
 */
export const decodeHuffman = (input: Uint8Array): string | undefined => {
  const bits = input.length * 8;
  // The shortest code has 5 bits.
  const output = Buffer.allocUnsafe(Math.floor(bits / 5));
  let size = 0;
  let at = 0;
  while (at < bits) {
    // The next 8 bits; behind the end there are ones.
    const pair = ((input[at >> 3] ?? 0) << 8) | (input[(at >> 3) + 1] ?? 0xff);
    const next = (pair >> (8 - (at & 7))) & 0xff;
    const found = short[next] ?? 0;
    const length = found === 0 ? longCode(input, at, next) : found & 15;
    if (at + length > bits) break;
    if (length > longest) return undefined;
    output[size] = found === 0 ? byteAt(input, at, length) : found >> 4;
    size += 1;
    at += length;
  }
  const padding = bits - at;
  const ones = (1 << padding) - 1;
  const isPadded = padding < 8 && (padding === 0 || ((input[input.length - 1] ?? 0) & ones) === ones);
  return isPadded ? output.toString('latin1', 0, size) : undefined;
};

const bitAt = (input: Uint8Array, at: number): number => ((input[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;

/** The length of a code that begins with these 8 bits and is longer; more than {@link longest} if there is none or it is cut. */
const longCode = (input: Uint8Array, from: number, start: number): number => {
  let code = start;
  for (let length = 9; length <= longest && from + length <= input.length * 8; length += 1) {
    code = (code << 1) | bitAt(input, from + length - 1);
    const place = code - (first[length] ?? 0);
    if (place >= 0 && place < (counts[length] ?? 0)) return length;
  }
  return longest + 1;
};

const byteAt = (input: Uint8Array, from: number, length: number): number => {
  let code = 0;
  for (let at = from; at < from + length; at += 1) code = (code << 1) | bitAt(input, at);
  return bytes[(places[length] ?? 0) + code - (first[length] ?? 0)] ?? 0;
};
