import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, type Reason } from '../../src/kernel/reason.ts';
import { hasShown, lateness } from '../../src/run/lateness.ts';

const second = 1_000;

test('lateness: a run that was late by others for more than half of its limit is starved', () => {
  assert.equal(lateness(0.4, second, { own: 0, all: 0 }), undefined);
  assert.equal(lateness(0.6, second, { own: 0, all: 0 }), 'starved');
  assert.equal(lateness(0.6, second, { own: 2_000, all: 2_000 }), 'starved');
});

test('lateness: what the target sent itself does not excuse it, be it late by CPU or by a busy loop', () => {
  assert.equal(lateness(1, second, { own: 500e6, all: 500e6 }), undefined);
  assert.equal(lateness(1, second, { own: 50e6, all: 60e6 }), undefined);
});

test('lateness: a flood beside a run starves the run, and not the one that floods', () => {
  assert.equal(lateness(1, second, { own: 40_000, all: 800e6 }), 'starved');
  assert.equal(lateness(1, second, { own: 800e6, all: 800e6 + 40_000 }), undefined);
});

test('lateness: a large body on a machine that is busy with other things is no flood of its own', () => {
  assert.equal(lateness(1, 10 * second, { own: 9e6, all: 9e6 }), undefined, 'not late for half of its limit');
  assert.equal(lateness(9, 10 * second, { own: 9e6, all: 9e6 }), 'starved');
});

test('lateness: of many that flood each is excused by the others, and says so', () => {
  assert.equal(lateness(1, second, { own: 50e6, all: 500e6 }), 'flooded');
});

test('lateness: a status, a version and a header stand, whatever time the rest took; silence does not', () => {
  const outcome = (...reasons: Reason[]) => ({
    facts: {},
    failures: reasons.map((reason) => failure(reason, 'check', '')),
  });
  assert.ok(hasShown(outcome('timeout', 'http_status')));
  assert.ok(hasShown(outcome('ssl_missing')));
  // A body that was not read whole may still have what was looked for.
  for (const reason of ['timeout', 'body_mismatch', 'dns_timeout', 'no_reply', 'packet_loss'] as const)
    assert.ok(!hasShown(outcome(reason)), reason);
  assert.ok(!hasShown(outcome()));
});
