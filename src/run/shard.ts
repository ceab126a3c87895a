import type { Check } from '../kernel/check.ts';
import { rendezvous } from '../protocol/rendezvous.ts';

/** A part of the targets: `index` from 0 to `of` - 1. */
export type Shard = { readonly index: number; readonly of: number };

/**
 * The checks of a shard. Both doors choose by the same hash of the target's name, so that siblings under one name stay
 * together and a shard more moves only what goes to it.
 */
export const ofShard = (checks: readonly Check[], { index, of }: Shard): readonly Check[] =>
  of === 1 ? checks : checks.filter(({ target }) => rendezvous(target.name, of) === index);

/** A shard as text, `2/5`. */
export const shardText = ({ index, of }: Shard): string => `${index}/${of}`;

/** Reads `i/n` with 0 <= i < n; `undefined` for anything else. */
export const parseShard = (text: string): Shard | undefined => {
  const [, index, of] = /^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? [];
  const shard = { index: Number(index), of: Number(of) };
  return index !== undefined && shard.index < shard.of ? shard : undefined;
};
