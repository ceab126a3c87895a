import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeOutcome } from '../../../src/net/icmp/engine.ts';
import { answerOf, answersForTarget } from '../../../src/net/icmp/path-answers.ts';

const hop = (from: string): ProbeOutcome => ({ kind: 'hop', from, rtt: 0.001, clock: 'kernel', hopLimit: 60 });
const refusal = (from: string, type: number, code: number, own = false): ProbeOutcome => ({
  kind: 'unreachable',
  from,
  type,
  code,
  rtt: 0.001,
  own,
});

test('path-answers: a closed port that an address of IPv4 reports for another is never the target', () => {
  assert.equal(answersForTarget(2, refusal('192.0.2.1', 3, 3), new Map([[1, hop('192.0.2.9')]])), false);
});

test('path-answers: over IPv6 it is the target from an address that is no router of the path, behind a known hop', () => {
  const other = refusal('2001:db8::5', 1, 4);
  const router = '2001:db8::1';
  for (const [ttl, outcome, before, expected] of [
    [2, other, [[1, hop(router)]], true],
    [1, other, [], true],
    // The firewall itself was the hop before.
    [2, other, [[1, hop('2001:db8::5')]], false],
    // It may have been: that hop is silent.
    [2, other, [], false],
    [2, refusal('2001:db8::5', 1, 1), [[1, hop(router)]], false],
    [2, refusal('2001:db8::5', 1, 4, true), [[1, hop(router)]], false],
  ] as const)
    assert.equal(answersForTarget(ttl, outcome, new Map([...before, [ttl, outcome]])), expected);
});

test('path-answers: what this host reports itself is the answer of no hop', () => {
  assert.equal(answerOf(refusal('192.0.2.1', 3, 1, true)), undefined);
  assert.deepEqual(answerOf(refusal('192.0.2.1', 3, 1)), { from: '192.0.2.1', rtt: 0.001 });
  assert.equal(answerOf(undefined), undefined);
});
