import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProbeOutcome } from '../../../src/net/icmp/engine.ts';
import { type FindOptions, findPath } from '../../../src/net/icmp/find-path.ts';

// What real routers answer is shown in test/lab; here each network that may be is searched.

const hop = (ttl: number): ProbeOutcome => ({
  kind: 'hop',
  from: `10.0.0.${ttl}`,
  rtt: 0.001,
  clock: 'kernel',
  hopLimit: 60,
});
const reply: ProbeOutcome = {
  kind: 'reply',
  from: '192.0.2.1',
  rtt: 0.001,
  clock: 'kernel',
  hopLimit: 60,
  via: 'echo',
};
const silence: ProbeOutcome = { kind: 'timeout' };

/** Searches a path of `length` hops, some of which are silent; `loss` gives which packets are lost. */
const search = async (
  length: number | undefined,
  silent: ReadonlySet<number>,
  options: Partial<FindOptions> = {},
  isLost: (packet: number) => boolean = () => false,
) => {
  let packets = 0;
  const send = async (ttl: number): Promise<ProbeOutcome> => {
    packets += 1;
    if (isLost(packets)) return silence;
    if (length !== undefined && ttl >= length) return reply;
    return silent.has(ttl) || length === undefined ? silence : hop(ttl);
  };
  const sleep = () => new Promise<void>((resolve) => setImmediate(resolve));
  const found = await findPath(
    { firstTtl: 1, maxHops: 30, replyTimeoutMs: 1, knownLength: undefined, ...options },
    { send, sleep, signal: new AbortController().signal },
  );
  return { ...found, packets };
};

const from = (first: number, last: number) =>
  new Set(Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index));

test('find-path: a target is found at its distance, whichever hops are silent, within a bounded number of packets', async () => {
  const networks = fc.tuple(fc.integer({ min: 1, max: 30 }), fc.array(fc.integer({ min: 1, max: 30 })), fc.boolean());
  await fc.assert(
    fc.asyncProperty(networks, async ([length, gaps, isKnown]) => {
      const { last, isReached, packets } = await search(length, new Set(gaps), isKnown ? { knownLength: length } : {});
      assert.deepEqual([last, isReached], [length, true]);
      assert.ok(packets <= 30 + 6, `${packets} packets`);
    }),
    { numRuns: 500 },
  );
});

test('find-path: a target behind nothing but silence is found with at most 15 packets more', async () => {
  for (let length = 7; length <= 30; length += 1) {
    const { last, isReached, packets } = await search(length, from(1, 29));
    assert.deepEqual([last, isReached], [length, true]);
    assert.ok(packets <= 6 + 15, `${length}: ${packets} packets`);
  }
});

test('find-path: a target that does not answer is silent after three packets with the full time to live', async () => {
  const { last, isReached, isLoop, packets } = await search(undefined, new Set());
  assert.deepEqual([last, isReached, isLoop, packets], [1, false, false, 6 + 3]);
  assert.equal((await search(undefined, new Set(), { knownLength: 9 })).last, 9);
});

test('find-path: one lost packet with the full time to live is no silence', async () => {
  for (const lost of [7, 8])
    assert.equal((await search(12, from(1, 11), {}, (packet) => packet === lost)).isReached, true);
});

test('find-path: a lost answer makes the distance too great at worst, never too small', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 7, max: 30 }), fc.integer({ min: 8, max: 25 }), async (length, lost) => {
      const { last } = await search(length, from(1, 29), {}, (packet) => packet === lost);
      assert.ok(last >= length && last <= 30, `${last}`);
    }),
  );
});

test('find-path: the search ends when the run does', async () => {
  const controller = new AbortController();
  let packets = 0;
  const send = async (): Promise<ProbeOutcome> => {
    packets += 1;
    controller.abort();
    return silence;
  };
  const options = { firstTtl: 1, maxHops: 30, replyTimeoutMs: 1, knownLength: undefined };
  const found = await findPath(options, { send, sleep: async () => {}, signal: controller.signal });
  assert.deepEqual([found.isReached, packets], [false, 6]);
});
