import type { Check } from '../kernel/check.ts';

/** The checks of a new list; those that are as before are the same objects as before, so that what is kept of them stays. */
export const sameChecks = (before: readonly Check[], after: readonly Check[]): readonly Check[] => {
  const known = new Map(before.map((check) => [JSON.stringify(check), check]));
  return after.map((check) => known.get(JSON.stringify(check)) ?? check);
};
