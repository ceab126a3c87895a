import { beyond, deployedWith } from '../config/deployed-with.ts';
import { readPacked } from '../config/packed.ts';

/** Lists of so many checks have one shard, which has room for some more. */
const roomy = 100;
/** How far a list may grow until its shards are said to be those of the last deployment. */
const growth = 1.5;

/**
 * What a vantage's packed list has that the one before it had not, as far as a function has to be deployed for it. Nothing if one
 * of them cannot be read.
 */
export const pushWarnings = (before: string | undefined, after: string): readonly string[] => {
  const [old, now] = [readPacked(before ?? ''), readPacked(after)];
  if (!old.ok || !now.ok) return [];
  const missing = beyond(now.packed, deployedWith(old.packed));
  const [had, has] = [old.packed.checks.length, now.packed.checks.length];
  return [
    ...(missing.length > 0
      ? [`new in the list is ${missing.join(', ')}; a function that was not deployed with it keeps the list it has`]
      : []),
    ...(has > roomy && has > had * growth
      ? [`${has} checks, and there were ${had}; the number of shards is that of the last deployment`]
      : []),
  ];
};
