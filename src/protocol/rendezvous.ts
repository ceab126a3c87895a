import { Buffer } from 'node:buffer';

/**
 * A number from 0 to 2^32 - 1 that is the same for the same text for ever: FNV-1a over its UTF-8 bytes, then MurmurHash3's
 * finaliser, since FNV alone spreads short texts badly.
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv and MurmurHash3's fmix32
 */
export const stableHash = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/**
 * Which of `shards` (0 to shards - 1) a key belongs to: the one whose hash with the key is highest. When a shard is added only
 * the keys that go to it move; when the last is taken away only its own move.
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing
 */
export const rendezvous = (key: string, shards: number): number => {
  let best = 0;
  let highest = -1;
  for (let shard = 0; shard < shards; shard += 1) {
    const weight = stableHash(`${shard}\n${key}`);
    if (weight > highest) {
      highest = weight;
      best = shard;
    }
  }
  return best;
};
