import { Buffer } from 'node:buffer';

/** MurmurHash3's finaliser: every bit of the result depends on every bit of the number. */
const mixed = (number: number): number => {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/**
 * A number from 0 to 2^32 - 1 that is the same for the same text for ever: FNV-1a over its UTF-8 bytes, then MurmurHash3's
 * finaliser, since FNV alone spreads short texts badly.
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv and MurmurHash3's fmix32
 */
export const stableHash = (text: string): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193);
  return mixed(hash);
};

/** How much a shard is worth to a key with this hash. A text is hashed once, not once for each shard. */
const weight = (hash: number, shard: number): number => mixed(hash ^ mixed(Math.imul(shard + 1, 0x9e3779b1)));

/** The shard with the highest weight below `limit`, or -1. */
const highest = (hash: number, shards: number, limit: number): number => {
  let best = -1;
  let most = -1;
  for (let shard = 0; shard < shards; shard += 1) {
    const here = weight(hash, shard);
    if (here < limit && here > most) {
      most = here;
      best = shard;
    }
  }
  return best;
};

/**
 * Which of `shards` (0 to shards - 1) a key belongs to: the one whose hash with the key is highest. When a shard is added only
 * the keys that go to it move; when the last is taken away only its own move. Keys scatter as dice do: of 100 shards with a
 * hundred keys each, one has 130.
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing
 */
export const rendezvous = (key: string, shards: number): number =>
  highest(stableHash(key), shards, Number.POSITIVE_INFINITY);

/** How much more than its part a shard may get, by {@link evenRendezvous}. */
const slack = 1.05;

type Placed = { readonly key: string; readonly size: number; readonly hash: number; limit: number };

/**
 * The same with bounded loads: no shard gets more than 5 % above its part of all sizes (rounded up, and a key's size more where
 * sizes differ). Keys that a full shard is worth least to go to the next that they would choose, so the order of the keys does
 * not matter. A key that comes, goes or grows may move a few others.
 * @see https://arxiv.org/abs/1608.01350 for consistent hashing with bounded loads
 */
export const evenRendezvous = (sizes: ReadonlyMap<string, number>, shards: number): ReadonlyMap<string, number> => {
  let total = 0;
  for (const size of sizes.values()) total += size;
  const most = Math.ceil((total / shards) * slack);
  const held: Placed[][] = Array.from({ length: shards }, () => []);
  const loads = new Array<number>(shards).fill(0);
  const waiting = [...sizes]
    .map(([key, size]): Placed => ({ key, size, hash: stableHash(key), limit: Number.POSITIVE_INFINITY }))
    .sort((one, other) => other.hash - one.hash || (one.key < other.key ? 1 : -1));
  const put = (one: Placed, shard: number) => {
    held[shard]?.push(one);
    loads[shard] = (loads[shard] ?? 0) + one.size;
  };
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const shard = highest(one.hash, shards, one.limit);
    if (shard === -1) {
      // Too large for what room there is: to whoever has the most.
      put(one, loads.indexOf(Math.min(...loads)));
      continue;
    }
    one.limit = weight(one.hash, shard);
    put(one, shard);
    const there = held[shard] ?? [];
    while ((loads[shard] ?? 0) > most && there.length > 1) {
      const least = there.reduce((low, { limit }, index) => (limit < (there[low]?.limit ?? 0) ? index : low), 0);
      const [out] = there.splice(least, 1);
      if (out === undefined) break;
      loads[shard] = (loads[shard] ?? 0) - out.size;
      waiting.push(out);
    }
  }
  return new Map(held.flatMap((all, shard) => all.map(({ key }) => [key, shard] as const)));
};
