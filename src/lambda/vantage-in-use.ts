import type { Packed } from '../config/packed.ts';
import type { Endpoint } from '../config/endpoint.ts';
import type { Check, Vantage } from '../kernel/check.ts';
import { sameChecks } from '../run/same-checks.ts';

/** What a list says to one vantage. */
export type VantageInUse = {
  readonly packed: Packed;
  readonly vantage: Vantage;
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
};

/**
 * The part of a list that is for the vantage of this name; checks that were in the list `before` are the same objects. Throws if
 * the list has no such vantage.
 */
export const vantageInUse = (packed: Packed, name: string, before?: VantageInUse): VantageInUse => {
  if (before?.packed === packed) return before;
  const vantage = packed.vantages.find((one) => one.name === name);
  if (vantage === undefined) {
    const known = packed.vantages.map((one) => one.name).join(', ');
    throw new Error(`the list has no vantage ${name}; it has ${known}`);
  }
  const own = packed.checks.filter((check) => check.vantage.name === name);
  return {
    packed,
    vantage,
    checks: before === undefined ? own : sameChecks(before.checks, own),
    endpoints: packed.endpoints.filter(({ from }) => from.includes(name)),
  };
};
