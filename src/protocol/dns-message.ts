import { Buffer } from 'node:buffer';

// RFC 1035, section 4.1: a header of 12 bytes, then questions, answers, authority, additional.
//   0  id          2  flags: QR, opcode (4 bits), AA, TC, RD | RA, Z, AD, CD, rcode (4 bits)
//   4  questions   6  answers   8  authority records   10  additional records

/** What is asked. `name` is absolute or not, in zone-file form (`\.` and `\032` are escapes). */
export type Question = { readonly name: string; readonly type: number; readonly class: number };

/** A record as it stands in a message; its data may hold names that point elsewhere in the message. */
export type ResourceRecord = {
  /** Absolute, in zone-file form. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Where the data stands in the message's bytes. */
  readonly start: number;
  readonly end: number;
};

/** A message. `bytes` is what it was read from. */
export type DnsMessage = {
  readonly id: number;
  readonly isResponse: boolean;
  readonly isTruncated: boolean;
  readonly isAuthoritative: boolean;
  readonly recursionAvailable: boolean;
  /** With the upper bits of an OPT record, if there is one (RFC 6891, section 6.1.3). */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authority: readonly ResourceRecord[];
  readonly additional: readonly ResourceRecord[];
  readonly bytes: Uint8Array;
};

/** What {@link decodeMessage} gives. */
export type DecodedMessage =
  | { readonly ok: true; readonly message: DnsMessage }
  | { readonly ok: false; readonly why: string };

/** The bytes of a name: `undefined` if a label is empty or over 63 bytes, or the whole over 255 (RFC 1035, section 2.3.4). */
export const encodeName = (name: string): Uint8Array | undefined => {
  const labels = labelsOf(isAbsolute.test(name) ? name.slice(0, -1) : name);
  if (labels === undefined) return undefined;
  const length = labels.reduce((sum, label) => sum + label.length + 1, 1);
  if (length > 255 || labels.some((label) => label.length === 0 || label.length > 63)) return undefined;
  const bytes = Buffer.alloc(length);
  let at = 0;
  for (const label of labels) {
    bytes[at] = label.length;
    bytes.set(label, at + 1);
    at += label.length + 1;
  }
  return bytes;
};

/** Whether two names in zone-file form, absolute or not, are the same: by their bytes, with ASCII in either case (RFC 4343). */
export const isSameName = (a: string, b: string): boolean => {
  const [one, other] = [encodeName(a), encodeName(b)];
  return one !== undefined && other !== undefined && lowerCase(one) === lowerCase(other);
};

/** Bytes above ASCII keep their value: they are characters of ISO 8859-1 here, and no two of those become one. */
const lowerCase = (name: Uint8Array): string =>
  Buffer.from(name)
    .toString('latin1')
    .replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase());

/** Ends in a dot that no backslash escapes. */
const isAbsolute = /(?:^|[^\\])(?:\\\\)*\.$/;

const labelsOf = (name: string): Buffer[] | undefined => {
  if (name === '') return [];
  if (!name.includes('\\')) return name.split('.').map((label) => Buffer.from(label, 'utf8'));
  const labels: number[][] = [[]];
  const bytes = Buffer.from(name, 'utf8');
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x2e) labels.push([]);
    else if (byte !== 0x5c) labels.at(-1)?.push(byte);
    else {
      const digits = /^\d{3}/.exec(bytes.subarray(at + 1, at + 4).toString('latin1'))?.[0];
      const value = digits === undefined ? bytes[at + 1] : Number(digits);
      if (value === undefined || value > 255) return undefined;
      labels.at(-1)?.push(value);
      at += digits === undefined ? 1 : 3;
    }
  }
  return labels.map((label) => Buffer.from(label));
};

/** A query with one question and no EDNS, as blackbox_exporter sends it; `undefined` if the name cannot be encoded. */
export const encodeQuery = (
  id: number,
  { name, type, class: klass }: Question,
  recursionDesired: boolean,
): Buffer | undefined => {
  const encoded = encodeName(name);
  if (encoded === undefined) return undefined;
  const bytes = Buffer.alloc(12 + encoded.length + 4);
  bytes.writeUInt16BE(id, 0);
  bytes[2] = recursionDesired ? 1 : 0;
  bytes.writeUInt16BE(1, 4);
  bytes.set(encoded, 12);
  bytes.writeUInt16BE(type, 12 + encoded.length);
  bytes.writeUInt16BE(klass, 14 + encoded.length);
  return bytes;
};

class Malformed extends Error {}

/**
 * Reads a message. Never throws; time and memory are bounded by the number of bytes, whatever the counts and pointers say.
 * Bytes behind the last record are ignored, as resolvers do.
 */
export const decodeMessage = (bytes: Uint8Array): DecodedMessage => {
  try {
    return { ok: true, message: read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) };
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, why: error.message };
    throw error;
  }
};

const optType = 41;

const read = (bytes: Buffer): DnsMessage => {
  if (bytes.length < 12) throw new Malformed('shorter than a header');
  const flags = bytes.readUInt16BE(2);
  let at = 12;
  const questions: Question[] = [];
  for (let left = bytes.readUInt16BE(4); left > 0; left -= 1) {
    const { name, next } = readName(bytes, at);
    if (next + 4 > bytes.length) throw new Malformed('a question is cut short');
    questions.push({ name, type: bytes.readUInt16BE(next), class: bytes.readUInt16BE(next + 2) });
    at = next + 4;
  }
  const section = (count: number): ResourceRecord[] => {
    const records: ResourceRecord[] = [];
    for (let left = count; left > 0; left -= 1) {
      const record = readRecord(bytes, at);
      records.push(record);
      at = record.end;
    }
    return records;
  };
  const answers = section(bytes.readUInt16BE(6));
  const authority = section(bytes.readUInt16BE(8));
  const additional = section(bytes.readUInt16BE(10));
  const opt = additional.find(({ type }) => type === optType);
  return {
    id: bytes.readUInt16BE(0),
    isResponse: (flags & 0x8000) !== 0,
    isAuthoritative: (flags & 0x0400) !== 0,
    isTruncated: (flags & 0x0200) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    rcode: (flags & 0x0f) | ((opt === undefined ? 0 : opt.ttl >>> 24) << 4),
    questions,
    answers,
    authority,
    additional,
    bytes,
  };
};

const readRecord = (bytes: Buffer, at: number): ResourceRecord => {
  const { name, next } = readName(bytes, at);
  if (next + 10 > bytes.length) throw new Malformed('a record is cut short');
  const start = next + 10;
  const end = start + bytes.readUInt16BE(next + 8);
  if (end > bytes.length) throw new Malformed('the data of a record is cut short');
  return {
    name,
    type: bytes.readUInt16BE(next),
    class: bytes.readUInt16BE(next + 2),
    ttl: bytes.readUInt32BE(next + 4),
    start,
    end,
  };
};

/**
 * The name that begins at `at`, in zone-file form and absolute, and where what follows it begins. Throws {@link Malformed} for
 * pointers that do not lead back (RFC 1035, section 4.1.4), names over 255 bytes and labels of unknown kinds.
 */
const readName = (bytes: Buffer, at: number): { readonly name: string; readonly next: number } => {
  let name = '';
  let place = at;
  let next: number | undefined;
  let length = 1;
  // A pointer must lead before where the name it is in began, so that every name ends.
  let before = at;
  let jumps = 0;
  for (;;) {
    const size = bytes[place];
    if (size === undefined) throw new Malformed('a name is cut short');
    if (size === 0) return { name: name === '' ? '.' : name, next: next ?? place + 1 };
    if (size >= 0xc0) {
      const low = bytes[place + 1];
      if (low === undefined) throw new Malformed('a name is cut short');
      next ??= place + 2;
      place = ((size & 0x3f) << 8) | low;
      if (place >= before) throw new Malformed('a name points to itself or ahead');
      jumps += 1;
      if (jumps > mostJumps) throw new Malformed('a name jumps too often');
      before = place;
      continue;
    }
    if (size > 63) throw new Malformed('a label of an unknown kind');
    length += size + 1;
    if (length > 255) throw new Malformed('a name is longer than 255 bytes');
    if (place + 1 + size > bytes.length) throw new Malformed('a name is cut short');
    name += `${labelText(bytes, place + 1, place + 1 + size)}.`;
    place += size + 1;
  }
};

/** A name has at most 127 labels, and needs no more pointers than that. */
const mostJumps = 127;

const plain = /^[\w-]+$/;

const labelText = (bytes: Buffer, start: number, end: number): string => {
  const text = bytes.toString('latin1', start, end);
  if (plain.test(text)) return text;
  let escaped = '';
  for (const byte of bytes.subarray(start, end)) escaped += escapeNameByte(byte);
  return escaped;
};

const specials = new Set([...'.\\"();@$ '].map((character) => character.charCodeAt(0)));

const escapeNameByte = (byte: number): string => {
  if (byte < 0x21 || byte > 0x7e) return byte === 0x20 ? '\\ ' : `\\${String(byte).padStart(3, '0')}`;
  const character = String.fromCharCode(byte);
  return specials.has(byte) ? `\\${character}` : character;
};

/** A name inside a record's data; throws {@link Malformed}-like errors as `decodeMessage` would, so callers go through {@link nameIn}. */
export const nameIn = (
  bytes: Uint8Array,
  at: number,
  end: number,
): { readonly name: string; readonly next: number } | undefined => {
  try {
    const found = readName(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
    return found.next <= end ? found : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
};
