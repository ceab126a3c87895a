import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jitter, lossRatio, percentText, sampleDeviation, statisticsOf, sumOf } from '../../src/protocol/statistics.ts';

test('statistics: of one to ten', () => {
  const said = statisticsOf([2, 4, 4, 4, 5, 5, 7, 9]);
  assert.deepEqual(said, { best: 2, mean: 5, median: 4.5, worst: 9, deviation: 2, jitter: 1 });
  assert.equal(sampleDeviation([2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7));
});

test('statistics: nothing has none, and one round trip has no spread', () => {
  assert.equal(statisticsOf([]), undefined);
  assert.deepEqual(statisticsOf([3]), { best: 3, mean: 3, median: 3, worst: 3, deviation: 0, jitter: 0 });
  assert.equal(sampleDeviation([3]), 0);
});

test('statistics: one outlier does not move the jitter', () => {
  assert.equal(jitter([1, 2, 1, 2, 1, 2, 100, 2, 1, 2, 1]), 1);
  assert.equal(jitter([5, 5, 5]), 0);
});

test('statistics: best, median, mean and worst are in order, and no spread is negative', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 1 }), (rtts) => {
      const said = statisticsOf(rtts);
      assert.ok(said !== undefined);
      const slack = 1e-9;
      assert.ok(said.best <= said.median && said.median <= said.worst);
      assert.ok(said.best <= said.mean + slack && said.mean <= said.worst + slack);
      assert.ok(said.deviation >= 0 && said.jitter >= 0 && said.jitter <= said.worst - said.best + slack);
      assert.ok(sumOf(rtts) >= said.worst);
    }),
  );
});

test('statistics: loss is divided once, so that 8 of 10 reaches a limit of 0.2', () => {
  assert.equal(lossRatio(10, 8), 0.2);
  for (let sent = 1; sent <= 100; sent += 1)
    for (let received = 0; received <= sent; received += 1)
      assert.equal(lossRatio(sent, received), (sent - received) / sent);
  assert.deepEqual([lossRatio(4, 5), lossRatio(4, 0), lossRatio(0, 0)], [0, 1, 1]);
});

test('statistics: percent has no digits of floating point', () => {
  assert.deepEqual([0.07, 0.29, 1 / 3, 0, 1].map(percentText), ['7 %', '29 %', '33.3333333333 %', '0 %', '100 %']);
});
