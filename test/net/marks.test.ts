import assert from 'node:assert/strict';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { marks } from '../../src/net/marks.ts';

const burn = (ms: number) => {
  const end = performance.now() + ms;
  while (performance.now() < end);
};

test('marks: a callback that was held up by other work has a streak at least as long as the work', async () => {
  const mark = marks();
  mark();
  await wait(5);
  mark();
  const due = new Promise<number>((resolve) => setTimeout(() => resolve(mark().streak), 1));
  burn(40);
  assert.ok((await due) >= 0.039);
});

test('marks: an idle loop has a short streak', async () => {
  const mark = marks();
  mark();
  const streaks: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    await wait(10);
    streaks.push(mark().streak);
  }
  // One of nine, since a shared machine may stop any single callback.
  assert.ok(Math.min(...streaks) < 0.005);
});

test('marks: a process that was ready to run and was not let has a streak, though its loop took itself for idle', async () => {
  let waited = 0;
  const mark = marks(() => waited);
  mark();
  waited += 7;
  await wait(20);
  assert.ok(mark().streak >= 0.007);
  // What came before the loop was idle is over.
  waited += 60_000;
  await wait(20);
  assert.ok(mark().streak < 10);
});

test('marks: moments never go back', () => {
  const mark = marks();
  let last = 0;
  for (let i = 0; i < 1_000; i += 1) {
    const { at } = mark();
    assert.ok(at >= last);
    last = at;
  }
});

test('marks: they can be read before the loop has started and in a worker', async () => {
  const worker = new Worker(
    `import(${JSON.stringify(new URL('../../src/net/marks.ts', import.meta.url).href)}).then(({ marks }) => require('node:worker_threads').parentPort.postMessage(marks()().streak))`,
    { eval: true },
  );
  const [streak] = await once(worker, 'message');
  assert.ok(streak >= 0);
  await worker.terminate();
});
