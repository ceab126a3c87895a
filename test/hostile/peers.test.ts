import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installed } from './program.ts';
import { baselineOf, batchesOf, blamedFor, runGroup, type SuiteOptions } from './suite.ts';
import { hostilePeers } from './table.ts';

// The share of `npm run hostile` that goes with the tests: the installed agent, the peers marked `inTests`, many at a time.

test('hostile: peers have the verdict of the table, and cost a canary beside them neither a run nor its truth', async (t) => {
  await using program = await installed();
  const options: SuiteOptions = { program: program.words, seconds: 5, size: 15, separately: false };
  const baseline = await baselineOf(options);
  t.diagnostic(
    `alone: loop held ${baseline.heldMs.toFixed(1)} ms, doubt ${baseline.doubtMs.toFixed(1)} ms, ${baseline.peakMegabytes.toFixed(0)} MB`,
  );
  const peers = hostilePeers.filter(({ inTests }) => inTests === true);
  assert.ok(peers.length >= 30, `${peers.length} peers`);
  for (const group of batchesOf(peers, options)) {
    const report = await runGroup(group, baseline, options);
    const { heldMs, peakMegabytes, canary } = report.result;
    t.diagnostic(
      `${group.length} peers: canary ${canary.runs.length}, loop held ${heldMs.toFixed(1)} ms, ${peakMegabytes.toFixed(0)} MB`,
    );
    const blamed = await blamedFor(report, baseline, options);
    assert.deepEqual({ problems: report.problems, blamed }, { problems: [], blamed: [] });
    const wrong = report.judged.filter(({ ok }) => !ok);
    assert.deepEqual(wrong, []);
  }
});
