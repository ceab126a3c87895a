import type { Endpoint } from '../config/endpoint.ts';
import type { Packed } from '../config/packed.ts';
import type { Check, Vantage } from '../kernel/check.ts';
import { sameChecks } from '../run/same-checks.ts';
import { evenShards, type Shard } from '../run/shard.ts';

/** What a list says to one vantage. */
export type VantageInUse = {
  readonly packed: Packed;
  readonly vantage: Vantage;
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
  /** The checks of a shard. */
  readonly ofShard: (shard: Shard) => readonly Check[];
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
  const checks = before === undefined ? own : sameChecks(before.checks, own);
  // Nearly always the events of an environment are of one number of shards.
  let shards: readonly (readonly Check[])[] = [];
  return {
    packed,
    vantage,
    checks,
    ofShard: ({ index, of }) => {
      if (shards.length !== of) shards = evenShards(checks, of);
      return shards[index] ?? [];
    },
    endpoints: packed.endpoints.filter(({ from }) => from.includes(name)),
  };
};
