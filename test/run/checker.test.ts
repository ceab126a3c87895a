import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauge, point } from '../../src/kernel/metric.ts';
import { failure } from '../../src/kernel/reason.ts';
import type { Sample } from '../../src/kernel/sample.ts';
import { marks } from '../../src/net/marks.ts';
import type { Prober } from '../../src/net/prober.ts';
import { noteMessage } from '../../src/net/reads.ts';
import { checker } from '../../src/run/checker.ts';
import { catchEscapes } from '../../src/run/escapes.ts';
import { emptyKit, exampleCheck, exampleProber } from './example.ts';

const clock = marks();
const never = new AbortController().signal;
const check = exampleCheck();
const withProber = (example: Prober, now = () => 1_000) => checker({ probers: { example }, kit: emptyKit, clock, now });
const named = (samples: readonly Sample[], name: string) =>
  samples.filter(({ series }) => series.metric.name === name).map(({ value, at }) => [value, at]);

test('checker: with the samples of a run come those of the list', async () => {
  const { run } = withProber(exampleProber(async () => ({ facts: {}, failures: [] })));
  const { samples } = await run(check, never);
  assert.deepEqual(named(samples, 'probe_success'), [[1, 1_000]]);
  assert.deepEqual(named(samples, 'bothways_target_interval_seconds'), [[60, 1_000]]);
  const info = samples.find(({ series }) => series.metric.name === 'bothways_target_info');
  const labels = Object.fromEntries(info?.series.labels ?? []);
  assert.deepEqual(
    [labels.side, labels.quorum, labels.prober, labels.name],
    ['outside', 'majority', 'example', 'shop'],
  );
  assert.deepEqual(named(samples, 'bothways_target_slo_objective_ratio'), []);
});

test('checker: an objective travels as series', async () => {
  const { run } = withProber(exampleProber(async () => ({ facts: {}, failures: [] })));
  const promised = exampleCheck({ target: { slo: { objective: 0.999, windowMs: 86_400_000 } } });
  const { samples } = await run(promised, never);
  assert.deepEqual(named(samples, 'bothways_target_slo_objective_ratio'), [[0.999, 1_000]]);
  assert.deepEqual(named(samples, 'bothways_target_slo_window_seconds'), [[86_400, 1_000]]);
});

test('checker: a series that the next run does not have ends with a stale marker, once', async () => {
  let time = 0;
  let good = false;
  const { run } = withProber(
    exampleProber(async () => ({
      facts: {},
      failures: good ? [] : [failure('connect_refused', 'connect', 'refused')],
    })),
    () => (time += 1_000),
  );
  assert.deepEqual(named((await run(check, never)).samples, 'probe_failure_info'), [[1, 1_000]]);
  good = true;
  assert.deepEqual(named((await run(check, never)).samples, 'probe_failure_info'), [['stale', 2_000]]);
  assert.deepEqual(named((await run(check, never)).samples, 'probe_failure_info'), []);
});

test('checker: a void run says nothing and ends nothing', async () => {
  const stop = new AbortController();
  const { run } = withProber(exampleProber(async () => ({ facts: {}, failures: [] })));
  await run(check, never);
  stop.abort();
  assert.deepEqual((await run(check, stop.signal)).samples, []);
  assert.deepEqual(named((await run(check, never)).samples, 'probe_success'), [[1, 1_000]]);
});

test('checker: what is forgotten ends with stale markers, after its last samples and never twice', async () => {
  const { run, forget } = withProber(exampleProber(async () => ({ facts: {}, failures: [] })));
  const { samples } = await run(check, never);
  const markers = forget(check, 1_000);
  assert.equal(markers.length, samples.length);
  assert.ok(markers.every(({ value, at }) => value === 'stale' && at === 1_001));
  assert.deepEqual(forget(check, 2_000), []);
});

test('checker: a run that ends after its check was forgotten brings nothing back', async () => {
  const { promise: began, resolve: begin } = Promise.withResolvers<void>();
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const { run, forget } = withProber(
    exampleProber(async () => {
      begin();
      await over;
      return { facts: {}, failures: [] };
    }),
  );
  const running = run(check, never);
  await began;
  forget(check, 2_000);
  end();
  assert.deepEqual((await running).samples, []);
});

test('checker: what a prober remembers is handed to its next run and to its points', async () => {
  const count = gauge('probe_example_count', 'Runs so far.');
  const example: Prober = {
    ...exampleProber(async () => ({ facts: {}, failures: [] })),
    remember: (memory) => Number(memory ?? 0) + 1,
    points: (_run, memory) => [point(count, Number(memory))],
  };
  const { run } = withProber(example);
  await run(check, never);
  assert.deepEqual(named((await run(check, never)).samples, 'probe_example_count'), [[2, 1_000]]);
});

test('checker: for a check that others chose no private address is dialled, and for others it is', async () => {
  const dialled: boolean[] = [];
  const { run } = withProber(
    exampleProber(async ({ kit }) => {
      dialled.push(
        ...['10.0.0.7', '172.16.3.1', '127.0.0.1', '::ffff:192.168.0.1', 'fd00::1', '192.0.2.1'].map(kit.mayDial),
      );
      return { facts: {}, failures: [] };
    }),
  );
  await run({ ...check, reach: 'public' }, never);
  assert.deepEqual(dialled, [false, false, false, false, false, true]);
  dialled.length = 0;
  await run(check, never);
  assert.deepEqual(dialled, [true, true, true, true, true, true]);
});

test('checker: a prober that throws while it makes points or remembers gives reason unexpected, with the samples of every run', async () => {
  const boom = () => {
    throw new TypeError('canary-password');
  };
  const good = async () => ({ facts: {}, failures: [] });
  for (const broken of [exampleProber(good, boom), { ...exampleProber(good), remember: boom }]) {
    const escaped: unknown[] = [];
    using _policy = catchEscapes({ survives: () => false, onEscaped: (one) => escaped.push(one) });
    const { run } = withProber(broken);
    for (const _each of [1, 2]) {
      const { run: done, samples } = await run(check, never);
      assert.deepEqual(named(samples, 'probe_success'), [[0, 1_000]]);
      const info = samples.find(({ series }) => series.metric.name === 'probe_failure_info');
      assert.deepEqual(
        Object.fromEntries(info?.series.labels.filter(([name]) => name === 'phase' || name === 'reason') ?? []),
        { phase: 'check', reason: 'unexpected' },
      );
      assert.equal(named(samples, 'bothways_target_info').length, 1);
      assert.match(
        done.outcome.failures[0]?.detail ?? '',
        /^the prober threw TypeError at checker\.test\.ts:\d+ while/,
      );
      assert.ok(!JSON.stringify(done).includes('canary'));
    }
    assert.equal(escaped.length, 2);
  }
});

test('checker: a prober whose memory makes it throw starts again without memory', async () => {
  const { run } = withProber({
    ...exampleProber(async () => ({ facts: {}, failures: [] })),
    remember: (memory) => Number(memory ?? 0) + 1,
    points: (_run, memory) => {
      if (memory === 2) throw new Error('two');
      return [];
    },
  });
  const reasons = [];
  for (const _each of [1, 2, 3, 4])
    reasons.push((await run(check, never)).run.outcome.failures.map(({ reason }) => reason));
  assert.deepEqual(reasons, [[], ['unexpected'], [], ['unexpected']]);
});

test('checker: runs for which the limit of open files leaves no room give reason local_resources, and later ones run', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const example = exampleProber(async () => {
    await promise;
    return { facts: {}, failures: [] };
  });
  const crowd = checker({ probers: { example }, kit: emptyKit, clock, mostRuns: 2 });
  const running = [1, 2, 3, 4].map((index) => crowd.run(exampleCheck({ name: `${index}` }), never));
  resolve();
  const reasons = (await Promise.all(running)).map(({ run }) => run.outcome.failures.map(({ reason }) => reason));
  assert.deepEqual(reasons, [[], [], ['local_resources'], ['local_resources']]);
  assert.deepEqual((await crowd.run(check, never)).run.outcome.failures, []);
});

test('checker: a target with a part in a flood is void twice, and then fails with timeout until it is good', async () => {
  let floods = true;
  const example = exampleProber(async (context) => {
    if (!floods) return { facts: {}, failures: [] };
    noteMessage(context.signal, 1_000_000);
    setImmediate(() => {
      for (const start = performance.now(); performance.now() - start < 300; );
    });
    await context.sleep(3_600);
    return { facts: {}, failures: [failure('timeout', 'processing', 'nothing came')] };
  });
  const { run } = withProber(example);
  const flooding = exampleCheck({ timeoutMs: 100 });
  const end = async () => {
    const { outcome } = (await run(flooding, never)).run;
    return outcome.void ?? outcome.failures.map(({ reason, phase, detail }) => `${phase} ${reason}: ${detail}`).join();
  };
  const late =
    /^processing timeout: in \d runs the process was busy until the time limit, partly with what this target sent$/;
  assert.deepEqual([await end(), await end()], ['flooded', 'flooded']);
  assert.match(await end(), late);
  assert.match(await end(), late);
  floods = false;
  assert.equal(await end(), '');
  floods = true;
  assert.equal(await end(), 'flooded');
});
