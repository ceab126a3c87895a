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

const evenSharesOf = (keys: readonly string[], shards: number) => {
  const shares = evenRendezvous(new Map(keys.map((key) => [key, 1])), shards);
  return (key: string) => shares.get(key);
};

test('rendezvous: with bounded loads shards are within 5 % of even, and a new one moves at most 1.2 times its part', () => {
  for (const family of families)
    for (const shards of [2, 10, 50, 100, 200]) {
      const keys = keysOf(family);
      const loads = loadsOf(shards, evenSharesOf(keys, shards), keys);
      assert.ok(Math.max(...loads) <= Math.ceil((1.05 * keys.length) / shards), `${family} ${shards}: ${loads}`);
      assert.ok(Math.min(...loads) >= Math.floor((0.95 * keys.length) / shards), `${family} ${shards}: ${loads}`);
      const moved = movedPart(keys, shards, (n) => evenSharesOf(keys, n));
      assert.ok(moved <= 1.2, `${family} ${shards}: ${moved}`);
    }
});

test('rendezvous: with bounded loads a new shard takes keys from others and moves no other key', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 20 }), (keys, shards) => {
      const [before, after] = [evenSharesOf(keys, shards), evenSharesOf(keys, shards + 1)];
      for (const key of keys) assert.ok(after(key) === before(key) || after(key) === shards);
    }),
  );
});

test('rendezvous: with bounded loads few keys, or fewer than shards, are within the bounds too', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 150 }), (count, shards) => {
      const keys = keysOf('#', count);
      const loads = loadsOf(shards, evenSharesOf(keys, shards), keys);
      assert.ok(Math.max(...loads) <= Math.ceil((1.05 * count) / shards), `${loads}`);
      assert.ok(Math.min(...loads) >= Math.floor((0.95 * count) / shards), `${loads}`);
    }),
  );
});

test('rendezvous: with bounded loads a key that comes moves less than one in a hundred others', () => {
  for (const family of families) {
    const keys = keysOf(family);
    const before = evenSharesOf(keys, 100);
    for (const more of ['new', 'another', 'a third']) {
      const after = evenSharesOf([...keys, more], 100);
      const moved = keys.filter((key) => before(key) !== after(key)).length;
      assert.ok(moved < 100, `${family} ${more}: ${moved}`);
    }
  }
});

/** Large keys, of which the first shards gave so much to the last one that another stayed too large. */
const sizesWithOneFull: [string, number][] = [
  [' ', 7],
  ['', 4],
  ['$', 5],
  ['Q', 2],
  ['=', 7],
  ['%', 6],
  ['|', 7],
  [' F', 8],
  ['.', 1],
  ['l,(^!', 8],
];

test('rendezvous: with bounded loads every key has a shard, whatever the sizes and the order', () => {
  const sizes = fc.array(fc.tuple(fc.string(), fc.integer({ min: 1, max: 9 })), { maxLength: 60 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 12 }), (given, shards) => {
      const all = new Map(given);
      const shares = evenRendezvous(all, shards);
      assert.deepEqual(new Set(shares.keys()), new Set(all.keys()));
      for (const shard of shares.values()) assert.ok(shard >= 0 && shard < shards);
      const loads = new Array<number>(shards).fill(0);
      for (const [key, size] of all) loads[shares.get(key) ?? -1] = (loads[shares.get(key) ?? -1] ?? 0) + size;
      const part = [...all.values()].reduce((sum, size) => sum + size, 0) / shards;
      for (const load of loads)
        assert.ok(load <= Math.ceil(1.05 * part) + 9 && load >= Math.floor(0.95 * part) - 9, `${loads}`);
      assert.deepEqual(new Map([...evenRendezvous(new Map([...all].reverse()), shards)]), new Map([...shares]));
    }),
    { examples: [[sizesWithOneFull, 5]] },
  );
});

test('rendezvous: one shard has everything', () => {
  fc.assert(fc.property(fc.string(), (key) => rendezvous(key, 1) === 0));
});
