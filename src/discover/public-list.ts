import { isPublicHost } from '../config/hosts.ts';
import { roughHost } from '../config/place.ts';
import type { List } from '../config/schema.ts';

type Groups = List['groups'];

const textOf = (target: Groups[number]['targets'][number]): string =>
  typeof target === 'string' ? target : target.target;

/** The groups of what was found with only the targets of a side in them. A target that says its side itself is believed. */
export const groupsOfSide = (groups: Groups, side: 'outside' | 'inside'): Groups =>
  groups
    .map((group) => ({
      ...group,
      targets: group.targets.filter((target) => isPublicHost(roughHost(textOf(target))) === (side === 'outside')),
    }))
    .filter(({ targets }) => targets.length > 0);
