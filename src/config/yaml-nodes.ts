import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { textOfRawBytes } from '../protocol/raw-bytes.ts';
import { type Path, quoted } from './problem.ts';

/** How deep a list may be nested; our deepest key is at 8. */
const deepest = 64;
/** How many values aliases may add to a file. */
const mostCopies = 500_000;

/** Plain data, or what is wrong and at which offset. */
export type Plain =
  | { readonly ok: true; readonly value: unknown; readonly sources: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly path: Path; readonly offset: number; readonly message: string };

/** What `<<` takes in, and the sources of its numbers by their paths where it is taken in. */
type Merged = { readonly value: unknown; readonly sources: ReadonlyMap<string, string> };

/** Refusals inside {@link plainOf}; caught there and nowhere else. */
class Refused {
  readonly node: Node | null | undefined;
  readonly message: string;
  constructor(node: Node | null | undefined, message: string) {
    this.node = node;
    this.message = message;
  }
}

/**
 * The nodes of a document as plain data, aliases and merge keys written out. `sources` has numbers and truth values whose text
 * differs from how JavaScript writes them, by the JSON of their path.
 */
export const plainOf = (document: Document): Plain => {
  const path: (string | number)[] = [];
  const anchors = new Map<string, Node>();
  const open = new Set<Node>();
  let sources = new Map<string, string>();
  let copying = 0;
  let copies = 0;
  const read = (given: unknown): unknown => {
    // safe: the composer puts nodes here, and null for what is not there
    const node = given as Node | null;
    if (path.length > deepest) throw new Refused(node, `nested more than ${deepest} levels deep`);
    if (copying > 0 && ++copies > mostCopies) throw new Refused(node, 'aliases (*name) repeat too much; write it out');
    if (isAlias(node)) return aliased(node);
    if (copying === 0 && node?.anchor !== undefined) anchors.set(node.anchor, node);
    if (isScalar(node)) {
      const { value, source } = node;
      if (typeof value !== 'string' && source !== undefined && source !== String(value))
        sources.set(JSON.stringify(path), source);
      return scalarOf(node);
    }
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
    const merged: Merged[] = [];
    for (const pair of map.items) {
      if (isMerge(pair)) {
        for (const part of isSeq(pair.value) ? pair.value.items : [pair.value]) merged.push(apart(part));
        continue;
      }
      const key = keyOf(pair);
      if (key === undefined || key === '__proto__') throw new Refused(nodeOf(pair.key), 'a key must be a plain text');
      if (Object.hasOwn(result, key)) throw new Refused(nodeOf(pair.key), `the key ${quoted(key)} stands here twice`);
      result[key] = inside(key, pair.value);
    }
    for (const one of merged) mergeInto(result, one, map);
    return result;
  };
  /** Reads what is merged without its sources: some of it may be overridden. */
  const apart = (node: unknown): Merged => {
    const outer = sources;
    sources = new Map();
    const merged = { value: read(node), sources };
    sources = outer;
    return merged;
  };
  const mergeInto = (result: Record<string, unknown>, { value, sources: theirs }: Merged, map: YAMLMap): void => {
    if (Array.isArray(value)) {
      // An alias of a list of mappings; their numbers are as JavaScript writes them.
      for (const part of value) mergeInto(result, { value: part, sources: new Map() }, map);
      return;
    }
    if (typeof value !== 'object' || value === null) throw new Refused(map, '<< takes a mapping or a list of mappings');
    const fresh = Object.entries(value).filter(([key]) => !Object.hasOwn(result, key));
    for (const [key, inner] of fresh) result[key] = inner;
    const keys = new Set(fresh.map(([key]) => key));
    for (const [at, source] of theirs) if (keys.has(JSON.parse(at)[path.length])) sources.set(at, source);
  };
  try {
    return { ok: true, value: read(document.contents), sources };
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
const scalarOf = ({ value }: Scalar): unknown => (value instanceof Uint8Array ? textOfRawBytes(value) : value);

type Found = { readonly node: Node | null; readonly offset: number };

/** Follows a path as far as it goes, and gives the offset where the last step's key or item begins. */
export const offsetOf = (document: Document, path: Path): number => {
  let node = nodeOf(document.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const step of path) {
    const next = stepInto(document, node, step);
    if (next === undefined) return offset;
    node = next.node;
    offset = next.offset;
  }
  return offset;
};

const stepInto = (document: Document, from: Node | null, step: string | number): Found | undefined => {
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
