import { Buffer } from 'node:buffer';

// A text of a list may come from `!!binary`, whose bytes need not be UTF-8. Each byte that is not part of a valid sequence becomes a lone
// surrogate, U+DC80 to U+DCFF, which no valid text holds; so bytes survive in texts, in JSON too (the scheme of PEP 383).

const first = 0xdc00;
const raw = /[\udc80-\udcff]/;
const lone = /(?<![\ud800-\udbff])[\udc80-\udcff]/;

/** Bytes as a text: UTF-8 where they are valid, a lone surrogate for each byte that is not. */
export const textOfRawBytes = (bytes: Uint8Array): string => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceAt(buffer, at);
    text += length > 0 ? buffer.toString('utf8', at, at + length) : String.fromCharCode(first + (buffer[at] ?? 0));
    at += Math.max(length, 1);
  }
  return text;
};

/** The bytes behind a text of {@link textOfRawBytes}; of any other text its UTF-8 form. */
export const rawBytesOf = (text: string): Buffer => {
  if (!raw.test(text)) return Buffer.from(text, 'utf8');
  return Buffer.concat(
    [...text].map((character) =>
      lone.test(character) ? Buffer.of(character.charCodeAt(0) - first) : Buffer.from(character, 'utf8'),
    ),
  );
};

/** Whether a text holds bytes that are not UTF-8. */
export const hasRawBytes = (text: string): boolean => lone.test(text);

/** The length of the valid UTF-8 sequence at a place, or 0 (RFC 3629, section 4). */
const sequenceAt = (bytes: Buffer, at: number): number => {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  const part = bytes.subarray(at, at + length);
  return part.length === length &&
    Buffer.from(part.toString('utf8'), 'utf8').equals(part) &&
    [...part.toString('utf8')].length === 1
    ? length
    : 0;
};
