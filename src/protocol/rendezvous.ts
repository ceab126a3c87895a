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

/**
 * Which of `shards` (0 to shards - 1) a key belongs to: the one whose hash with the key is highest. When a shard is added only
 * the keys that go to it move; when the last is taken away only its own move. Keys scatter as dice do: of 100 shards with a
 * hundred keys each, one has 130.
 * @see https://en.wikipedia.org/wiki/Rendezvous_hashing
 */
export const rendezvous = (key: string, shards: number): number => {
  const hash = stableHash(key);
  let best = 0;
  for (let shard = 1; shard < shards; shard += 1) if (weight(hash, shard) > weight(hash, best)) best = shard;
  return best;
};

/** How far from its part a shard may be, by {@link evenRendezvous}. */
const slack = 0.05;

type Placed = { readonly key: string; readonly size: number; readonly hash: number; shard: number; weight: number };

/** What this one of `of` shards may hold if they may hold `all` together: rounded up for some, so that few bounds change at once. */
const part = (all: number, shard: number, of: number): number =>
  Math.floor(all / of + ((shard * 0.618_033_988_749_895) % 1));

/** One shard more: it takes keys from those that were there, in the order of its weight to them. */
const addShard = (all: readonly Placed[], loads: number[], [least, most]: readonly [number, number]): void => {
  const added = loads.push(0) - 1;
  const above = loads.map((load, shard) => load - part(most, shard, loads.length));
  const spare = loads.map((load, shard) => load - part(least, shard, loads.length));
  for (const one of all) one.weight = weight(one.hash, added);
  const fair = (1 - 1 / loads.length) * 2 ** 32;
  const take = (from: number, may: (one: Placed) => boolean, until: number): void => {
    const wanted = all.filter((one) => one.weight >= from && one.shard !== added && may(one));
    for (const one of wanted.sort((left, right) => right.weight - left.weight)) {
      if ((loads[added] ?? 0) >= until || !may(one)) continue;
      for (const left of [loads, above, spare]) left[one.shard] = (left[one.shard] ?? 0) - one.size;
      loads[added] = (loads[added] ?? 0) + one.size;
      one.shard = added;
    }
  };
  const mustGo = ({ shard, size }: Placed) => (above[shard] ?? 0) >= size;
  // Leaves its shard below the bound. Later than those, or one shard gives too much and the next finds no room.
  const shouldGo = ({ shard, size }: Placed) => (above[shard] ?? 0) > 0 && (loads[shard] ?? 0) > size;
  const mayGo = ({ shard, size }: Placed) => (spare[shard] ?? 0) >= size;
  const [enough, full] = [part(least, added, loads.length), part(most, added, loads.length)];
  // Who has to go, who goes by the dice, who is asked to. Each is mostly among the likeliest, which are quickly sorted.
  for (const may of [mustGo, shouldGo])
    for (const from of [2 * fair - 2 ** 32, 0]) if (above.some((load) => load > 0)) take(from, may, full);
  take(fair, mayGo, full);
  for (const from of [2 * fair - 2 ** 32, 0]) if ((loads[added] ?? 0) < enough) take(from, mayGo, enough);
};

/**
 * The same with bounded loads: each shard is within 5 % of its part of all sizes (to the next whole number, and to a key's size
 * where sizes differ). Shards are added one after the other: each takes the keys that dice would give it, more from shards that
 * would be too large, none from those that would be too small. So a new shard moves at most 1.05 times its part, all of it to
 * itself, and the order of the keys does not matter. A key that comes, goes or grows may move a few others; bounds that follow
 * the total in steps keep them few.
 * @see https://arxiv.org/abs/1406.2294 for jump consistent hashing, and https://arxiv.org/abs/1608.01350 for bounded loads
 */
export const evenRendezvous = (sizes: ReadonlyMap<string, number>, shards: number): ReadonlyMap<string, number> => {
  let total = 0;
  for (const size of sizes.values()) total += size;
  const step = 2 ** Math.floor(Math.log2(Math.max(1, total)) - 6);
  const bounds = [
    Math.ceil((total * (1 - slack)) / step) * step,
    Math.floor((total * (1 + slack)) / step) * step,
  ] as const;
  const all = [...sizes]
    .map(([key, size]): Placed => ({ key, size, hash: stableHash(key), shard: 0, weight: 0 }))
    .sort((one, other) => one.hash - other.hash || (one.key < other.key ? -1 : 1));
  const loads = [total];
  while (loads.length < shards) addShard(all, loads, bounds);
  return new Map(all.map(({ key, shard }) => [key, shard]));
};
