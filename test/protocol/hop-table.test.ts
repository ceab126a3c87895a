import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Hop, hopViews, isLoop, pathHash, pathOf } from '../../src/protocol/hop-table.ts';

const hop = (ttl: number, sent: number, ...from: string[]): Hop => ({
  ttl,
  sent,
  late: 0,
  found: undefined,
  answers: from.map((address) => ({ from: address, rtt: 0.001 * ttl })),
});

const answers = (count: number, from: string) => new Array<string>(count).fill(from);

test('hop-table: a router that answers seldom forwards all, one that drops is where the loss begins', () => {
  const views = hopViews([
    hop(1, 40, ...answers(40, 'a')),
    hop(2, 40, ...answers(4, 'b')),
    hop(3, 40, ...answers(20, 'c')),
    hop(4, 40, ...answers(20, 'd')),
  ]);
  assert.deepEqual(
    views.map(({ loss, forwardedLoss }) => [loss, forwardedLoss]),
    [
      [0, 0],
      [0.9, 0.5],
      [0.5, 0.5],
      [0.5, 0.5],
    ],
  );
});

test('hop-table: a hop to which nothing was sent has a loss of 1, and eight of ten are 0.2', () => {
  const views = hopViews([hop(1, 10, ...answers(8, 'a')), hop(2, 0)]);
  assert.deepEqual(
    views.map(({ loss }) => loss),
    [0.2, 1],
  );
});

test('hop-table: a hop is the address that answers most, unless it keeps a name', () => {
  const hops = [hop(1, 4, 'a', 'b', 'b', 'c'), hop(2, 2, 'x', 'y'), hop(3, 2)];
  assert.deepEqual(pathOf(hopViews(hops)), ['b', 'x', '*']);
  const [first, second] = hopViews(hops, { names: ['c', 'z'] });
  assert.deepEqual([first?.responder, first?.others], ['c', ['b', 'a']]);
  assert.deepEqual([second?.responder, second?.others], ['z', ['x', 'y']]);
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

test('hop-table: loss stays within 0 and 1, and a hop that lost nothing forwards all', () => {
  const hops = fc.array(fc.tuple(fc.nat(10), fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 10 })));
  fc.assert(
    fc.property(hops, (list) => {
      const views = hopViews(list.map(([sent, from], index) => hop(index + 1, sent, ...from)));
      for (const { loss, forwardedLoss, sent } of views) {
        assert.ok(loss >= 0 && loss <= 1 && forwardedLoss >= 0 && forwardedLoss <= 1);
        if (sent > 0 && loss === 0) assert.equal(forwardedLoss, 0);
      }
    }),
  );
});
