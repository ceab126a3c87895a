import { most } from '../config/from-cluster.ts';
import { shortName } from '../config/place.ts';
import type { Found } from './found.ts';

/** A target that was found and how it is called. */
export type Named<T> = { readonly one: T; readonly name: string };

/** What {@link distinct} goes by. `remark` takes why one is left out. */
export type DistinctBy<T> = {
  readonly foundOf: (one: T) => Found;
  /** The name that one would have if it were alone. */
  readonly nameOf: (one: T) => string;
  readonly remark: (one: T, why: string) => void;
};

/** The name of what was found, as the list would have it. */
export const nameOf = ({ entry }: Found): string =>
  typeof entry.name === 'string' ? entry.name : shortName(entry.target);

/** Names that begin like those of a namespace's targets. */
const likeNamespace = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\//;

/**
 * The name of what was found among all others: it begins with the namespace of its writer, which has no slash and no underscore, and
 * that with the `cluster` where there are several. What files name never begins like that. So no tenant's names depend on another's.
 */
export const fullNameOf = (one: Found, cluster = '', clusters: readonly string[] = []): string => {
  const name = nameOf(one);
  if (one.tenant !== '') return `${cluster}${name.startsWith(`${one.tenant}/`) ? '' : `${one.tenant}/`}${name}`;
  const isReserved = likeNamespace.test(name) || clusters.some((other) => other !== '' && name.startsWith(other));
  return isReserved ? `file_sd/${name}` : name;
};

/**
 * What one tenant has, in order of rank, under names that are there once. Of two, the later one has after its name what it differs by.
 * The same place with the same module is kept once.
 */
export const distinct = <T>(rows: readonly T[], { foundOf, nameOf: wantedOf, remark }: DistinctBy<T>): Named<T>[] => {
  const owners = new Map<string, Found>();
  const places = new Map<string, Found>();
  const kept: Named<T>[] = [];
  for (const row of rows) {
    const one = foundOf(row);
    const wanted = wantedOf(row);
    const place = placeOf(one);
    const owner = owners.get(wanted);
    const names = owner === undefined ? [wanted] : namesOf(wanted, one, owner);
    const name = names.find((text) => !owners.has(text) && text.length <= most.letters);
    const twin = places.get(place) ?? (name === undefined ? owner : undefined);
    if (name === undefined || twin !== undefined) {
      const why = twin === undefined ? 'its name is too long' : `${wanted} is a target of ${twin.origin} already`;
      remark(row, why);
      continue;
    }
    owners.set(name, one);
    places.set(place, one);
    kept.push({ one: row, name });
  }
  return kept;
};

/** A text that two have in common which are the same place under the same name, probed by the same module. */
export const placeOf = (one: Found): string => JSON.stringify([nameOf(one), one.entry.target, one.entry.module]);

/** Names that tell one from the owner of its name, the plainest first: `shop/shop.example.com (icmp)`, `shop/web (Service)`. */
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
export const orderOf = ({ origin, entry }: Found): string =>
  JSON.stringify([origin, entry.name ?? '', entry.target, entry.module ?? '', entry]);
