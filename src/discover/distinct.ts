import { shortName } from '../config/place.ts';
import type { Found, Remark } from './found.ts';

/** What {@link distinct} goes by: names that the list has, and namespaces whose objects come first. */
export type DistinctBy = {
  readonly taken: Iterable<string>;
  readonly first: readonly string[];
  readonly remark: (one: Remark) => void;
};

/** The name of what was found. */
export const nameOf = ({ entry }: Found): string =>
  typeof entry.name === 'string' ? entry.name : shortName(entry.target);

/** The namespace of the object that something was found at; empty for files. */
const namespaceOf = ({ entry: { labels } }: Found): string =>
  typeof labels === 'object' && labels !== null && 'namespace' in labels ? String(labels.namespace) : '';

/**
 * What each block found, under names that are there once. A name of the list is the list's. Of two that are found, the later one says
 * after its name what it differs by. The same place with the same module is kept once. What is later depends on the namespaces that
 * come first, the order of the blocks and the names of the objects, never on when they were seen.
 */
export const distinct = (
  blocks: readonly (readonly Found[])[],
  { taken, first, remark }: DistinctBy,
): readonly (readonly Found[])[] => {
  const fromList = new Set(taken);
  const owners = new Map<string, Found>();
  const places = new Map<string, Found>();
  const kept: Found[][] = blocks.map(() => []);
  const rankOf = (one: Found): number => (first.includes(namespaceOf(one)) ? 0 : 1);
  const rows = blocks.flatMap((found, block) =>
    found.map((one) => ({ one, block, rank: rankOf(one), order: orderOf(one) })),
  );
  const isFree = (name: string): boolean => !fromList.has(name) && !owners.has(name);
  rows.sort((a, b) => a.rank - b.rank || a.block - b.block || compareTexts(a.order, b.order));
  for (const { one, block } of rows) {
    const wanted = nameOf(one);
    // The same target written by hand is what people mean by taking it into the list.
    if (fromList.has(wanted)) continue;
    const place = JSON.stringify([wanted, one.entry.target, one.entry.module]);
    const owner = owners.get(wanted);
    const name = owner === undefined ? wanted : namesOf(wanted, one, owner).find(isFree);
    const twin = places.get(place) ?? (name === undefined ? owner : undefined);
    if (name === undefined || twin !== undefined) {
      remark({ origin: one.origin, why: `${wanted} is a target of ${twin?.origin} already` });
      continue;
    }
    owners.set(name, one);
    places.set(place, one);
    kept[block]?.push(name === wanted ? one : { ...one, entry: { ...one.entry, name } });
  }
  return kept;
};

/** As many of them as there may be, an equal share of each namespace as far as it has so many: none crowds the others out. */
export const fairShare = (found: readonly Found[], most: number): readonly Found[] => {
  if (found.length <= most) return found;
  const namespaces = new Map<string, number>();
  const turns = found.map((one) => {
    const namespace = namespaceOf(one);
    const turn = namespaces.get(namespace) ?? 0;
    namespaces.set(namespace, turn + 1);
    return { one, turn, namespace };
  });
  const chosen = new Set(
    turns
      .toSorted((a, b) => a.turn - b.turn || compareTexts(a.namespace, b.namespace))
      .slice(0, most)
      .map(({ one }) => one),
  );
  return found.filter((one) => chosen.has(one));
};

/** Names that tell one from the owner of its name, the plainest first: `shop.example.com (icmp)`, `shop/web (Service)`. */
const namesOf = (name: string, one: Found, owner: Found): readonly string[] => {
  const own = partsOf(one);
  const other = partsOf(owner);
  return own.filter((part, index) => part !== undefined && part !== other[index]).map((part) => `${name} (${part})`);
};

const partsOf = ({ origin, entry }: Found): readonly (string | undefined)[] => [
  typeof entry.module === 'string' ? entry.module : undefined,
  /^([A-Z][A-Za-z]+) /.exec(origin)?.[1],
  /^([a-z][a-z0-9+.-]*):\/\//i.exec(entry.target)?.[1],
  origin,
  entry.target,
  `${origin}, ${entry.target}${typeof entry.module === 'string' ? `, ${entry.module}` : ''}`,
];

/** A text that sorts by object, then by what is probed there. */
const orderOf = ({ origin, entry }: Found): string =>
  JSON.stringify([origin, entry.name ?? '', entry.target, entry.module ?? '', entry]);

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
