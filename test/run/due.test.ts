import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { due, offsetOf } from '../../src/run/due.ts';
import { exampleCheck } from './example.ts';

const checks = Array.from({ length: 200 }, (_, index) => exampleCheck({ name: `target-${index}` }));
const noon = 1_700_006_400_000;

test('due: in one interval every check is due once, at its own offset', () => {
  const found = due(checks, { from: noon, to: noon + 60_000 });
  assert.equal(new Set(found.map(({ check }) => check.id)).size, checks.length);
  assert.equal(found.length, checks.length);
  for (const { check, at } of found) assert.equal(at % 60_000, offsetOf(check));
});

test('due: the times are in order and spread over the interval', () => {
  const times = due(checks, { from: noon, to: noon + 60_000 }).map(({ at }) => at - noon);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  for (let second = 0; second < 60; second += 10)
    assert.ok(times.filter((time) => time >= second * 1_000 && time < (second + 10) * 1_000).length > 10);
});

test('due: windows side by side miss nothing and repeat nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(90_000), { maxLength: 6 }), (cuts) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), 90_000].map((edge) => noon + edge);
      const parts = edges.slice(1).flatMap((to, index) => due(checks.slice(0, 20), { from: edges[index] ?? 0, to }));
      const whole = due(checks.slice(0, 20), { from: noon, to: noon + 90_000 });
      assert.deepEqual(
        parts.map(({ check, at }) => [check.id, at]).sort(),
        whole.map(({ check, at }) => [check.id, at]).sort(),
      );
    }),
    { numRuns: 30 },
  );
});

test('due: offsets never change, and differ by vantage and by instance', () => {
  const [check] = checks;
  assert.ok(check !== undefined);
  assert.equal(offsetOf(check), 48_399);
  const elsewhere = { ...check, vantage: { ...check.vantage, name: 'us-east-1' } };
  assert.notEqual(offsetOf(elsewhere), offsetOf(check));
  assert.notEqual(offsetOf({ ...check, instance: 'tcp://target-0.example.com:443' }), offsetOf(check));
});

test('due: an empty window has nothing', () => {
  assert.deepEqual(due(checks, { from: noon, to: noon }), []);
});
