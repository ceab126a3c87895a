import { Buffer } from 'node:buffer';
import { nameIn } from './dns-message.ts';

/** The data of a record ended too early, or a name in it is broken. */
export class Short extends Error {}

/** Reads the data of a record from front to back; each method throws {@link Short} when there is not enough of it. */
export type DataReader = {
  readonly left: () => number;
  readonly u8: () => number;
  readonly u16: () => number;
  readonly u32: () => number;
  readonly take: (count: number) => Uint8Array;
  /** A name, absolute, in zone-file form. */
  readonly name: () => string;
  /** A character-string in quotes (RFC 1035, section 3.3). */
  readonly text: () => string;
  /** A character-string without quotes around it. */
  readonly word: () => string;
  /** What is left, as text in quotes. */
  readonly restText: () => string;
  /** What is left, in lower-case hexadecimal. */
  readonly hex: () => string;
  readonly base64: () => string;
};

/** Starts at the front of the data that stands from `start` to `end` in a message. */
export const dataReader = (message: Uint8Array, start: number, end: number): DataReader => {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  let at = start;
  const take = (count: number): Buffer => {
    if (count > end - at) throw new Short('a record is shorter than its type demands');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const rest = () => take(end - at);
  const u8 = () => take(1).readUInt8();
  return {
    left: () => end - at,
    u8,
    u16: () => take(2).readUInt16BE(),
    u32: () => take(4).readUInt32BE(),
    take,
    name: () => {
      const found = nameIn(message, at, end);
      if (found === undefined) throw new Short('a name in a record is broken');
      at = found.next;
      return found.name;
    },
    text: () => quotedText(take(u8())),
    word: () => escaped(take(u8())),
    restText: () => quotedText(rest()),
    hex: () => rest().toString('hex'),
    base64: () => rest().toString('base64'),
  };
};

const quotedText = (bytes: Uint8Array): string => `"${escaped(bytes)}"`;

/** Text with quotes and backslashes escaped, and what is not printable ASCII as `\DDD` (RFC 1035, section 5.1). */
const escaped = (bytes: Uint8Array): string => [...bytes].map(escapeByte).join('');

const escapeByte = (byte: number): string => {
  if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
  return byte === 0x22 || byte === 0x5c ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
};
