import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { type Finding, type Path, quoted } from './problem.ts';
import { yamlErrorText } from './yaml-errors.ts';

/** A place in a text; both count from 1. */
export type Spot = { readonly line: number; readonly column: number };

/** A parsed file. `value` is plain data; the other two look into the parsed nodes only when they are called. */
export type YamlFile =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** The place of a path, or of the nearest part of it that is there. */
      readonly spotOf: (path: Path) => Spot;
      /** A scalar as it was written, for a number that was meant as a text. */
      readonly sourceOf: (path: Path) => string | undefined;
    }
  | { readonly ok: false; readonly problems: readonly (Finding & Spot)[] };

/** How deep a list may be nested; our deepest key is at 8. */
const deepest = 64;
/** How many values aliases may add to a file. */
const mostCopies = 500_000;

/**
 * Reads one YAML 1.2 document (plus merge keys and `!!binary`, which Go's parsers take) into plain data.
 * Refused: duplicate keys, several documents, unknown tags, aliases that multiply, deep nesting, keys that are no text.
 * Time and memory are linear in the text. No message repeats a value of the file.
 */
export const yamlFile = (text: string): YamlFile => {
  const lines = new LineCounter();
  // uniqueKeys compares each key with all others of its mapping; `plainOf` does it with a set
  const document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: false,
    lineCounter: lines,
    customTags: ['binary', 'merge'],
    logLevel: 'silent',
  });
  const spotAt = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const [broken] = [...document.errors, ...document.warnings];
  if (broken !== undefined) {
    // what follows the first error is mostly its echo
    const spot = spotAt(broken.pos[0]);
    return {
      ok: false,
      problems: [{ path: [], message: yamlErrorText(broken.code, lineOf(text, broken.pos[0])), ...spot }],
    };
  }
  const reader = plainOf(document);
  if (!reader.ok) {
    return { ok: false, problems: [{ path: reader.path, message: reader.message, ...spotAt(reader.offset) }] };
  }
  return {
    ok: true,
    value: reader.value,
    spotOf: (path) => spotAt(find(document, path).offset),
    sourceOf: (path) => {
      const { node, whole } = find(document, path);
      return whole && isScalar(node) ? (node.source ?? String(node.value)) : undefined;
    },
  };
};

const lineOf = (text: string, offset: number): string => {
  const start = text.lastIndexOf('\n', Math.max(0, offset - 1)) + 1;
  const end = text.indexOf('\n', offset);
  return text.slice(start, end === -1 ? undefined : end).slice(0, 2_000);
};

type Plain =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly path: Path; readonly offset: number; readonly message: string };

/** Refusals inside {@link plainOf}; caught there and nowhere else. */
class Refused {
  readonly node: Node | null | undefined;
  readonly message: string;
  constructor(node: Node | null | undefined, message: string) {
    this.node = node;
    this.message = message;
  }
}

const plainOf = (document: Document): Plain => {
  const path: (string | number)[] = [];
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  let copying = 0;
  let copies = 0;
  const read = (given: unknown): unknown => {
    // safe: the composer puts nodes here, and null for what is not there
    const node = given as Node | null;
    if (path.length > deepest) throw new Refused(node, `nested more than ${deepest} levels deep`);
    if (copying > 0 && ++copies > mostCopies) throw new Refused(node, 'aliases (*name) repeat too much; write it out');
    if (isAlias(node)) return aliased(node);
    if (copying === 0 && node?.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) return scalarOf(node);
    if (isSeq(node)) return node.items.map((item, index) => inside(index, item));
    return isMap(node) ? mapping(node) : null;
  };
  const inside = (step: string | number, node: unknown): unknown => {
    path.push(step);
    const value = read(node);
    path.pop();
    return value;
  };
  const aliased = (alias: Alias): unknown => {
    const target = anchors.get(alias.source);
    if (target === undefined) throw new Refused(alias, 'an alias (*name) without an anchor (&name) before it');
    if (open.has(target)) throw new Refused(alias, 'an alias that contains itself');
    open.add(target);
    copying += 1;
    const value = read(target);
    copying -= 1;
    open.delete(target);
    return value;
  };
  const mapping = (map: YAMLMap): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    const merged: unknown[] = [];
    for (const pair of map.items) {
      if (isMerge(pair)) {
        merged.push(...[read(pair.value)].flat());
        continue;
      }
      const key = keyOf(pair);
      if (key === undefined || key === '__proto__') throw new Refused(nodeOf(pair.key), 'a key must be a plain text');
      if (Object.hasOwn(result, key)) throw new Refused(nodeOf(pair.key), `the key ${quoted(key)} stands here twice`);
      result[key] = inside(key, pair.value);
    }
    for (const part of merged) {
      if (typeof part !== 'object' || part === null) throw new Refused(map, '<< takes a mapping or a list of mappings');
      for (const [key, value] of Object.entries(part)) if (!Object.hasOwn(result, key)) result[key] = value;
    }
    return result;
  };
  try {
    return { ok: true, value: read(document.contents) };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, path, offset: error.node?.range?.[0] ?? 0, message: error.message };
  }
};

const isMerge = ({ key }: Pair): boolean => isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol');

/** A key as text: `200` and `true` are keys as they are written. */
const keyOf = ({ key }: Pair): string | undefined => {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
};

// safe: the composer puts nodes here, and null for what is not there
const nodeOf = (given: unknown): Node | null => given as Node | null;

/** `!!binary` becomes a text, since Go's parsers put its bytes into a text too. */
const scalarOf = (node: Scalar): unknown => {
  if (!(node.value instanceof Uint8Array)) return node.value;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(node.value);
  } catch {
    throw new Refused(node, '!!binary whose bytes are no UTF-8 text is not supported');
  }
};

type Found = { readonly node: Node | null; readonly offset: number; readonly whole: boolean };

/** Follows a path as far as it goes. `offset` is where the last step's key or item begins. */
const find = (document: Document, path: Path): Found => {
  let node = nodeOf(document.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const step of path) {
    const next = stepInto(document, node, step);
    if (next === undefined) return { node, offset, whole: false };
    node = next.node;
    offset = next.offset;
  }
  return { node, offset, whole: true };
};

type Step = { readonly node: Node | null; readonly offset: number };

const stepInto = (document: Document, from: Node | null, step: string | number): Step | undefined => {
  const node = isAlias(from) ? (from.resolve(document) ?? null) : from;
  if (isSeq(node) && typeof step === 'number') {
    const item = nodeOf(node.items[step] ?? null);
    return item === null ? undefined : { node: item, offset: item.range?.[0] ?? 0 };
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((candidate) => !isMerge(candidate) && keyOf(candidate) === String(step));
  if (pair !== undefined) return { node: nodeOf(pair.value), offset: nodeOf(pair.key)?.range?.[0] ?? 0 };
  for (const merge of node.items.filter(isMerge)) {
    const value = nodeOf(merge.value);
    for (const part of isSeq(value) ? value.items : [value]) {
      const inner = stepInto(document, nodeOf(part), step);
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
};
