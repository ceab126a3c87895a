import { parseDuration } from '../kernel/duration.ts';
import type { Prober } from '../net/prober.ts';
import { brokenIn } from './broken-modules.ts';
import { overlay } from './overlay.ts';
import { blockOf, type List, type ProberTable } from './schema.ts';

type Block = Readonly<Record<string, unknown>>;

/** A module before any overlay. `base` is what its prober's block says. */
export type ModuleRow = {
  readonly name: string;
  readonly prober: string;
  readonly timeoutMs: number | undefined;
  readonly base: Block;
};

/** A schema's answer about settings. `given` is what was parsed. */
type Settings =
  | { readonly ok: true; readonly settings: unknown }
  | { readonly ok: false; readonly issues: Issues; readonly given: Block };
type Issues = NonNullable<ReturnType<Prober['settings']['safeParse']>['error']>['issues'];

/** The list's modules and the probers' built-in ones; a module of the list goes before a built-in one of its name. */
export type Modules = {
  /** `broken` for a module of the list that cannot be used; it is noted as used. */
  readonly find: (name: string) => ModuleRow | 'broken' | undefined;
  /** The module of a target that names none. */
  readonly first: (prober: string) => ModuleRow | 'broken' | undefined;
  readonly names: () => readonly string[];
  /** Names of broken modules that were asked for. */
  readonly usedBroken: () => readonly string[];
  /** Settings with blocks laid over the module's. What reads the same is parsed once and is one object: lists repeat themselves. */
  readonly settings: (row: ModuleRow, place: Block | undefined, above: Block | undefined) => Settings;
};

/** See {@link Modules}. */
export const moduleTable = (list: List, probers: ProberTable): Modules => {
  const broken = brokenIn(list);
  const rows = new Map<string, ModuleRow>();
  const firsts = new Map<string, ModuleRow>();
  for (const [prober, { modules }] of Object.entries(probers)) {
    for (const [name, base] of Object.entries(modules)) {
      // safe: built-in modules are written as the input of a strict object
      const row = { name, prober, timeoutMs: undefined, base: base as Block };
      rows.set(name, row);
      if (!firsts.has(prober)) firsts.set(prober, row);
    }
  }
  for (const [name, entry] of Object.entries(list.modules)) {
    const { prober, timeout } = entry;
    const row = {
      name,
      prober,
      timeoutMs: timeout === undefined ? undefined : parseDuration(timeout),
      base: blockOf(entry, prober) ?? {},
    };
    rows.set(name, row);
    if (firsts.get(prober)?.name === name) firsts.set(prober, row);
  }
  const parsed = new Map<string, Settings>();
  const usedBroken = new Set<string>();
  const find: Modules['find'] = (name) => {
    if (!broken.has(name)) return rows.get(name);
    usedBroken.add(name);
    return 'broken';
  };
  return {
    find,
    first: (prober) => {
      const row = firsts.get(prober);
      return row === undefined ? undefined : find(row.name);
    },
    usedBroken: () => [...usedBroken],
    names: () => [...rows.keys()],
    settings: (row, place, above) => {
      const given = overlay(overlay(row.base, place), above);
      const key = `${row.prober} ${JSON.stringify(given)}`;
      const known = parsed.get(key) ?? parse(probers, row.prober, given);
      parsed.set(key, known);
      return known;
    },
  };
};

const parse = (probers: ProberTable, prober: string, given: Block): Settings => {
  const result = probers[prober]?.settings.safeParse(given);
  if (result === undefined) return { ok: false, issues: [], given };
  return result.success ? { ok: true, settings: result.data } : { ok: false, issues: result.error.issues, given };
};
