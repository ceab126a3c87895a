import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readEvent } from '../../src/lambda/event.ts';

const slot = '2026-11-23T09:00:00Z';

test('event: shard, slot and window, as numbers or as the text that a schedule sends', () => {
  const expected = { shard: { index: 1, of: 3 }, slot: Date.parse(slot), windowMs: 60_000, id: 'a', attempt: 1 };
  assert.deepEqual(readEvent({ shard: 1, of: 3, slot, id: 'a', attempt: 1 }), { ok: true, event: expected });
  assert.deepEqual(readEvent({ shard: '1', of: '3', slot: Date.parse(slot) / 1_000, id: 'a' }), {
    ok: true,
    event: expected,
  });
  assert.deepEqual(readEvent({ slot: String(Date.parse(slot) / 1_000), window: '5' }), {
    ok: true,
    event: { shard: { index: 0, of: 1 }, slot: Date.parse(slot), windowMs: 5_000, id: undefined, attempt: 1 },
  });
});

test('event: which try it is, is read where it makes sense', () => {
  const attempt = (value: unknown) => {
    const read = readEvent({ slot, attempt: value });
    return read.ok ? read.event.attempt : read.problem;
  };
  assert.deepEqual(['2', 3, 'x', undefined, -1.5].map(attempt), [2, 3, 1, 1, 1]);
});

test('event: a wrong shape is told by its key and what to write', () => {
  const problem = (value: unknown) => {
    const read = readEvent(value);
    return read.ok ? assert.fail(JSON.stringify(value)) : read.problem;
  };
  for (const value of [undefined, null, 5, 'x', []]) assert.match(problem(value), /^the event is no object; send/);
  for (const shards of [0, -1, 1.5, 'many', 501, {}]) assert.match(problem({ of: shards, slot }), /^of: write/);
  for (const shard of [3, -1, 'x', 0.5])
    assert.match(problem({ shard, of: 3, slot }), /^shard: write a whole number from 0 to 2/);
  for (const wrong of [undefined, '', 'now', 'yesterday', Date.parse(slot), -1, {}, '2026-13-45T00:00:00Z'])
    assert.match(problem({ slot: wrong }), /^slot: write/, String(wrong));
  for (const window of [0, -5, 'x', 1e9]) assert.match(problem({ slot, window }), /^window: write/);
  assert.match(problem({ slot, id: 5 }), /^id: write/);
});

test('event: whatever comes, it is read or told, in one line', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const read = readEvent(value);
      assert.ok(read.ok || !read.problem.includes('\n'));
    }),
  );
});
