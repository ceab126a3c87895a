import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { failure } from '../../src/kernel/reason.ts';
import { marks } from '../../src/net/marks.ts';
import type { Kit } from '../../src/net/prober.ts';
import { execute } from '../../src/run/execute.ts';
import { emptyKit, exampleCheck, exampleProber } from './example.ts';

const clock = marks();
const never = new Promise<never>(() => {});

test('execute: a prober that succeeds gives a run with its facts and no failure', async () => {
  const prober = exampleProber(async (context) => {
    context.mark('connected');
    return { facts: { answer: 42 }, failures: [] };
  });
  const run = await execute(exampleCheck(), prober, emptyKit, { clock, now: () => 1_700_000_000_123 });
  assert.deepEqual(run.outcome, { facts: { answer: 42 }, failures: [] });
  assert.equal(run.startedAt, 1_700_000_000_123);
  assert.deepEqual(
    run.trace.map(({ what }) => what),
    ['connected', 'ended'],
  );
  assert.ok(run.took >= (run.trace[0]?.at ?? 0) && run.doubt >= 0);
});

test('execute: at the deadline the signal fires with the reason deadline and the prober has its say', async () => {
  const prober = exampleProber(async (context) => {
    await context.sleep(3_600);
    return { facts: {}, failures: [failure('connect_timeout', 'connect', `the ${context.signal.reason}`)] };
  });
  const run = await execute(exampleCheck({ timeoutMs: 10 }), prober, emptyKit, { clock });
  assert.deepEqual(run.outcome.failures, [failure('connect_timeout', 'connect', 'the deadline')]);
});

test('execute: a prober that ignores its signal is left behind within the timeout plus 50 ms, with reason timeout', async () => {
  const stuck = exampleProber((context) => {
    context.mark('connected');
    return never;
  });
  const bare = new Promise<number>((resolve) => {
    const start = performance.now();
    setTimeout(() => resolve((performance.now() - start) / 1_000), 100);
  });
  const run = await execute(exampleCheck({ timeoutMs: 100 }), stuck, emptyKit, { clock });
  assert.deepEqual(
    run.outcome.failures.map(({ reason, phase }) => [reason, phase]),
    [['timeout', 'request']],
  );
  assert.ok(run.took <= (await bare) + 0.05);
});

test('execute: a prober that throws gives reason unexpected, and the message it threw is not repeated', async () => {
  const throwing = exampleProber(async () => {
    throw Object.assign(new TypeError('canary-password'), { code: 'ERR_INVALID_CHAR' });
  });
  const run = await execute(exampleCheck(), throwing, emptyKit, { clock });
  const [only] = run.outcome.failures;
  assert.equal(only?.reason, 'unexpected');
  assert.match(only?.detail ?? '', /^the prober threw TypeError ERR_INVALID_CHAR at execute\.test\.ts:\d+$/);
  assert.ok(!JSON.stringify(run).includes('canary'));
});

test('execute: what a peer repeats of the secrets of a run is masked in failures and trace, before it is cut', async () => {
  const canary = 'canary-7f3a-of-the-run';
  const kit: Kit = { ...emptyKit, secret: async (value) => (typeof value === 'string' ? value : canary) };
  const prober = exampleProber(async ({ kit: own, hide, mask, trace }) => {
    trace('before', { text: 'plain' });
    await own.secret({ secret: 'env:X' });
    hide('hunter2-other');
    trace('echo', { text: `${'x'.repeat(290)} ${canary}`, number: 5 });
    const encoded = Buffer.from(`u:${canary}`).toString('base64');
    return {
      facts: { label: mask(encoded) },
      failures: [failure('unexpected', 'check', `saw ${canary} and hunter2-other`)],
    };
  });
  const run = await execute(exampleCheck(), prober, kit, { clock });
  assert.equal(run.outcome.failures[0]?.detail, 'saw *** and ***');
  assert.equal(run.trace.find(({ what }) => what === 'echo')?.data?.text, `${'x'.repeat(290)} ***`);
  assert.doesNotMatch(JSON.stringify(run), /canary|hunter2|Y2FuYXJ5|jYW5hcnk/);
});

test('execute: what a bundle threw is named by its place too', async () => {
  for (const bundle of ['cli.cjs', 'agent.cjs', 'probe.mjs']) {
    const throwing = exampleProber(async () => {
      throw Object.assign(new Error(), { stack: `Error\n    at probe (/opt/dist/${bundle}:3:141)` });
    });
    const run = await execute(exampleCheck(), throwing, emptyKit, { clock });
    assert.equal(run.outcome.failures[0]?.detail, `the prober threw Error at ${bundle}:3`);
  }
});

test('execute: a prober that throws before it awaits, or throws no error at all, gives reason unexpected', async () => {
  for (const thrown of [new Error('x'), 'text', undefined, { code: 1 }]) {
    const throwing = exampleProber(() => {
      throw thrown;
    });
    const run = await execute(exampleCheck(), throwing, emptyKit, { clock });
    assert.deepEqual(
      run.outcome.failures.map(({ reason }) => reason),
      ['unexpected'],
    );
  }
});

test('execute: a prober that rejects after it was left behind disturbs nobody', async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  const run = await execute(
    exampleCheck({ timeoutMs: 1 }),
    exampleProber(() => promise),
    emptyKit,
    { clock },
  );
  reject(new Error('late'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(run.outcome.failures[0]?.reason, 'timeout');
});

test('execute: when the process stops, the run ends at once and is void', async () => {
  const stop = new AbortController();
  const running = execute(
    exampleCheck(),
    exampleProber(async (context) => {
      await context.sleep(3_600);
      return { facts: { reason: context.signal.reason }, failures: [failure('timeout', 'connect', 'x')] };
    }),
    emptyKit,
    { clock, signal: stop.signal },
  );
  stop.abort();
  const run = await running;
  assert.equal(run.outcome.void, 'stopped');
  assert.deepEqual(run.outcome.facts, { reason: 'stopped' });
});

test('execute: a run that begins when the process has stopped is void', async () => {
  const prober = exampleProber(async (context) => ({
    facts: {},
    failures: context.signal.aborted ? [failure('timeout', 'setup', 'x')] : [],
  }));
  const run = await execute(exampleCheck(), prober, emptyKit, { clock, signal: AbortSignal.abort() });
  assert.equal(run.outcome.void, 'stopped');
});

test('execute: nothing outlives a run: no timer, no listener on the outer signal', async () => {
  const stop = new AbortController();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const prober = exampleProber(async (context) => {
    void context.sleep(3_600);
    return { facts: {}, failures: [] };
  });
  await execute(exampleCheck(), prober, emptyKit, { clock, signal: stop.signal });
  assert.equal(timers(), before);
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0);
});

test('execute: the trace is bounded, in events and in the length of their values', async () => {
  const prober = exampleProber(async (context) => {
    context.trace('answer', { text: 'x'.repeat(10_000), size: 10_000, short: 'y' });
    for (let i = 0; i < 10_000; i += 1) context.trace('again');
    return { facts: {}, failures: [] };
  });
  const { trace } = await execute(exampleCheck(), prober, emptyKit, { clock });
  assert.equal(trace.length, 201);
  assert.equal(trace.at(-1)?.what, 'more happened than is kept');
  assert.deepEqual(trace[0]?.data, { text: `${'x'.repeat(300)}…`, size: 10_000, short: 'y' });
});

test('execute: the doubt is the largest busy streak of the marks, as far as something was waited for', async () => {
  const moments = [
    { at: 10, streak: 0.5 },
    { at: 10.001, streak: 0.501 },
    { at: 10.1, streak: 0.02 },
    { at: 10.2, streak: 0.003 },
    { at: 10.2, streak: 0.003 },
  ];
  const prober = exampleProber(async (context) => {
    for (const what of ['resolving', 'resolved', 'connected']) context.mark(what);
    return { facts: {}, failures: [] };
  });
  const clock = () => moments.shift() ?? { at: 0, streak: 0 };
  const run = await execute(exampleCheck(), prober, emptyKit, { clock });
  assert.equal(run.doubt, 0.02, 'the run began when the process was busy, which made no time of it wrong');
});

test('execute: what earlier runs left is handed to the prober', async () => {
  const prober = exampleProber(async ({ memory }) => ({ facts: { memory }, failures: [] }));
  const run = await execute(exampleCheck(), prober, emptyKit, { clock, memory: 'hops' });
  assert.deepEqual(run.outcome.facts, { memory: 'hops' });
});

const blockFor = (ms: number) => {
  for (const start = performance.now(); performance.now() - start < ms; );
};

test('execute: what came in time is seen, although the process was kept from running until after the time limit', async () => {
  const prober = exampleProber(async () => {
    const found = stat('/');
    setImmediate(blockFor, 150);
    await found;
    return { facts: {}, failures: [] };
  });
  const run = await execute(exampleCheck({ timeoutMs: 50 }), prober, emptyKit, { clock });
  assert.deepEqual([run.outcome.failures, run.outcome.void], [[], undefined]);
});

test('execute: a run that met its limit because the process was kept from running is void, not a failure of the target', async () => {
  const prober = exampleProber(async (context) => {
    setImmediate(blockFor, 300);
    await context.sleep(3_600);
    return { facts: {}, failures: [failure('timeout', 'processing', 'nothing came')] };
  });
  const run = await execute(exampleCheck({ timeoutMs: 100 }), prober, emptyKit, { clock });
  assert.equal(run.outcome.void, 'starved');
  assert.ok(run.doubt > 0.05);
});

test('execute: a run that met its limit because the process was kept from running again and again is void', async () => {
  const prober = exampleProber(async (context) => {
    for (const what of ['resolved', 'connected', 'secured']) {
      blockFor(60);
      context.mark(what);
    }
    await context.sleep(3_600);
    return { facts: {}, failures: [failure('timeout', 'processing', 'nothing came')] };
  });
  const run = await execute(exampleCheck({ timeoutMs: 200 }), prober, emptyKit, { clock });
  assert.equal(run.outcome.void, 'starved');
});

test('execute: a run whose times the kernel stamped has no doubt, however busy the process was when it looked', async () => {
  const steps = [0, 0.001, 0.1, 0.2];
  const late = () => ({ at: steps.shift() ?? 0.3, streak: 0.05 });
  const prober = exampleProber(async (context) => {
    context.mark('sending');
    context.mark('answered', true);
    return { facts: {}, failures: [], stamped: true };
  });
  const run = await execute(exampleCheck(), prober, emptyKit, { clock: late });
  assert.equal(run.doubt, 0.001);
  assert.deepEqual(
    run.trace.map(({ what }) => what),
    ['sending', 'answered', 'ended'],
  );
});
