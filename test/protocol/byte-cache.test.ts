import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteCache } from '../../src/protocol/byte-cache.ts';

test('byte cache: the value that was used least recently makes room for a new one', () => {
  const cache = byteCache<number>(64);
  for (let value = 0; value < 16; value += 1) cache.set(String(value), value, 4);
  assert.equal(cache.get('0'), 0);
  cache.set('new', 16, 4);
  assert.equal(cache.get('1'), undefined);
  assert.equal(cache.get('0'), 0);
  assert.equal(cache.bytes(), 64);
});

test('byte cache: a value larger than a sixteenth is not kept, and replaces what was there under its key', () => {
  const cache = byteCache<string>(160);
  cache.set('a', 'small', 10);
  cache.set('a', 'large', 11);
  assert.equal(cache.get('a'), undefined);
  assert.equal(cache.bytes(), 0);
});

test('byte cache: the sum of what is there never exceeds the limit, and the newest value is there', () => {
  const steps = fc.array(fc.record({ key: fc.integer({ min: 0, max: 20 }), bytes: fc.integer({ min: 0, max: 50 }) }));
  fc.assert(
    fc.property(steps, (all) => {
      const cache = byteCache<number>(400);
      const sizes = new Map<string, number>();
      for (const { key, bytes } of all) {
        cache.set(String(key), bytes, bytes);
        sizes.set(String(key), bytes);
        assert.equal(cache.get(String(key)), bytes > 25 ? undefined : bytes);
        let there = 0;
        for (const [known, size] of sizes) there += cache.get(known) === undefined ? 0 : size;
        assert.equal(cache.bytes(), there);
        assert.ok(cache.bytes() <= 400);
      }
    }),
  );
});
