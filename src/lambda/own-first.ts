import type { Check } from '../kernel/check.ts';

/**
 * The checks of the list before those that clusters published, each in the order in which they were. Starts are spaced by what probes
 * cost, and end with the time of the invocation: what a cluster's targets cost is then no reason that a check of the list is left out.
 */
export const ownFirst = (checks: readonly Check[]): readonly Check[] => [
  ...checks.filter(({ reach }) => reach === undefined),
  ...checks.filter(({ reach }) => reach !== undefined),
];
