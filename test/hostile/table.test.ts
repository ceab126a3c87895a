import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reasons } from '../../src/kernel/reason.ts';
import type { BatchResult } from './batch.ts';
import { bars, judgePeer, problemsOf } from './judge.ts';
import { batchesOf } from './suite.ts';
import { hostilePeers, peerNamed } from './table.ts';

test('hostile: the table holds more than a hundred peers, each with a name of its own and verdicts that exist', () => {
  assert.ok(hostilePeers.length >= 100, `${hostilePeers.length} peers`);
  assert.equal(new Set(hostilePeers.map(({ name }) => name)).size, hostilePeers.length);
  for (const { name, expect, serve, manners } of hostilePeers) {
    assert.ok(expect.length > 0, name);
    assert.notEqual(serve === undefined, manners === undefined, `${name} needs a server or manners`);
    for (const reason of expect.flatMap((verdict) => verdict.split('+')))
      assert.ok(reason === 'good' || Object.hasOwn(reasons, reason), `${name}: ${reason}`);
    // Reasons of a run are joined in the order of the alphabet; another order would never be met.
    for (const verdict of expect) assert.equal(verdict.split('+').toSorted().join('+'), verdict, name);
    assert.ok(!expect.some((verdict) => verdict.split('+').includes('unexpected')), name);
  }
});

test('hostile: every group has peers, and each is in exactly one batch', () => {
  const groups = new Set(hostilePeers.map(({ group }) => group));
  assert.deepEqual([...groups].toSorted(), ['body', 'dns', 'http/1.1', 'http/2', 'icmp', 'tcp', 'tls']);
  const batches = batchesOf(hostilePeers, { size: 10, separately: true });
  assert.deepEqual(
    batches
      .flat()
      .map(({ name }) => name)
      .toSorted(),
    hostilePeers.map(({ name }) => name).toSorted(),
  );
  for (const batch of batches) {
    if (batch.some(({ alone }) => alone === true)) assert.equal(batch.length, 1);
    if (batch.some(({ manners }) => manners !== undefined))
      assert.ok(batch.every(({ manners }) => manners !== undefined));
  }
});

const result = (different: Partial<BatchResult>): BatchResult => ({
  names: ['tcp-honest'],
  runs: { 'tcp-honest--0': [] },
  canary: { runs: [1, 2, 3].map((at) => ({ at, verdict: 'good', doubt: 0.001 })), expected: 3 },
  heldMs: 10,
  lateMs: 10,
  peakMegabytes: 100,
  skipped: 0,
  escaped: 0,
  said: '',
  blackbox: {},
  ...different,
});
const baseline = { heldMs: 10, lateMs: 10, peakMegabytes: 100, doubtMs: 1 };

test('hostile: a disturbed canary, a held loop, too much memory, an escaped error and a crash are each a problem', () => {
  assert.deepEqual(problemsOf(result({}), baseline), []);
  const one = (different: Partial<BatchResult>, why: RegExp) => {
    const problems = problemsOf(result(different), baseline);
    assert.equal(problems.length, 1, String(problems));
    assert.match(problems[0] ?? '', why);
  };
  one({ exit: 'ended by itself with 1' }, /ended by itself/);
  one({ canary: { runs: [], expected: 3 } }, /0 runs instead of 3/);
  one(
    {
      canary: { runs: [1, 2, 3].map((at) => ({ at, verdict: at === 2 ? 'timeout' : 'good', doubt: 0 })), expected: 3 },
    },
    /fails: timeout/,
  );
  one({ canary: { runs: [1, 2, 3].map((at) => ({ at, verdict: 'good', doubt: 0.2 })), expected: 3 } }, /doubt is 200/);
  one({ heldMs: baseline.heldMs + bars.heldMs + 1 }, /was held/);
  one({ peakMegabytes: bars.peakMegabytes + 1 }, /held 129 MB/);
  one({ escaped: 1 }, /escaped/);
});

test('hostile: a peer is right when all its runs have a verdict of its row, and silence is not', () => {
  const peer = peerNamed('tcp-honest');
  const run = (verdict: string) => ({ at: 0, verdict, doubt: 0 });
  const judged = (...verdicts: string[]) => judgePeer(peer, result({ runs: { 'tcp-honest': verdicts.map(run) } }));
  assert.equal(judged('good', 'good').ok, true);
  assert.equal(judged('good', 'timeout').ok, false);
  assert.equal(judged().ok, false);
  assert.equal(judged().verdict, 'silence');
});
