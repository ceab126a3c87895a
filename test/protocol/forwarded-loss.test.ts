import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addRun, forwardedLosses, type HopCount } from '../../src/protocol/forwarded-loss.ts';

/** Numbers from 0 to 1 that are the same in each run of the test (mulberry32). */
const randomFrom = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};

/** The mean over many checks of eight runs of ten rounds each; `own` is what routers do not answer though they pass it on. */
const meanOf = (truth: readonly number[], own: readonly number[] = []): number[] => {
  const random = randomFrom(1);
  const checks = 400;
  const runs = 8;
  const sums = truth.map(() => 0);
  for (let check = 0; check < checks; check += 1) {
    let counts: readonly HopCount[] = [];
    for (let run = 0; run < runs; run += 1) {
      counts = truth.map((loss, index) => {
        const answered = (1 - loss) * (1 - (own[index] ?? 0));
        let received = 0;
        for (let round = 0; round < 10; round += 1) if (random() < answered) received += 1;
        return addRun(counts[index], { sent: 10, received });
      });
      for (const [index, loss] of forwardedLosses(counts).entries()) sums[index] = (sums[index] ?? 0) + loss;
    }
  }
  return sums.map((sum) => sum / checks / runs);
};

for (const [name, truth, own] of [
  ['behind the second hop', [0, 0, 0.2, 0.2, 0.2, 0.2, 0.2], []],
  ['before the first hop', [0.2, 0.2, 0.2, 0.2], []],
  ['at the target alone', [0, 0, 0, 0, 0.2], []],
  ['behind the second of fifteen hops', [0, 0, ...new Array<number>(13).fill(0.2)], []],
  ['behind a router that answers half', [0, 0.2, 0.2, 0.2, 0.2, 0.2], [0, 0, 0.5]],
  ['nowhere, behind a router that answers a tenth', [0, 0, 0, 0], [0, 0.9]],
] as const)
  test(`forwarded-loss: a loss of a fifth ${name} is measured without bias, over runs of ten rounds`, () => {
    for (const [index, mean] of meanOf(truth, own).entries())
      assert.ok(Math.abs(mean - (truth[index] ?? 0)) < 0.02, `hop ${index + 1}: ${mean}`);
  });

const count = (sent: number, received: number): HopCount => ({ sent, received });

test('forwarded-loss: routers that never answer lose nothing of what hops behind them answer', () => {
  assert.deepEqual(forwardedLosses([count(1, 1), count(1, 0), count(1, 1)]), [0, 0, 0]);
  assert.deepEqual(forwardedLosses([count(10, 10), count(10, 0), count(10, 0), count(10, 8)]), [0, 0.2, 0.2, 0.2]);
});

test('forwarded-loss: behind the last hop that answers all is lost, and unknown where nothing was sent', () => {
  assert.deepEqual(forwardedLosses([count(10, 10), count(10, 0)]), [0, 1]);
  assert.deepEqual(forwardedLosses([count(0, 0), count(0, 0)]), [1, 1]);
  assert.deepEqual(forwardedLosses([]), []);
});

test('forwarded-loss: a loss that begins or ends counts at once, and a small one is averaged', () => {
  const good = count(50, 50);
  assert.deepEqual(addRun(good, count(10, 0)), count(10, 0));
  assert.deepEqual(addRun(count(50, 0), count(10, 10)), count(10, 10));
  assert.deepEqual(addRun(good, count(10, 9)), count(55, 54));
  assert.deepEqual(addRun(undefined, good), good);
});
