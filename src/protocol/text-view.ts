/**
 * Bytes that a text holds in one of its readings. Byte `index` comes from the UTF-16 units `from[index]` up to, not including,
 * `to[index]` of the text.
 */
export type TextView = {
  readonly bytes: readonly number[];
  readonly from: readonly number[];
  readonly to: readonly number[];
};

type Draft = { readonly bytes: number[]; readonly from: number[]; readonly to: number[] };

const draft = (): Draft => ({ bytes: [], from: [], to: [] });

const put = ({ bytes, from, to }: Draft, byte: number, start: number, end: number): void => {
  bytes.push(byte);
  from.push(start);
  to.push(end);
};

const putCodePoint = (into: Draft, code: number, start: number, end: number): void => {
  for (const byte of utf8(code)) put(into, byte, start, end);
};

/** A lone surrogate gets its three bytes too: nothing here may throw, and nothing may be lost. */
const utf8 = (code: number): readonly number[] => {
  if (code < 0x80) return [code];
  if (code < 0x800) return [0xc0 | (code >> 6), 0x80 | (code & 0x3f)];
  if (code < 0x1_0000) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
  return [0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)];
};

/** The text as it stands, in UTF-8. */
const plain = (text: string): TextView => {
  const view = draft();
  let at = 0;
  for (const character of text) {
    putCodePoint(view, character.codePointAt(0) ?? 0, at, at + character.length);
    at += character.length;
  }
  return view;
};

const hexValue = (byte: number | undefined): number => {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
};

/** The number that `count` hexadecimal digits from `at` on are; -1 if they are not digits. */
const hexAt = (bytes: readonly number[], at: number, count: number): number => {
  let value = 0;
  for (let index = at; index < at + count; index += 1) {
    const digit = hexValue(bytes[index]);
    if (digit === -1) return -1;
    value = value * 16 + digit;
  }
  return value;
};

const octalAt = (bytes: readonly number[], at: number): number => {
  let value = 0;
  for (let index = at; index < at + 3; index += 1) {
    const digit = (bytes[index] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) return -1;
    value = value * 8 + digit;
  }
  return value & 0xff;
};

const entities: Readonly<Record<string, number>> = {
  amp: 0x26,
  lt: 0x3c,
  gt: 0x3e,
  quot: 0x22,
  apos: 0x27,
  nbsp: 0x20,
};

/** What an escape stands for, and how many bytes it takes. `isByte`: one byte, not a code point. */
type Escape = { readonly code: number; readonly length: number; readonly isByte: boolean };

const afterBackslash: Readonly<Record<number, number>> = {
  110: 0x0a,
  114: 0x0d,
  116: 0x09,
  98: 0x08,
  102: 0x0c,
  118: 0x0b,
};

const backslash = (bytes: readonly number[], at: number): Escape | undefined => {
  const next = bytes[at + 1];
  if (next === undefined) return undefined;
  if (next === 0x75) {
    const unit = hexAt(bytes, at + 2, 4);
    if (unit === -1) return undefined;
    const isHigh = unit >= 0xd800 && unit < 0xdc00 && bytes[at + 6] === 0x5c && bytes[at + 7] === 0x75;
    const low = isHigh ? hexAt(bytes, at + 8, 4) : -1;
    return low >= 0xdc00 && low < 0xe000
      ? { code: 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), length: 12, isByte: false }
      : { code: unit, length: 6, isByte: false };
  }
  if (next === 0x78) {
    const byte = hexAt(bytes, at + 2, 2);
    return byte === -1 ? undefined : { code: byte, length: 4, isByte: true };
  }
  const octal = octalAt(bytes, at + 1);
  if (octal !== -1) return { code: octal, length: 4, isByte: true };
  return { code: afterBackslash[next] ?? next, length: 2, isByte: true };
};

const entity = (bytes: readonly number[], at: number): Escape | undefined => {
  let name = '';
  for (let index = at + 1; index < at + 10; index += 1) {
    const byte = bytes[index];
    if (byte === undefined) return undefined;
    if (byte === 0x3b) {
      const [, hex, decimal] = /^#(?:x([\da-f]+)|(\d+))$/i.exec(name) ?? [];
      const code =
        hex !== undefined
          ? Number.parseInt(hex, 16)
          : decimal !== undefined
            ? Number(decimal)
            : entities[name.toLowerCase()];
      return code === undefined || code > 0x10_ffff ? undefined : { code, length: index - at + 1, isByte: false };
    }
    name += String.fromCharCode(byte);
  }
  return undefined;
};

const escapeAt = (bytes: readonly number[], at: number): Escape | undefined => {
  switch (bytes[at]) {
    case 0x25: {
      const byte = hexAt(bytes, at + 1, 2);
      return byte === -1 ? undefined : { code: byte, length: 3, isByte: true };
    }
    case 0x5c:
      return backslash(bytes, at);
    case 0x26:
      return entity(bytes, at);
    default:
      return undefined;
  }
};

/** The view with its escapes resolved: of URLs, JSON and other languages, HTML. `undefined` if there are none. */
const unescaped = (view: TextView): TextView | undefined => {
  const { bytes, from, to } = view;
  if (!bytes.some((byte) => byte === 0x25 || byte === 0x5c || byte === 0x26)) return undefined;
  const next = draft();
  for (let at = 0; at < bytes.length; ) {
    const found = escapeAt(bytes, at);
    const end = at + (found?.length ?? 1);
    const start = from[at] ?? 0;
    const stop = to[end - 1] ?? start;
    if (found === undefined) put(next, bytes[at] ?? 0, start, stop);
    else if (found.isByte) put(next, found.code, start, stop);
    else putCodePoint(next, found.code, start, stop);
    at = end;
  }
  return next;
};

/** Stands between two runs, so that nothing is found across them. */
const separator = 0;

const sixBits = (byte: number | undefined): number => {
  if (byte === undefined) return -1;
  if (byte >= 0x41 && byte <= 0x5a) return byte - 0x41;
  if (byte >= 0x61 && byte <= 0x7a) return byte - 0x47;
  if (byte >= 0x30 && byte <= 0x39) return byte + 4;
  if (byte === 0x2b || byte === 0x2d) return 62;
  return byte === 0x2f || byte === 0x5f ? 63 : -1;
};

/** Runs that are shorter hold less than a secret. */
const shortestRun = 5;

/** Runs of base64 (RFC 4648, sections 4 and 5) as bytes, beginning `shift` characters into each run. */
const base64 = ({ bytes, from, to }: TextView, shift: number): TextView => {
  const next = draft();
  for (let at = 0; at < bytes.length; at += 1) {
    let end = at;
    while (sixBits(bytes[end]) !== -1) end += 1;
    if (end - at >= shortestRun) {
      for (let char = at + shift; char + 1 < end; char += 1) {
        // Characters 0 to 3 of a group hold the bytes 0 to 2: each byte has its first bits in one and the rest in the next.
        const place = (char - at - shift) % 4;
        if (place === 3) continue;
        const pair = (sixBits(bytes[char]) << 6) | sixBits(bytes[char + 1]);
        put(next, (pair >> (4 - 2 * place)) & 0xff, from[char] ?? 0, to[char + 1] ?? 0);
      }
      put(next, separator, 0, 0);
    }
    at = end;
  }
  return next;
};

const isBetween = (byte: number | undefined): boolean => byte === 0x3a || byte === 0x2d || byte === 0x20;

/** Runs of pairs of hexadecimal digits as bytes, with or without a sign between the pairs. */
const hex = ({ bytes, from, to }: TextView, shift: number): TextView => {
  const next = draft();
  let at = shift;
  let isInside = false;
  while (at + 1 < bytes.length) {
    const byte = hexAt(bytes, at, 2);
    if (byte === -1) {
      if (isInside) put(next, separator, 0, 0);
      isInside = false;
      at += 1;
      // The pairs of the next run begin where it begins, or one digit further.
      if (hexValue(bytes[at]) !== -1 && hexValue(bytes[at - 1]) === -1) at += shift;
      continue;
    }
    put(next, byte, from[at] ?? 0, to[at + 1] ?? 0);
    isInside = true;
    at += isBetween(bytes[at + 2]) && hexAt(bytes, at + 3, 2) !== -1 ? 3 : 2;
  }
  return next;
};

const decoded = (view: TextView): TextView[] =>
  [...[0, 1, 2, 3].map((shift) => base64(view, shift)), ...[0, 1].map((shift) => hex(view, shift))].filter(
    ({ bytes }) => bytes.length > 3,
  );

/**
 * The readings of a text: as it stands, with its escapes resolved once and twice, and what these hold in base64 (at each of the four
 * alignments) and hexadecimal, one more such step deep. Their bytes together are at most about a hundred times those of the text.
 * Never throws.
 */
export const textViews = (text: string): readonly TextView[] => {
  const written: TextView[] = [plain(text)];
  for (let view = written[0]; written.length < 3 && view !== undefined; ) {
    view = unescaped(view);
    if (view !== undefined) written.push(view);
  }
  const inside = written.flatMap(decoded);
  const deeper = inside.flatMap((view) =>
    [unescaped(view) ?? [], [0, 1, 2, 3].map((shift) => base64(view, shift))].flat(),
  );
  return [...written, ...inside, ...deeper.filter(({ bytes }) => bytes.length > 3)];
};
