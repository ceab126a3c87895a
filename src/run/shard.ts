import type { Check } from '../kernel/check.ts';
import { evenRendezvous, rendezvous } from '../protocol/rendezvous.ts';

/** A part of the targets: `index` from 0 to `of` - 1. */
export type Shard = { readonly index: number; readonly of: number };

/**
 * The checks of a shard of agents, by the hash of the target's name: siblings under one name stay together, a shard more moves
 * only what goes to it, and agents whose lists differ for a moment agree on all that is in both.
 */
export const ofShard = (checks: readonly Check[], { index, of }: Shard): readonly Check[] =>
  of === 1 ? checks : checks.filter(({ target }) => rendezvous(target.name, of) === index);

/**
 * The checks of all shards of functions: as {@link ofShard}, but no shard gets more than 5 % above its part, since each has to be
 * through before its deadline. Functions keep nothing of a target, so it costs nothing when one moves.
 */
export const evenShards = (checks: readonly Check[], of: number): readonly (readonly Check[])[] => {
  if (of === 1) return [checks];
  const sizes = new Map<string, number>();
  for (const { target } of checks) sizes.set(target.name, (sizes.get(target.name) ?? 0) + 1);
  const shardOf = evenRendezvous(sizes, of);
  const shards: Check[][] = Array.from({ length: of }, () => []);
  for (const check of checks) shards[shardOf.get(check.target.name) ?? 0]?.push(check);
  return shards;
};

/** A shard as text, `2/5`. */
export const shardText = ({ index, of }: Shard): string => `${index}/${of}`;

/** Reads `i/n` with 0 <= i < n; `undefined` for anything else. */
export const parseShard = (text: string): Shard | undefined => {
  const [, index, of] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  return index !== undefined && shard.index < shard.of ? shard : undefined;
};
