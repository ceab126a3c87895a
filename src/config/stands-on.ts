import type { StandsOn } from '../kernel/check.ts';
import type { List } from './schema.ts';
import { nameOf, wantedOf } from './target.ts';

/** The targets of a list that say by `inside:` what they stand on, in its order. */
export const standsOn = (list: List): readonly StandsOn[] =>
  [...wantedOf(list)].flatMap((wanted) => {
    const { inside: on = [] } = wanted.entry;
    return on.length === 0 ? [] : [{ name: nameOf(wanted), on }];
  });
