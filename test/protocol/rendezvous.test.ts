import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { evenRendezvous, rendezvous, stableHash } from '../../src/protocol/rendezvous.ts';

test('rendezvous: hashes never change, since shards in different places must agree', () => {
  const texts = ['', 'a', 'shop', 'https://www.example.com', 'ü'];
  assert.deepEqual(texts.map(stableHash), [2_872_998_923, 444_641_715, 24_760_265, 537_615_564, 3_244_136_902]);
  const keys = ['shop', 'orders-db', 'partner', 'www.example.com'];
  assert.deepEqual(
    keys.map((key) => rendezvous(key, 7)),
    [6, 6, 4, 3],
  );
});

test('rendezvous: a new shard takes keys from others and moves no other key', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (key, shards) => {
      const before = rendezvous(key, shards);
      const after = rendezvous(key, shards + 1);
      return after === before || after === shards;
    }),
  );
});

const families = ['https://www#.example.com/health', 'target-#', '#', 'prod/shop-#.svc:8080'];
const keysOf = (family: string, count = 10_000) =>
  Array.from({ length: count }, (_, index) => family.replace('#', String(index)));
const loadsOf = (shards: number, shardOf: (key: string) => number | undefined, keys: readonly string[]) => {
  const loads = new Array<number>(shards).fill(0);
  for (const key of keys) loads[shardOf(key) ?? -1] = (loads[shardOf(key) ?? -1] ?? 0) + 1;
  return loads;
};
const movedPart = (keys: readonly string[], shards: number, shardsOf: (n: number) => (key: string) => unknown) => {
  const [before, after] = [shardsOf(shards), shardsOf(shards + 1)];
  return (keys.filter((key) => before(key) !== after(key)).length / keys.length) * (shards + 1);
};

test('rendezvous: keys of all kinds scatter as dice do, and a new shard moves at most 1.2 times its part', () => {
  for (const family of families)
    for (const shards of [10, 20, 100]) {
      const keys = keysOf(family);
      const part = keys.length / shards;
      const loads = loadsOf(shards, (key) => rendezvous(key, shards), keys);
      // Four standard deviations, and more shards have more luck.
      for (const load of loads) assert.ok(Math.abs(load - part) < 4 * Math.sqrt(part), `${family} ${shards}: ${loads}`);
      assert.ok(movedPart(keys, shards, (n) => (key) => rendezvous(key, n)) < 1.2);
    }
});

test('rendezvous: with bounded loads no shard is more than 5 % above its part, and few keys move', () => {
  for (const family of families)
    for (const shards of [10, 50, 100, 200]) {
      const keys = keysOf(family);
      const sharesOf = (n: number) => {
        const shares = evenRendezvous(new Map(keys.map((key) => [key, 1])), n);
        return (key: string) => shares.get(key);
      };
      const loads = loadsOf(shards, sharesOf(shards), keys);
      assert.ok(Math.max(...loads) <= Math.ceil((1.05 * keys.length) / shards), `${family} ${shards}: ${loads}`);
      const moved = movedPart(keys, shards, sharesOf);
      assert.ok(moved <= (shards <= 50 ? 1.2 : 1.6), `${family} ${shards}: ${moved}`);
    }
});

test('rendezvous: with bounded loads every key has a shard, whatever the sizes and the order', () => {
  const sizes = fc.array(fc.tuple(fc.string(), fc.integer({ min: 1, max: 9 })), { maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 12 }), (given, shards) => {
      const all = new Map(given);
      const shares = evenRendezvous(all, shards);
      assert.deepEqual(new Set(shares.keys()), new Set(all.keys()));
      for (const shard of shares.values()) assert.ok(shard >= 0 && shard < shards);
      assert.deepEqual(new Map([...evenRendezvous(new Map([...all].reverse()), shards)]), new Map([...shares]));
    }),
  );
});

test('rendezvous: one shard has everything', () => {
  fc.assert(fc.property(fc.string(), (key) => rendezvous(key, 1) === 0));
});
