import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../src/kernel/duration.ts';

test('duration: what Prometheus and Go write is read as milliseconds', () => {
  assert.equal(parseDuration('30s'), 30_000);
  assert.equal(parseDuration('1m30s'), 90_000);
  assert.equal(parseDuration('1.5s'), 1_500);
  assert.equal(parseDuration('250ms'), 250);
  assert.equal(parseDuration('1h'), 3_600_000);
  assert.equal(parseDuration('30d'), 2_592_000_000);
  assert.equal(parseDuration('0'), 0);
});

test('duration: anything else is refused', () => {
  for (const text of ['', '5', '-1s', 's', '1 s', '1s ', '1x', '1e3s', '١s', '1s;2s']) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test('duration: every number of milliseconds can be written and read back', () => {
  fc.assert(fc.property(fc.nat({ max: 10 ** 9 }), (ms) => parseDuration(formatDuration(ms)) === ms));
});
