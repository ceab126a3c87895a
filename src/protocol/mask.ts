import { Buffer } from 'node:buffer';
import { textViews } from './text-view.ts';

/** Takes what a text repeats of some secrets out of it. */
export type Mask = (text: string) => string;

/** What stands in the place of a secret. */
export const masked = '***';

/** A secret that is longer is looked for by its first bytes. */
const mostBytes = 16_384;

/**
 * How many bytes in a row give a part of a secret away: half of it, at least 6 and at most 12. What is shorter than 7 bytes is looked
 * for as a whole.
 */
const pieceLength = (length: number): number =>
  length <= 6 ? length : Math.max(6, Math.min(12, Math.ceil(length / 2)));

/** Above this number of bytes every piece is looked for but those that overlap: of a part some bytes at its ends may then remain. */
const mostExact = 1_024;

/** Below this number of bytes a secret is masked where it stands alone: as a part of words it is everywhere. */
const shortWord = 4;

/** Upper and lower case are the same (hosts are lowered), and so are blanks, line ends and `+` (forms write it for a blank). */
const folded = (bytes: ArrayLike<number>): string => {
  const copy = Buffer.alloc(bytes.length);
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) copy[index] = byte + 0x20;
    else copy[index] = (byte > 0 && byte <= 0x20) || byte === 0x2b ? 0x20 : byte;
  }
  return copy.toString('latin1');
};

/** The ways in which a secret's characters become bytes: UTF-8, Latin-1, and UTF-8 that was read as Latin-1. */
const formsOf = (secret: string): string[] => {
  const utf8 = Buffer.from(secret, 'utf8');
  const forms: Uint8Array[] = [utf8];
  if (utf8.length !== secret.length)
    forms.push(Buffer.from(secret, 'latin1'), Buffer.from(utf8.toString('latin1'), 'utf8'));
  const opened = openedBase64(secret);
  if (opened !== undefined) forms.push(opened);
  return forms.map((bytes) => folded(bytes.subarray(0, mostBytes)).trim()).filter((form) => form !== '');
};

/** What a secret is the base64 of, if that is text: who gets `user:password` in base64 answers with either. */
const openedBase64 = (secret: string): Buffer | undefined => {
  if (secret.length < 8 || secret.length > mostBytes || !/^[\w+/-]+={0,2}$/.test(secret)) return undefined;
  const bytes = Buffer.from(secret, 'base64');
  return bytes.every((byte) => byte === 0 || (byte >= 0x20 && byte < 0x7f)) ? bytes : undefined;
};

type Needles = { readonly pieces: ReadonlyMap<number, ReadonlySet<string>>; readonly words: ReadonlySet<string> };

const needlesOf = (secrets: readonly string[]): Needles => {
  const pieces = new Map<number, Set<string>>();
  const words = new Set<string>();
  for (const form of secrets.flatMap(formsOf)) {
    if (form.length < shortWord) {
      words.add(form);
      continue;
    }
    const length = pieceLength(form.length);
    const set = pieces.get(length) ?? new Set();
    const step = form.length > mostExact ? length : 1;
    for (let at = 0; at + length <= form.length; at += step) set.add(form.slice(at, at + length));
    set.add(form.slice(-length));
    pieces.set(length, set);
  }
  return { pieces, words };
};

const isOfWord = (text: string, at: number): boolean => /[a-z\d\x80-\xff]/.test(text[at] ?? ' ');

/** Calls `found` with the places of what is to be masked in a folded text. */
const search = (text: string, { pieces, words }: Needles, found: (start: number, end: number) => void): void => {
  for (const [length, set] of pieces)
    for (let at = 0; at + length <= text.length; at += 1)
      if (set.has(text.slice(at, at + length))) found(at, at + length);
  for (const word of words)
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1))
      if (!isOfWord(text, at - 1) && !isOfWord(text, at + word.length)) found(at, at + word.length);
};

/**
 * Masks secrets in texts that others wrote: raw, percent-encoded, escaped as in JSON or HTML, in base64 at any alignment, in hexadecimal,
 * and in two of these within each other; also parts of a secret, from half of it or 12 bytes on. Costs up to some milliseconds per
 * kilobyte of text: bound what you give. Never throws.
 */
export const masker = (secrets: Iterable<string>): Mask => {
  const known = [...new Set(secrets)].filter((secret) => secret.trim() !== '');
  if (known.length === 0) return (text) => text;
  let needles: Needles | undefined;
  return (text) => {
    needles ??= needlesOf(known);
    const hidden = new Uint8Array(text.length);
    for (const { bytes, from, to } of textViews(text))
      search(folded(bytes), needles, (start, end) => {
        for (let at = start; at < end; at += 1) hidden.fill(1, from[at], to[at]);
      });
    return withoutHidden(text, hidden);
  };
};

/** Characters between two hidden parts, or that end base64, and say something of them. */
const mostBetween = 2;

const withoutHidden = (text: string, hidden: Uint8Array): string => {
  let shown = '';
  for (let at = 0; at < text.length; ) {
    const start = hidden.indexOf(1, at);
    if (start === -1) return shown + text.slice(at);
    let end = start;
    for (let next = start; next !== -1 && next - end <= mostBetween; next = hidden.indexOf(1, end)) {
      const gap = hidden.indexOf(0, next);
      end = gap === -1 ? text.length : gap;
      if (gap === -1) break;
    }
    while (text[end] === '=' && end < text.length) end += 1;
    shown += text.slice(at, start) + masked;
    at = end;
  }
  return shown;
};

/** {@link masker} for one text. */
export const mask = (text: string, secrets: Iterable<string>): string => masker(secrets)(text);

/** What of the end of a cut text may be the start of a secret that is too short to be found, in characters, in any encoding. */
const unsure = 64;

/**
 * The start of what somebody wrote, on one line and without secrets: at most `most` characters. `isCut` says that `text` itself is
 * only a start; its end is then left out, since it may be a part of a secret.
 */
export const maskedStart = (text: string, hide: Mask, most: number, isCut: boolean): string => {
  const shown = hide(text);
  const whole = isCut ? shown.slice(0, Math.max(0, shown.length - unsure)) : shown;
  const line = whole.replaceAll(/\p{Cc}+/gu, ' ').trim();
  return line.slice(0, most).replace(/[\ud800-\udbff]$/, '');
};
