import type { Check, Slo } from '../kernel/check.ts';
import { withoutQuerySecrets } from '../protocol/query-secrets.ts';
import { durationInList, flatSettings, type Origin, type SettingChange, settingChanges } from './flat-settings.ts';

/** One thing that is not as it was: a target, which of its settings, and its values as text. Secrets are references. */
export type ListChange = {
  readonly what: 'added' | 'removed' | 'changed';
  readonly target: string;
  /** Path of the setting, for a target that changed; `checks[INSTANCE]` for a second check of it. */
  readonly key?: string;
  readonly before?: string;
  readonly after?: string;
};

/** Where the lists of {@link listChanges} come from. */
export type Origins = { readonly before: Origin; readonly after: Origin };

/** What differs between two compiled lists, target by target in the order of their names, and setting by setting. */
export const listChanges = (
  before: readonly Check[],
  after: readonly Check[],
  origins: Origins = { before: {}, after: {} },
): readonly ListChange[] => {
  const [old, now] = [byTarget(before), byTarget(after)];
  const blocks = blockComparison(origins);
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((target): ListChange[] => {
    const [was, is] = [old.get(target), now.get(target)];
    if (was === undefined) return [{ what: 'added', target }];
    if (is === undefined) return [{ what: 'removed', target }];
    return targetChanges([...was.values()], [...is.values()], blocks).map((change) => ({ target, ...change }));
  });
};

/** One place that a target is checked at: the check of its first vantage, which stands for all. */
type Place = { readonly check: Check; readonly from: string[] };

/** The places of each target by their instance, the target's own first. */
const byTarget = (checks: readonly Check[]): ReadonlyMap<string, ReadonlyMap<string, Place>> => {
  const found = new Map<string, Map<string, Place>>();
  for (const check of checks) {
    const places = found.get(check.target.name) ?? new Map<string, Place>();
    found.set(check.target.name, places);
    const known = places.get(check.instance);
    if (known === undefined) places.set(check.instance, { check, from: [check.vantage.name] });
    else known.from.push(check.vantage.name);
  }
  return found;
};

type Row = Omit<ListChange, 'target'>;

const targetChanges = (was: readonly Place[], is: readonly Place[], blocks: BlockComparison): readonly Row[] => {
  const rows: Row[] = changed(compared(sharedOf(was), sharedOf(is)), '');
  const left = new Set(was);
  for (const [place, twin] of pairs(was, is)) {
    const start = place === is[0] ? '' : `${nameOf(place)}.`;
    if (twin === undefined) rows.push({ what: 'added', key: nameOf(place), after: place.check.module.name });
    else {
      left.delete(twin);
      rows.push(...changed(compared(ownOf(twin), ownOf(place)), start));
      rows.push(...changed(blocks(twin.check, place.check), start));
    }
  }
  for (const place of left) rows.push({ what: 'removed', key: nameOf(place), before: place.check.module.name });
  return rows.sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1));
};

/** Most targets are as they were, which is seen without taking them apart. */
const compared = (before: object, after: object): readonly SettingChange[] =>
  JSON.stringify(before) === JSON.stringify(after) ? [] : settingChanges(flatSettings(before), flatSettings(after));

const nameOf = ({ check }: Place): string => `checks[${check.instance}]`;

const changed = (changes: readonly SettingChange[], start: string): Row[] =>
  changes.map((change) => ({ what: 'changed', ...change, key: start + change.key }));

/** Each place with what it was before: of the same instance, else of the same module, else both the target's own. */
const pairs = (was: readonly Place[], is: readonly Place[]): ReadonlyMap<Place, Place | undefined> => {
  const twins = new Map<Place, Place | undefined>(is.map((place) => [place, undefined]));
  const left = new Set(was);
  const match = (fits: (a: Place, b: Place) => boolean) => {
    for (const place of is) {
      const twin = twins.get(place) === undefined ? [...left].find((one) => fits(one, place)) : undefined;
      if (twin === undefined) continue;
      twins.set(place, twin);
      left.delete(twin);
    }
  };
  match((a, b) => a.check.instance === b.check.instance);
  if (left.size === 0) return twins;
  match((a, b) => a.check.module.name === b.check.module.name);
  match((a, b) => a === was[0] && b === is[0]);
  return twins;
};

/** What all checks of a target have in common. */
const sharedOf = ([first]: readonly Place[]): object => {
  if (first === undefined) return {};
  const { target, labels } = first.check;
  const { profile, names, side, quorum, slo, linkLocal } = target;
  const from = first.from.toSorted().join(', ');
  return {
    from,
    job: labels.job,
    labels: target.labels,
    profile,
    names,
    side,
    quorum,
    slo: sloOf(slo),
    link_local: linkLocal,
  };
};

/** An objective as the list writes it, in percent. */
const sloOf = (slo: Slo | undefined): object | undefined =>
  slo && { objective: Number((slo.objective * 100).toPrecision(12)), window: durationInList(slo.windowMs) };

/** What one check of a target says for itself, but for the block of its prober. */
const ownOf = ({ check: { instance, module, target } }: Place): object => ({
  // The instance is the target as it is written, unless the list says otherwise.
  ...targetAndInstance(instance, withoutQuerySecrets(target.address)),
  interval: durationInList(target.intervalMs),
  timeout: durationInList(module.timeoutMs),
  module: module.name,
});

const targetAndInstance = (instance: string, address: string): object =>
  instance.includes(address) ? { target: instance } : { target: address, instance };

type BlockComparison = (before: Check, after: Check) => readonly SettingChange[];

/** Compares the blocks of probers. Many checks share one, so what was compared once is kept. */
const blockComparison = (origins: Origins): BlockComparison => {
  const known = new Map<unknown, Map<unknown, readonly SettingChange[]>>();
  return ({ module: before }, { module: after }) => {
    if (before.prober !== after.prober || before.settings === after.settings) return [];
    const beside = known.get(before.settings) ?? new Map<unknown, readonly SettingChange[]>();
    known.set(before.settings, beside);
    const found =
      beside.get(after.settings) ??
      settingChanges(
        flatSettings({ [before.prober]: before.settings }, origins.before),
        flatSettings({ [after.prober]: after.settings }, origins.after),
      );
    beside.set(after.settings, found);
    return found;
  };
};

/** Keys of {@link listChanges} that alert rules judge a target by. */
export const isAlerting = ({ key }: Pick<ListChange, 'key'>): boolean =>
  key !== undefined && (key === 'side' || key === 'quorum' || key === 'inside' || key.startsWith('slo.'));
