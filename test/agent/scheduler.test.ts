import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { scheduler } from '../../src/agent/scheduler.ts';
import type { Due } from '../../src/kernel/run.ts';
import { offsetOf } from '../../src/run/due.ts';
import { exampleCheck } from '../run/example.ts';

const start = 1_700_000_000_000;
const checks = Array.from({ length: 20 }, (_, index) =>
  exampleCheck({ name: `shop-${index}`, target: { intervalMs: 5_000 } }),
);

/** A scheduler on a clock of the test's own, and what it did. */
const scheduled = (run: (due: Due, began: () => void) => Promise<void> = async () => {}, now?: () => number) => {
  const timers = mock.timers;
  timers.enable({ apis: ['setTimeout', 'Date'], now: start });
  const ran: { readonly name: string; readonly at: number; readonly startedAt: number }[] = [];
  const skipped: string[] = [];
  const failed: string[] = [];
  const one = scheduler({
    ...(now && { now }),
    run: (due, began) => {
      ran.push({ name: due.check.target.name, at: due.at, startedAt: Date.now() });
      return run(due, began);
    },
    onFailed: ({ check }, thrown) => failed.push(`${check.target.name} ${thrown}`),
    onSkipped: ({ check }, why) => skipped.push(`${check.target.name} ${why}`),
  });
  const pass = async (ms: number, step = 100) => {
    for (let passed = 0; passed < ms; passed += step) {
      timers.tick(step);
      await Promise.resolve();
    }
  };
  return {
    ...one,
    ran,
    skipped,
    failed,
    pass,
    jump: (to: number) => timers.setTime(to),
    [Symbol.dispose]: () => {
      one[Symbol.dispose]();
      timers.reset();
    },
  };
};

test('scheduler: every check starts once an interval, at its own offset, on time', async () => {
  using one = scheduled();
  const { set, ran, skipped, pass } = one;
  set(checks);
  await pass(60_000);
  for (const check of checks) {
    const times = ran.filter(({ name }) => name === check.target.name).map(({ at }) => at);
    assert.ok(times.length >= 11 && times.length <= 13, `${times.length}`);
    for (const [index, at] of times.entries()) {
      assert.equal((at - offsetOf(check)) % 5_000, 0);
      if (index > 0) assert.equal(at - (times[index - 1] ?? 0), 5_000);
    }
  }
  assert.ok(ran.every(({ at, startedAt }) => startedAt - at <= 100));
  assert.deepEqual(skipped, []);
});

test('scheduler: a check whose run is still under way is skipped, and said', async () => {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  using one = scheduled((_due, began) => {
    began();
    return over;
  });
  const { set, ran, skipped, pass, idle } = one;
  set(checks.slice(0, 1));
  await pass(16_000);
  assert.equal(ran.length, 1);
  assert.ok(skipped.length >= 2 && skipped.every((text) => text === 'shop-0 overlap'));
  end();
  await idle();
});

test('scheduler: a check that still waits for its turn is skipped as late, and as overlap once its run has begun', async () => {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  let begin = () => {};
  using one = scheduled((_due, began) => {
    begin = began;
    return over;
  });
  const { set, skipped, pass, idle } = one;
  set(checks.slice(0, 1));
  await pass(11_000);
  assert.ok(skipped.length >= 1 && skipped.every((text) => text === 'shop-0 late'), String(skipped));
  begin();
  const before = skipped.length;
  await pass(6_000);
  assert.deepEqual(skipped.slice(before), ['shop-0 overlap']);
  end();
  await idle();
});

test('scheduler: a change of the list keeps the times of what stays, and begins and ends the rest', async () => {
  using one = scheduled();
  const { set, ran, pass } = one;
  set(checks.slice(0, 10));
  await pass(7_000);
  set(checks.slice(5, 15));
  const changed = Date.now();
  await pass(20_000);
  const after = ran.filter(({ at }) => at >= changed);
  assert.equal(after.filter(({ name }) => name === 'shop-0').length, 0);
  for (const index of [5, 9, 10, 14]) {
    const times = ran.filter(({ name, at }) => name === `shop-${index}` && at >= changed).map(({ at }) => at);
    assert.ok(times.length >= 3, `shop-${index}: ${times.length}`);
    assert.equal(new Set(times).size, times.length);
  }
});

test('scheduler: a process that slept for long catches nothing up', async () => {
  using one = scheduled();
  const { set, ran, skipped, pass, jump } = one;
  set(checks);
  await pass(6_000);
  const before = ran.length;
  jump(start + 3_600_000);
  await pass(6_000);
  const after = ran.slice(before);
  assert.ok(after.length <= 2 * checks.length, `${after.length} runs`);
  assert.ok(after.length >= checks.length);
  assert.ok(skipped.every((text) => text.endsWith('late')));
});

test('scheduler: a clock that is set back stops nothing', async () => {
  let backMs = 0;
  using one = scheduled(
    async () => {},
    () => Date.now() - backMs,
  );
  const { set, ran, pass } = one;
  set(checks);
  await pass(6_000);
  backMs = 600_000;
  const before = ran.length;
  await pass(15_000);
  assert.ok(ran.length - before >= 2 * checks.length, `${ran.length - before} runs`);
});

test('scheduler: after it was disposed nothing starts', async () => {
  const one = scheduled();
  one.set(checks);
  await one.pass(6_000);
  const before = one.ran.length;
  one[Symbol.dispose]();
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: start + 10_000 });
  mock.timers.tick(10_000);
  mock.timers.reset();
  assert.equal(one.ran.length, before);
});

test('scheduler: a run that rejects or throws is reported, and its check and all others run on', async () => {
  const bad = async () => {
    throw new Error('rejected');
  };
  const worse = () => {
    throw new Error('thrown');
  };
  const [first, second] = checks;
  using one = scheduled(async ({ check }) => (check === first ? bad() : check === second ? worse() : undefined));
  one.set(checks);
  await one.pass(60_000);
  for (const { target } of checks) assert.equal(one.ran.filter(({ name }) => name === target.name).length, 12);
  assert.equal(one.failed.filter((text) => text === 'shop-0 Error: rejected').length, 12);
  assert.equal(one.failed.filter((text) => text === 'shop-1 Error: thrown').length, 12);
  assert.deepEqual(one.skipped, []);
});
