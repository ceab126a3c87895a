import { isPublicHost } from '../config/hosts.ts';
import { roughHost } from '../config/place.ts';
import type { List } from '../config/schema.ts';

type Groups = List['groups'];
type Group = Groups[number];

const isOutside = (target: Group['targets'][number], { defaults }: Group): boolean => {
  const { target: text, side = defaults.side } = typeof target === 'string' ? { target } : target;
  return side !== 'inside' && isPublicHost(roughHost(text));
};

/**
 * The groups of what was found with only the targets of a side in them. Outside is what has a public host, unless it or its block is
 * said to be inside.
 */
export const groupsOfSide = (groups: Groups, side: 'outside' | 'inside'): Groups =>
  groups
    .map((group) => ({
      ...group,
      targets: group.targets.filter((target) => isOutside(target, group) === (side === 'outside')),
    }))
    .filter(({ targets }) => targets.length > 0);
