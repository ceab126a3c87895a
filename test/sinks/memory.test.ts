import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauge } from '../../src/kernel/metric.ts';
import type { Sample } from '../../src/kernel/sample.ts';
import { memory } from '../../src/sinks/memory.ts';

const metric = gauge('probe_success', 'Whether the probe succeeded.');
const sample = (name: string, at: number, value: Sample['value']): Sample => ({
  series: {
    metric,
    labels: [['name', name]],
  },
  at,
  value,
});

test('memory: the latest sample of each series is kept, whatever the order they come in', async () => {
  await using sink = memory();
  await sink.put([sample('shop', 2_000, 0), sample('blog', 1_000, 1)], new AbortController().signal);
  await sink.put([sample('shop', 1_000, 1)], new AbortController().signal);
  assert.deepEqual(
    sink.latest().map(({ at, value }) => [at, value]),
    [
      [2_000, 0],
      [1_000, 1],
    ],
  );
});

test('memory: a series that ended is gone, unless a newer sample began it anew', async () => {
  await using sink = memory();
  await sink.put([sample('shop', 1_000, 1), sample('blog', 3_000, 1)], new AbortController().signal);
  await sink.put([sample('shop', 2_000, 'stale'), sample('blog', 2_000, 'stale')], new AbortController().signal);
  assert.deepEqual(
    sink.latest().map(({ series }) => series.labels[0]),
    [['name', 'blog']],
  );
});
