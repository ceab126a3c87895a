import { type Document, LineCounter, parseDocument } from 'yaml';
import type { Finding, Path } from './problem.ts';
import { yamlErrorText } from './yaml-errors.ts';
import { offsetOf, plainOf } from './yaml-nodes.ts';
import { type Piece, yamlPieces } from './yaml-pieces.ts';

/** A place in a text; both count from 1. */
export type Spot = { readonly line: number; readonly column: number };

/** A parsed file. `value` is plain data. */
export type YamlFile =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** The place of a path, or of the nearest part of it that is there. Parses the text once more, so only for errors. */
      readonly spotOf: (path: Path) => Spot;
      /** A number or truth value as it was written, where that differs from how JavaScript writes it (`1.0`, `0x1f`). */
      readonly sourceOf: (path: Path) => string | undefined;
      /** No value has a source of its own: JavaScript writes all as they are written. */
      readonly isAsWritten: boolean;
    }
  | { readonly ok: false; readonly problems: readonly (Finding & Spot)[] };

/** What targets of lists that were read say, by their text: of two lists that are nearly the same the second costs little. */
export type KnownItems = Map<string, unknown>;

/** Texts above this length are parsed piece by piece. */
const long = 256 * 1_024;
/** Values that one piece may have, guessed from its commas, colons, brackets and lines; some 700 bytes of memory each. */
const mostValues = 600_000;

/**
 * Reads one YAML 1.2 document (plus merge keys and `!!binary`, which Go's parsers take) into plain data.
 * Refused: duplicate keys, several documents, unknown tags, aliases that multiply, deep nesting, keys that are no text.
 * Time is linear in the text, memory bounded. No message repeats a value of the file. What is `known` of a long list is taken from
 * there, and what is read of it is added.
 */
export const yamlFile = (text: string, known?: KnownItems): YamlFile => {
  const pieces = text.length > long ? yamlPieces(text, (item) => known?.has(item) ?? false) : undefined;
  if (pieces === undefined) return wholeFile(text);
  const rest = wholeFile(pieces.rest);
  if (!rest.ok) return { ok: false, problems: rest.problems.map((one) => ({ ...one, line: pieces.lineOf(one.line) })) };
  const targets: unknown[] = [];
  const parts: Part[] = [];
  for (const piece of pieces.pieces) {
    const file = piece.isKnown ? knownFile(piece, known) : wholeFile(piece.text);
    if (!file.ok)
      return {
        ok: false,
        problems: file.problems.map((one) => inWhole({ ...one, path: inTargets(one.path, piece) }, piece)),
      };
    const { value } = file;
    if (!Array.isArray(value) || value.length !== piece.items.length) return wholeFile(text);
    for (const target of value) targets.push(target);
    if (file.isAsWritten) for (const [index, item] of piece.items.entries()) known?.set(item, value[index]);
    parts.push({ piece, file });
  }
  const partOf = (path: Path) => {
    const [section, index, ...below] = path;
    if (section !== 'targets' || typeof index !== 'number') return undefined;
    const part = partWith(index, parts);
    return part && { ...part, path: [index - part.piece.firstIndex, ...below] };
  };
  return {
    ok: true,
    // safe: a text with `targets:` in its first column is a mapping
    value: { ...(rest.value as object), targets },
    isAsWritten: rest.isAsWritten && parts.every(({ file }) => file.isAsWritten),
    spotOf: (path) => {
      const part = partOf(path);
      if (part !== undefined) return inWhole(part.file.spotOf(part.path), part.piece);
      const spot = rest.spotOf(path);
      return { ...spot, line: pieces.lineOf(spot.line) };
    },
    sourceOf: (path) => {
      const part = partOf(path);
      return part === undefined ? rest.sourceOf(path) : part.file.sourceOf(part.path);
    },
  };
};

type Sound = Extract<YamlFile, { readonly ok: true }>;
type Part = { readonly piece: Piece; readonly file: Sound };

/** What is known of the items of a piece. Their text is parsed where a place in it is asked for. */
const knownFile = ({ text, items }: Piece, known: KnownItems | undefined): Sound => {
  let again: YamlFile | undefined;
  return {
    ok: true,
    value: items.map((item) => known?.get(item)),
    isAsWritten: true,
    spotOf: (path) => {
      again ??= wholeFile(text);
      return again.ok ? again.spotOf(path) : { line: 1, column: 1 };
    },
    sourceOf: () => undefined,
  };
};

/** The part that has a target, by bisection. */
const partWith = (index: number, parts: readonly Part[]): Part | undefined => {
  let [low, high] = [0, parts.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((parts[middle]?.piece.firstIndex ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return parts[low];
};

const inWhole = <S extends Spot>(spot: S, { firstLine }: Piece): S => ({ ...spot, line: spot.line + firstLine });

const inTargets = ([index, ...below]: Path, { firstIndex }: Piece): Path =>
  typeof index === 'number' ? ['targets', firstIndex + index, ...below] : ['targets'];

const wholeFile = (text: string): YamlFile => {
  if (text.length > mostValues && valuesIn(text) > mostValues) {
    return { ok: false, problems: [{ path: [], message: tooMuch, line: 1, column: 1 }] };
  }
  const { document, spotAt } = parse(text);
  const [broken] = [...document.errors, ...document.warnings];
  if (broken !== undefined) {
    // what follows the first error is mostly its echo
    const message = yamlErrorText(broken.code, lineOf(text, broken.pos[0]));
    return { ok: false, problems: [{ path: [], message, ...spotAt(broken.pos[0]) }] };
  }
  const plain = plainOf(document);
  if (!plain.ok) {
    return { ok: false, problems: [{ path: plain.path, message: plain.message, ...spotAt(plain.offset) }] };
  }
  // the nodes take many times the memory of the text and would only be kept for errors
  let again: ReturnType<typeof parse> | undefined;
  return {
    ok: true,
    value: plain.value,
    isAsWritten: plain.sources.size === 0,
    spotOf: (path) => {
      again ??= parse(text);
      return again.spotAt(offsetOf(again.document, path));
    },
    sourceOf: (path) => plain.sources.get(JSON.stringify(path)),
  };
};

const tooMuch =
  'too many values to read at once; write the targets as a plain list under `targets:`, or split the file';

const valuesIn = (text: string): number => {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) if (separators.has(text.charCodeAt(at))) count += 1;
  return count;
};
const separators = new Set([...'\n,:[{-'].map((character) => character.charCodeAt(0)));

const parse = (text: string) => {
  const lines = new LineCounter();
  // uniqueKeys compares each key with all others of its mapping; `plainOf` looks them up
  const document: Document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: false,
    lineCounter: lines,
    customTags: ['binary', 'merge'],
    logLevel: 'error', // 'silent' would also keep quiet about several documents
  });
  const spotAt = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return { document, spotAt };
};

const lineOf = (text: string, offset: number): string => {
  const start = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const end = text.indexOf('\n', offset);
  return text.slice(start, end === -1 ? undefined : end).slice(0, 2_000);
};
