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
    }
  | { readonly ok: false; readonly problems: readonly (Finding & Spot)[] };

/** Texts above this length are parsed piece by piece. */
const long = 256 * 1_024;
/** Values that one piece may have, guessed from its commas, colons, brackets and lines; some 700 bytes of memory each. */
const mostValues = 600_000;

/**
 * Reads one YAML 1.2 document (plus merge keys and `!!binary`, which Go's parsers take) into plain data.
 * Refused: duplicate keys, several documents, unknown tags, aliases that multiply, deep nesting, keys that are no text.
 * Time is linear in the text, memory bounded. No message repeats a value of the file.
 */
export const yamlFile = (text: string): YamlFile => {
  const pieces = text.length > long ? yamlPieces(text) : undefined;
  if (pieces === undefined) return wholeFile(text);
  const rest = wholeFile(pieces.rest);
  if (!rest.ok) return { ok: false, problems: rest.problems.map((one) => ({ ...one, line: pieces.lineOf(one.line) })) };
  const targets: unknown[] = [];
  const parts: { readonly piece: Piece; readonly file: Extract<YamlFile, { readonly ok: true }> }[] = [];
  for (const piece of pieces.pieces) {
    const file = wholeFile(piece.text);
    if (!file.ok)
      return {
        ok: false,
        problems: file.problems.map((one) => inWhole({ ...one, path: inTargets(one.path, piece) }, piece)),
      };
    if (!Array.isArray(file.value) || file.value.length !== piece.count) return wholeFile(text);
    for (const target of file.value) targets.push(target);
    parts.push({ piece, file });
  }
  const partOf = (path: Path) => {
    const [section, index, ...below] = path;
    if (section !== 'targets' || typeof index !== 'number') return undefined;
    const part = parts[Math.floor(index / (parts[0]?.piece.count ?? 1))];
    return part && { ...part, path: [index - part.piece.firstIndex, ...below] };
  };
  return {
    ok: true,
    // safe: a text with `targets:` in its first column is a mapping
    value: { ...(rest.value as object), targets },
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
