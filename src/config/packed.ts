import { createHash } from 'node:crypto';
import type { Check, EpochMs, Labels, Module, Target, Vantage } from '../kernel/check.ts';
import type { Compiled } from './compile.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * A compiled list as a function takes it along: what to probe and where to push. Plain data; reading it needs neither YAML nor
 * the schema, which would cost a cold start more than everything else.
 */
export type Packed = {
  /** Of the content, 12 hexadecimal digits: the same list has the same wherever it was packed. */
  readonly hash: string;
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
  readonly vantages: readonly Vantage[];
  /** Secrets that stood in the list itself, by reference; for the kit alone, never to be shown. */
  readonly literals: ReadonlyMap<string, string>;
  readonly externalLabels: Labels;
  /** When an agent wrote it; not there for a list that was deployed or pushed. */
  readonly writtenAt?: EpochMs;
};

/** What is packed: a compiled list, and what belongs to it. */
export type Packable = Pick<Compiled, 'checks' | 'endpoints' | 'vantages'> & {
  readonly literals: ReadonlyMap<string, string>;
  readonly externalLabels: Labels;
};

/** The format that is written and read. */
const format = 2;

/** A check, with what it shares with others as places in tables. */
type Row = readonly [id: string, instance: string, target: number, module: number, vantage: number, labels: Labels];

/**
 * A compiled list as text: all of it, or what is for the named vantage. What checks share is written once, since a list of ten
 * thousand is read at each cold start. `writtenAt` is for a list that goes stale when nobody writes it anew.
 */
export const packList = (list: Packable, vantage?: string, writtenAt?: EpochMs): string => {
  const isMine = (one: Vantage) => vantage === undefined || one.name === vantage;
  const vantages = list.vantages.filter(isMine);
  const checks = list.checks.filter((check) => isMine(check.vantage));
  const endpoints = list.endpoints.filter(({ from }) => vantages.some(({ name }) => from.includes(name)));
  const common = commonLabels(checks);
  const targets = table<Target>();
  const modules = table<Module>();
  const rows = checks.map((check): Row => {
    const { id, instance, target, module, labels } = check;
    const own = Object.fromEntries(Object.entries(labels).filter(([name]) => !Object.hasOwn(common, name)));
    const at = vantages.findIndex(({ name }) => name === check.vantage.name);
    return [id, instance, targets.placeOf(target), modules.placeOf(module), at, own];
  });
  const literals = Object.fromEntries([...list.literals].sort(([a], [b]) => (a < b ? -1 : 1)));
  const content = {
    vantages,
    endpoints,
    externalLabels: list.externalLabels,
    literals,
    common,
    targets: targets.all,
    modules: modules.all,
    checks: rows,
    ...(writtenAt === undefined ? {} : { writtenAt }),
  };
  return JSON.stringify({ format, hash: hashOf(JSON.stringify(content)), ...content });
};

/** Of a text, 12 hexadecimal digits. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

const table = <T extends object>() => {
  const all: T[] = [];
  const places = new Map<T | string, number>();
  const placeOf = (one: T): number => {
    // Each target has a module object of its own; most say the same.
    const seen = places.get(one);
    if (seen !== undefined) return seen;
    const text = JSON.stringify(one);
    const place = places.get(text) ?? all.push(one) - 1;
    places.set(one, place).set(text, place);
    return place;
  };
  return { all, placeOf };
};

/** Labels that all checks have with one value. */
const commonLabels = (checks: readonly Check[]): Labels => {
  const [first] = checks;
  return Object.fromEntries(
    Object.entries(first?.labels ?? {}).filter(([name, value]) => checks.every(({ labels }) => labels[name] === value)),
  );
};

/** A packed list, or why it cannot be used. */
export type Unpacked = { readonly ok: true; readonly packed: Packed } | { readonly ok: false; readonly why: string };

/** Reads what {@link packList} wrote; refuses what is none, is cut off or was changed by hand. Never throws. */
export const readPacked = (text: string): Unpacked => {
  const read = readContent(text);
  if (!read.ok) return read;
  try {
    // safe: what has the hash was written by packList, or by somebody who meant to be let in
    return { ok: true, packed: unpacked(read.hash, read.content as unknown as Content) };
  } catch {
    return { ok: false, why: 'is no packed list: its parts do not fit' };
  }
};

/** The parts of a packed list as they stand there: none of them was looked at. `hash` is of all of them. */
export type ReadContent =
  | { readonly ok: true; readonly hash: string; readonly content: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly why: string };

/** Reads a packed list as far as its hash; what it holds may be anything. Never throws. */
export const readContent = (text: string): ReadContent => {
  const value = parsed(text);
  if (!isTable(value)) return { ok: false, why: 'is no packed list' };
  const { format: given, hash, ...content } = value;
  if (typeof given !== 'number') return { ok: false, why: 'is no packed list: it says no format' };
  if (given !== format)
    return { ok: false, why: `has format ${given}, and this version reads format ${format}; deploy and push anew` };
  try {
    // Nesting of many thousand levels can be read, and not written.
    if (typeof hash === 'string' && hashOf(JSON.stringify(content)) === hash) return { ok: true, hash, content };
    return { ok: false, why: 'is no packed list: its content does not fit its hash' };
  } catch {
    return { ok: false, why: 'is no packed list: its parts do not fit' };
  }
};

type Content = {
  readonly vantages: readonly Vantage[];
  readonly endpoints: readonly Endpoint[];
  readonly externalLabels: Labels;
  readonly literals: Readonly<Record<string, string>>;
  readonly common: Labels;
  readonly targets: readonly Target[];
  readonly modules: readonly Module[];
  readonly checks: readonly Row[];
  readonly writtenAt?: unknown;
};

const unpacked = (hash: string, content: Content): Packed => {
  const { vantages, endpoints, externalLabels, common, targets, modules, writtenAt } = content;
  const checks = content.checks.flatMap(([id, instance, target, module, vantage, labels]): Check[] => {
    const [t, m, v] = [targets[target], modules[module], vantages[vantage]];
    if (t === undefined || m === undefined || v === undefined) return [];
    return [{ id, instance, target: t, module: m, vantage: v, labels: { ...common, ...labels } }];
  });
  const literals = new Map(Object.entries(content.literals));
  const written = typeof writtenAt === 'number' ? { writtenAt } : {};
  return { hash, checks, endpoints, vantages, externalLabels, literals, ...written };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
