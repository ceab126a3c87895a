import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rendezvous, stableHash } from '../../src/protocol/rendezvous.ts';

test('rendezvous: hashes never change, since shards in different places must agree', () => {
  const texts = ['', 'a', 'shop', 'https://www.example.com', 'ü'];
  assert.deepEqual(texts.map(stableHash), [2_872_998_923, 444_641_715, 24_760_265, 537_615_564, 3_244_136_902]);
  const keys = ['shop', 'orders-db', 'partner', 'www.example.com'];
  assert.deepEqual(
    keys.map((key) => rendezvous(key, 7)),
    [6, 1, 3, 4],
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

test('rendezvous: keys spread evenly: no shard of ten has more than a third above its part of 10,000', () => {
  const counts = new Array<number>(10).fill(0);
  for (let key = 0; key < 10_000; key += 1) {
    const shard = rendezvous(`target-${key}`, 10);
    counts[shard] = (counts[shard] ?? 0) + 1;
  }
  assert.ok(Math.max(...counts) < 1_333 && Math.min(...counts) > 667, String(counts));
});

test('rendezvous: one shard has everything', () => {
  fc.assert(fc.property(fc.string(), (key) => rendezvous(key, 1) === 0));
});
