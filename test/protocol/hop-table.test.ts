import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Hop, hopViews, isLoop, isSamePath, mergePaths, pathHash, pathOf } from '../../src/protocol/hop-table.ts';

const hop = (ttl: number, sent: number, ...from: string[]): Hop => ({
  ttl,
  sent,
  late: 0,
  found: undefined,
  answers: from.map((address) => ({ from: address, rtt: 0.001 * ttl })),
});

test('hop-table: a router that answers seldom forwards all, one that drops is where the loss begins', () => {
  const views = hopViews([hop(1, 4, 'a', 'a', 'a', 'a'), hop(2, 4, 'b'), hop(3, 4, 'c', 'c'), hop(4, 4, 'd', 'd')]);
  assert.deepEqual(
    views.map(({ loss, forwardedLoss }) => [loss, forwardedLoss]),
    [
      [0, 0],
      [0.75, 0.5],
      [0.5, 0.5],
      [0.5, 0.5],
    ],
  );
});

test('hop-table: a hop is whoever answers most, and at a tie whoever it was before', () => {
  const hops = [hop(1, 4, 'a', 'b', 'b', 'c'), hop(2, 2, 'x', 'y'), hop(3, 2)];
  assert.deepEqual(pathOf(hopViews(hops)), ['b', 'x', '*']);
  assert.deepEqual(pathOf(hopViews(hops, ['c', 'y', 'z'])), ['b', 'y', '*']);
  assert.deepEqual(hopViews(hops)[0]?.others, ['a', 'c']);
});

test('hop-table: a silent hop changes no path, another router does, another length does', () => {
  assert.ok(isSamePath(['a', '*', 'c'], ['a', 'b', '*']));
  assert.ok(!isSamePath(['a', 'b', 'c'], ['a', 'x', 'c']));
  assert.ok(!isSamePath(['a', 'b'], ['a', 'b', 'c']));
  assert.deepEqual(mergePaths(['a', '*', 'c'], ['a', 'b', '*']), ['a', 'b', 'c']);
});

test('hop-table: a path has a hash of 32 bits that depends on all hops', () => {
  // FNV-1a of the empty text and of "a", from the draft's test vectors.
  assert.equal(pathHash([]), 0x811c9dc5);
  assert.equal(pathHash(['a']), 0xe40c292c);
  assert.notEqual(pathHash(['a', 'b']), pathHash(['b', 'a']));
});

test('hop-table: two routers that take turns are a loop, one that answers for the next is none', () => {
  assert.ok(isLoop(['a', 'b', 'c', 'b', 'c']));
  assert.ok(isLoop(['a', 'a', 'a']));
  assert.ok(!isLoop(['a', 'b', 'b', 'c']));
  assert.ok(!isLoop([undefined, undefined, undefined]));
});

test('hop-table: loss stays within 0 and 1, and what is forwarded is never more than what is lost', () => {
  const hops = fc.array(fc.tuple(fc.nat(10), fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 10 })));
  fc.assert(
    fc.property(hops, (list) => {
      const views = hopViews(list.map(([sent, from], index) => hop(index + 1, sent, ...from)));
      for (const { loss, forwardedLoss, sent } of views) {
        assert.ok(loss >= 0 && loss <= 1 && forwardedLoss >= 0 && forwardedLoss <= 1);
        if (sent > 0) assert.ok(forwardedLoss <= loss);
      }
    }),
  );
});
