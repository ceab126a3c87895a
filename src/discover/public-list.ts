import { isPrivate, sideOf } from '../config/hosts.ts';
import { roughHost } from '../config/place.ts';
import type { List } from '../config/schema.ts';

type Groups = List['groups'];

const textOf = (target: Groups[number]['targets'][number]): string =>
  typeof target === 'string' ? target : target.target;

/** Whether a target is one that the world can reach by its name: never an address or a name that only a cluster or office knows. */
const isPublic = (target: string): boolean => {
  const host = roughHost(target);
  return sideOf(host) === 'outside' && !isPrivate(host);
};

/** The groups of what was found with only the targets of a side in them. A target that says its side itself is believed. */
export const groupsOfSide = (groups: Groups, side: 'outside' | 'inside'): Groups =>
  groups
    .map((group) => ({
      ...group,
      targets: group.targets.filter((target) => isPublic(textOf(target)) === (side === 'outside')),
    }))
    .filter(({ targets }) => targets.length > 0);
