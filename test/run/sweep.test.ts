import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../src/kernel/run.ts';
import { marks } from '../../src/net/marks.ts';
import { checker } from '../../src/run/checker.ts';
import { pace } from '../../src/run/pace.ts';
import { sweep } from '../../src/run/sweep.ts';
import { emptyKit, exampleCheck, exampleProber } from './example.ts';

const parts = { kit: emptyKit, clock: marks() };
const checks = ['a', 'b', 'c', 'd'].map((name) => exampleCheck({ name }));

test('sweep: every check is run once, side by side, and reported as it ends', async () => {
  const { promise: lastBegan, resolve } = Promise.withResolvers<void>();
  let begun = 0;
  const example = exampleProber(async () => {
    begun += 1;
    if (begun === checks.length) resolve();
    await lastBegan;
    return { facts: {}, failures: [] };
  });
  const seen: Run[] = [];
  await sweep(checks, {
    checker: checker({ ...parts, probers: { example } }),
    pace: pace({ share: 1 }),
    signal: new AbortController().signal,
    onChecked: ({ run }) => seen.push(run),
  });
  assert.deepEqual(
    seen.map(({ check }) => check.target.name),
    ['a', 'b', 'c', 'd'],
  );
});

test('sweep: when the signal fires no more are started and the running ones are void', async () => {
  const stop = new AbortController();
  const example = exampleProber(async (context) => {
    stop.abort();
    await context.sleep(3_600);
    return { facts: {}, failures: [] };
  });
  const seen: Run[] = [];
  await sweep(checks, {
    checker: checker({ ...parts, probers: { example } }),
    pace: pace({ share: 1 }),
    signal: stop.signal,
    onChecked: ({ run }) => seen.push(run),
  });
  assert.deepEqual(
    seen.map(({ check, outcome }) => [check.target.name, outcome.void]),
    [['a', 'stopped']],
  );
});

test('sweep: a check that may not start is left out, and those after it are started', async () => {
  const example = exampleProber(async () => ({ facts: {}, failures: [] }));
  const seen: string[] = [];
  const started = await sweep(checks, {
    checker: checker({ ...parts, probers: { example } }),
    pace: pace({ share: 1 }),
    signal: new AbortController().signal,
    onChecked: ({ run }) => seen.push(run.check.target.name),
    mayStart: ({ target }) => target.name !== 'c',
  });
  assert.equal(started, 3);
  assert.deepEqual(seen.sort(), ['a', 'b', 'd']);
});
