import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Baseline } from './judge.ts';
import { installed } from './program.ts';
import { baselineOf, batchesOf, blamedFor, runGroup, type SuiteOptions } from './suite.ts';
import { hostilePeers } from './table.ts';

// The share of `npm run hostile` that goes with the tests: the installed agent, the peers marked `inTests` and those below, many at a time.

/** What once ended the process, or was a success. */
const once = new Set([
  'bad-key-in-chain',
  'redirect-to-bad-key',
  'endless-status',
  'endless-headers',
  'trailer-flood',
  'reset-without-length',
  'trickle-without-length',
  'stall-without-length',
  'gzip-cut',
  'h2-rst-no-error',
  'unsealed-data',
]);
const peers = hostilePeers.filter(({ name, inTests }) => inTests === true || once.has(name));
const batch = { seconds: 4, size: 16, separately: false };
let program: Awaited<ReturnType<typeof installed>>;
let baseline: Baseline;
let options: SuiteOptions;

before(async () => {
  program = await installed();
  options = { program: program.words, ...batch };
  baseline = await baselineOf(options);
});
after(() => program[Symbol.asyncDispose]());

test('hostile: the share of the tests has peers of every group but ICMP', () => {
  const groups = new Set(peers.map(({ group }) => group));
  assert.deepEqual([...groups].toSorted(), ['body', 'dns', 'http/1.1', 'http/2', 'tcp', 'tls']);
  assert.ok(peers.length >= 50, `${peers.length} peers`);
});

for (const group of batchesOf(peers, batch)) {
  const [first, last] = [group.at(0)?.name, group.at(-1)?.name];
  test(`hostile: peers from ${first} to ${last} have the verdicts of the table, and cost a canary neither runs nor time`, async (t) => {
    const report = await runGroup(group, baseline, options);
    const { heldMs, peakMegabytes, canary } = report.result;
    t.diagnostic(`canary ${canary.runs.length} of ${canary.expected}, loop held ${heldMs.toFixed(1)} ms`);
    t.diagnostic(`${peakMegabytes.toFixed(0)} MB, ${baseline.peakMegabytes.toFixed(0)} MB without the peers`);
    const wrong = report.judged.filter(({ ok }) => !ok);
    const blamed = await blamedFor(report, baseline, options);
    assert.deepEqual({ wrong, problems: report.problems, blamed }, { wrong: [], problems: [], blamed: [] });
  });
}
