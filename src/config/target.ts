import { parseDuration } from '../kernel/duration.ts';
import type { Place } from '../net/prober.ts';
import { nearest } from '../protocol/nearest.ts';
import { withoutQuerySecrets } from '../protocol/query-secrets.ts';
import type { Choices } from './choices.ts';
import { sideOf } from './hosts.ts';
import type { ModuleRow, Modules } from './modules.ts';
import { fits, type Located, locate, proberOfScheme, roughHost, shortName, underScheme } from './place.ts';
import { type Path, quoted } from './problem.ts';
import type { AlsoEntry, GroupEntry, List, ProberTable, TargetEntry } from './schema.ts';
import { blockOf } from './schema.ts';
import { withoutUserInfo } from './user-info.ts';

/** A target of the list and what it inherits from. */
export type Wanted = {
  readonly path: Path;
  /** Where its text stands. */
  readonly textPath: Path;
  readonly entry: TargetEntry;
  readonly group: { readonly path: Path; readonly entry: GroupEntry } | undefined;
};

/** One place to probe: the target's own, or one of its `also`. `overlay` lies over the module's settings. */
export type Item = {
  readonly path: Path;
  readonly text: string;
  readonly place: Place;
  readonly module: ModuleRow;
  readonly overlay: Readonly<Record<string, unknown>> | undefined;
  readonly instance: string;
  readonly intervalMs: number;
  /** The time limits that are written, in milliseconds, by where they stand. */
  readonly limits: Readonly<Record<'target' | 'defaults' | 'module', number | undefined>>;
};

/** Takes what is wrong with a target; see `Findings`. */
export type Add = (path: Path, message: string, other?: Path) => void;

/** What targets are read against. */
export type Tables = {
  readonly list: List;
  readonly modules: Modules;
  readonly probers: ProberTable;
  readonly add: Add;
};

/** All targets of a list, those of groups too. */
export const wantedOf = function* (list: List): Generator<Wanted> {
  const wanted = (raw: string | TargetEntry, path: Path, group: Wanted['group']): Wanted =>
    typeof raw === 'string'
      ? { path, textPath: path, entry: { target: raw }, group }
      : { path, textPath: [...path, 'target'], entry: raw, group };
  for (const [index, raw] of list.targets.entries()) {
    yield wanted(raw, ['targets', index], undefined);
  }
  for (const [number, entry] of list.groups.entries()) {
    const group = { path: ['groups', number], entry };
    for (const [index, raw] of entry.targets.entries()) {
      yield wanted(raw, [...group.path, 'targets', index], group);
    }
  }
};

/** The name of a target. */
export const nameOf = ({ entry }: Wanted): string => entry.name ?? shortName(entry.target);

type Key = keyof Choices & keyof TargetEntry;

/** What a target, its group and the defaults of its side say; the target goes before the group, the group before the defaults. */
export type Chosen = {
  readonly side: 'outside' | 'inside';
  readonly get: <K extends Key>(key: K) => Choices[K];
  /** Where that stands; the target itself if nowhere. */
  readonly pathOf: (key: Key) => Path;
};

const chosenFor = ({ path, entry, group }: Wanted, side: Chosen['side'], list: List): Chosen => {
  const layers: { readonly at: Path; readonly says: Choices }[] = [{ at: path, says: entry }];
  if (group !== undefined) layers.push({ at: [...group.path, 'defaults'], says: group.entry.defaults });
  layers.push({ at: ['defaults', side], says: list.defaults[side] });
  const layerOf = (key: Key) => layers.find(({ says }) => says[key] !== undefined);
  return {
    side,
    get: (key) => layerOf(key)?.says[key],
    pathOf: (key) => {
      const layer = layerOf(key);
      return layer === undefined ? path : [...layer.at, key];
    },
  };
};

/** Reads the places of a target: its own first, then those of `also`. Tells what is wrong, and gives what can be used. */
export const itemsOf = (
  wanted: Wanted,
  tables: Tables,
): { readonly chosen: Chosen; readonly items: readonly Item[] } | undefined => {
  const { path, textPath, entry, group } = wanted;
  const module = moduleOf(wanted, tables);
  if (module === 'unknown') return undefined;
  const located = locate(entry.target, module?.prober, tables.probers);
  const row = usable(located, module, textPath, tables);
  if (row === undefined || !located.ok) return undefined;
  const side = entry.side ?? group?.entry.defaults.side ?? sideOf(located.place.host);
  const chosen = chosenFor(wanted, side, tables.list);
  const main: Item = {
    path,
    text: entry.target,
    place: located.place,
    module: row,
    overlay: overlayOf(entry, row, path, tables),
    instance: withoutQuerySecrets(entry.instance ?? entry.target),
    ...timesOf(chosen, row, entry),
  };
  const items = [main];
  for (const [index, raw] of (entry.also ?? []).entries()) {
    const item = alsoItem(raw, [...path, 'also', index], { main, chosen, tables });
    if (item !== undefined) items.push(item);
  }
  return { chosen, items };
};

type Named = ModuleRow | 'unknown' | undefined;

/** The module a target names, or else its group or the defaults of its side, if that one is for such a text. */
const moduleOf = ({ path, entry, group }: Wanted, tables: Tables): Named => {
  if (entry.module !== undefined) return named(entry.module, [...path, 'module'], tables);
  const side = entry.side ?? group?.entry.defaults.side ?? sideOf(roughHost(entry.target));
  const candidates: readonly [string | undefined, Path][] = [
    [group?.entry.defaults.module, [...(group?.path ?? []), 'defaults', 'module']],
    [tables.list.defaults[side].module, ['defaults', side, 'module']],
  ];
  for (const [name, at] of candidates) {
    const row = name === undefined ? undefined : named(name, at, tables);
    if (row === 'unknown') return row;
    if (row !== undefined && fits(entry.target, row.prober, tables.probers)) return row;
  }
  return undefined;
};

const named = (name: string, path: Path, { modules, add }: Tables): ModuleRow | 'unknown' => {
  const row = modules.find(name);
  if (row === 'broken') {
    add(path, brokenText(name));
    return 'unknown';
  }
  if (row !== undefined) return row;
  const guess = nearest(name, modules.names());
  const hint =
    guess === undefined ? `known are ${modules.names().slice(0, 20).join(', ')}` : `did you mean ${quoted(guess)}?`;
  add(path, `no module ${quoted(name)}; ${hint}`);
  return 'unknown';
};

const brokenText = (name: string): string =>
  `the module ${quoted(name)} cannot be used; see what is reported at its place under \`modules\``;

/** The module for a place: the one that was chosen, else the first built-in one. Tells if there is no place or no module. */
const usable = (
  located: Located,
  module: ModuleRow | undefined,
  path: Path,
  { modules, add }: Tables,
): ModuleRow | undefined => {
  if (!located.ok) {
    add(path, located.message);
    return undefined;
  }
  const row = module ?? modules.first(located.prober);
  if (row === 'broken') {
    const which = `the list's own module for ${located.prober} targets`;
    add(path, `${which} cannot be used; see what is reported at its place under \`modules\``);
    return undefined;
  }
  if (row === undefined) add(path, `the prober ${located.prober} has no built-in module; write \`module:\``);
  return row;
};

const usualIntervals = { outside: '1m', inside: '30s' } as const;
const timesOf = (
  chosen: Chosen,
  { timeoutMs: bound }: ModuleRow,
  own: { readonly interval?: string | undefined; readonly timeout?: string | undefined },
): Pick<Item, 'intervalMs' | 'limits'> => {
  const interval = own.interval ?? chosen.get('interval') ?? usualIntervals[chosen.side];
  const durationOf = (text: string | undefined) => (text === undefined ? undefined : parseDuration(text));
  return {
    intervalMs: parseDuration(interval) ?? 0,
    limits: { target: durationOf(own.timeout), defaults: durationOf(chosen.get('timeout')), module: bound },
  };
};

const overlayOf = (entry: object, row: ModuleRow, path: Path, { probers, add }: Tables): Item['overlay'] => {
  for (const prober of Object.keys(probers)) {
    if (prober === row.prober || blockOf(entry, prober) === undefined) continue;
    add([...path, prober], `does nothing here, since the module ${row.name} is of the prober ${row.prober}`);
  }
  return blockOf(entry, row.prober);
};

type Beside = { readonly main: Item; readonly chosen: Chosen; readonly tables: Tables };

const alsoItem = (raw: string | AlsoEntry, path: Path, { main, chosen, tables }: Beside): Item | undefined => {
  const entry = typeof raw === 'string' ? meaningOf(raw, main, tables) : raw;
  if (entry === undefined) {
    tables.add(path, `not a scheme, URL or module; saw ${quoted(withoutQuerySecrets(withoutUserInfo(String(raw))))}`);
    return undefined;
  }
  const wanted = entry.module === undefined ? undefined : named(entry.module, path, tables);
  if (wanted === 'unknown') return undefined;
  const text = entry.target ?? textFor(wanted?.prober, main, tables.probers);
  const located = locate(text, wanted?.prober, tables.probers);
  const module = usable(located, wanted, path, tables);
  if (module === undefined || !located.ok) return undefined;
  return {
    path,
    text,
    place: located.place,
    module,
    overlay: overlayOf(entry, module, path, tables),
    instance: withoutQuerySecrets(entry.instance ?? text),
    ...timesOf(chosen, module, entry),
  };
};

/** What a text under `also` stands for: a URL, a scheme, or a module. */
const meaningOf = (text: string, main: Item, { modules, probers }: Tables): AlsoEntry | undefined => {
  if (text.includes('://')) return { target: text };
  if (proberOfScheme(text, probers) !== undefined) return { target: underScheme(text, main.place) };
  return modules.find(text) === undefined ? undefined : { module: text };
};

/** The text of the target for another module: as it is for the same prober, else the place under that prober's scheme. */
const textFor = (prober: string | undefined, main: Item, probers: ProberTable): string => {
  const scheme = prober === undefined || prober === main.module.prober ? undefined : probers[prober]?.schemes[0];
  return scheme === undefined ? main.text : underScheme(scheme, main.place);
};
