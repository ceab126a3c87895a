import { awsSettings } from '../config/aws.ts';
import type { List } from '../config/schema.ts';
import { nameOf, wantedOf } from '../config/target.ts';
import { flatSettings, type Origin, type SettingChange, settingChanges } from './flat-settings.ts';
import type { ListChange, Origins } from './list-changes.ts';

/** A key of the list itself that is not as it was: a vantage, a receiver, the budget, what all stacks have in common. */
export type WideChange = {
  readonly what: 'added' | 'removed' | 'changed';
  /** Path in the list: `remote_write[0].url`. */
  readonly key: string;
  readonly before?: string;
  readonly after?: string;
};

/**
 * What differs between two lists beside their targets, key by key. Secrets are references. Where samples go and what they may cost
 * come first, since a reader may see the beginning alone.
 */
export const listWideChanges = (before: List, after: List, origins: Origins): readonly WideChange[] => [
  ...receiverChanges(before.remote_write, after.remote_write, origins),
  ...changed(settingChanges(flatSettings({ budget: before.budget }), flatSettings({ budget: after.budget }))),
  ...vantageChanges(before.vantages, after.vantages, origins),
  ...blockChanges(before, after, origins),
  ...moduleChanges(before.modules, after.modules, origins),
];

/** Blocks that are there once. Without `aws` the stacks have its defaults. */
const blocksOf = (list: List, origin: Origin) => {
  const { external_labels, ca_file, aws = awsSettings.parse({}), discover, defaults } = list;
  return flatSettings({ aws, ca_file, defaults, discover, external_labels }, origin);
};

const blockChanges = (before: List, after: List, origins: Origins): readonly WideChange[] =>
  changed(settingChanges(blocksOf(before, origins.before), blocksOf(after, origins.after)));

const changed = (changes: readonly SettingChange[], start = ''): readonly WideChange[] =>
  changes.map((change) => ({ what: 'changed', ...change, key: start + change.key }));

type Vantages = List['vantages'];

const vantageChanges = (before: Vantages, after: Vantages, origins: Origins) =>
  named('vantages', before, after, (one) => [one.kind, one.region].filter(Boolean).join(' '), origins);

type Modules = List['modules'];

const moduleChanges = (before: Modules, after: Modules, origins: Origins) =>
  named('modules', before, after, ({ prober }) => prober, origins);

/** What differs between the rows of a mapping; one that comes or goes is one change, with a word about it. */
const named = <T extends object>(
  block: string,
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
  about: (row: T) => string,
  origins: Origins,
): readonly WideChange[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name): readonly WideChange[] => {
    const [was, is] = [before, after].map((table) => (Object.hasOwn(table, name) ? table[name] : undefined));
    const key = `${block}.${name}`;
    if (was === undefined) return is === undefined ? [] : [{ what: 'added', key, after: about(is) }];
    if (is === undefined) return [{ what: 'removed', key, before: about(was) }];
    const changes = settingChanges(flatSettings(was, origins.before), flatSettings(is, origins.after));
    return changed(changes, `${key}.`);
  });

type Receivers = List['remote_write'];
type Receiver = Receivers[number];

const receiverChanges = (before: Receivers, after: Receivers, origins: Origins): readonly WideChange[] => {
  const twins = receiverTwins(before, after);
  const rows = after.flatMap((receiver, index): readonly WideChange[] => {
    const key = `remote_write[${index}]`;
    const twin = twins.get(receiver);
    if (twin === undefined) return [{ what: 'added', key, after: urlOf(receiver) }];
    return changed(
      settingChanges(flatSettings(twin, origins.before), flatSettings(receiver, origins.after)),
      `${key}.`,
    );
  });
  const stay = new Set(twins.values());
  const gone = before.flatMap((receiver, index): readonly WideChange[] =>
    stay.has(receiver) ? [] : [{ what: 'removed', key: `remote_write[${index}]`, before: urlOf(receiver) }],
  );
  return [...rows, ...gone];
};

/** Each receiver with what it was before: of the same name, else the same URL, else the next that is left. */
const receiverTwins = (before: Receivers, after: Receivers): ReadonlyMap<Receiver, Receiver> => {
  const twins = new Map<Receiver, Receiver>();
  const left = new Set(before);
  const match = (fits: (a: Receiver, b: Receiver) => boolean) => {
    for (const receiver of after) {
      const twin = twins.has(receiver) ? undefined : [...left].find((one) => fits(one, receiver));
      if (twin === undefined) continue;
      twins.set(receiver, twin);
      left.delete(twin);
    }
  };
  match((a, b) => a.name !== undefined && a.name === b.name);
  match((a, b) => a.url === b.url);
  match(() => true);
  return twins;
};

const urlOf = ({ url }: Receiver): string => flatSettings({ url }).get('url')?.text ?? '';

/** What targets say that their checks do not: what they stand on, and whether they may be private. */
export const writtenChanges = (before: List, after: List): readonly ListChange[] => {
  const [old, now] = [writtenOf(before), writtenOf(after)];
  return [...now].flatMap(([target, is]) => {
    const was = old.get(target);
    if (was === undefined) return [];
    return settingChanges(flatSettings(was), flatSettings(is)).map(
      (change): ListChange => ({ what: 'changed', target, ...change }),
    );
  });
};

type Written = { readonly inside: string | undefined; readonly private: string | undefined };

const writtenOf = (list: List): ReadonlyMap<string, Written> =>
  new Map(
    [...wantedOf(list)].map((wanted) => {
      const { entry, group } = wanted;
      return [
        nameOf(wanted),
        { inside: entry.inside?.join(', '), private: entry.private ?? group?.entry.defaults.private },
      ];
    }),
  );
