import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindOf, pace } from '../../src/run/pace.ts';
import { exampleCheck } from './example.ts';

/** A world where time passes only while somebody waits, and CPU only when told. */
const world = () => {
  const state = { now: 1_000, cpu: 0, waits: 0 };
  return {
    state,
    clock: () => state.now,
    cpu: () => state.cpu,
    sleep: async (ms: number) => {
      state.now += ms;
      state.waits += 1;
    },
  };
};
const never = new AbortController().signal;

test('pace: starts are spaced by CPU per probe / CPU share / 0.6, and the first waits for nothing', async () => {
  for (const share of [1, 0.25]) {
    const { state, ...parts } = world();
    const starts = pace({ share, ...parts });
    const at: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      assert.equal(await starts.turn('http', never), true);
      at.push(state.now);
    }
    const spacing = 4 / share / 0.6;
    assert.equal(at[0], 1_000);
    for (let i = 1; i < at.length; i += 1) assert.ok(Math.abs((at[i] ?? 0) - (at[i - 1] ?? 0) - spacing) < 1e-6);
  }
});

test('pace: those who ask at once are let in one by one, first come, first served', async () => {
  const { state, ...parts } = world();
  const starts = pace({ share: 1, ...parts });
  const order: [number, number][] = [];
  await Promise.all(
    [0, 1, 2, 3].map(async (who) => {
      await starts.turn('http', never);
      order.push([who, Math.round(state.now - 1_000)]);
    }),
  );
  assert.deepEqual(order, [
    [0, 0],
    [1, 7],
    [2, 13],
    [3, 20],
  ]);
});

test('pace: who is not wanted any more takes no time from those behind it', async () => {
  const { state, ...parts } = world();
  const starts = pace({ share: 1, ...parts });
  const gone = new Set<number>();
  const turns = [0, 1, 2, 3].map((who) => starts.turn('http', never, () => !gone.has(who)));
  gone.add(1).add(2);
  assert.deepEqual(await Promise.all(turns), [true, false, false, true]);
  assert.equal(Math.round(state.now - 1_000), 7);
});

test('pace: after a pause there is no burst to catch up', async () => {
  const { state, ...parts } = world();
  const starts = pace({ share: 1, ...parts });
  await starts.turn('http', never);
  state.now += 60_000;
  await starts.turn('http', never);
  assert.equal(state.waits, 0);
  await starts.turn('http', never);
  assert.equal(state.waits, 1);
});

test('pace: starts that lie closer than a timer can tell go several at a time, and none is lost', async () => {
  const { state, sleep, ...parts } = world();
  // As Node's timers do: whole milliseconds, and one more.
  const starts = pace({ share: 1, ...parts, sleep: (ms) => sleep(Math.ceil(ms) + 1) });
  for (let round = 0; round < 400; round += 1) {
    state.cpu += 0.15;
    starts.ended('icmp');
  }
  const from = state.now;
  for (let start = 0; start < 1_000; start += 1) await starts.turn('icmp', never);
  const wanted = 1_000 * starts.spacing('icmp');
  assert.ok(state.now - from < wanted * 1.05, `${state.now - from} ms for ${wanted} ms of starts`);
  assert.ok(state.now - from > wanted * 0.95, `${state.now - from} ms for ${wanted} ms of starts`);
});

test('pace: the spacing follows what probes are measured to cost', async () => {
  const { state, ...parts } = world();
  const starts = pace({ share: 1, ...parts });
  for (let i = 0; i < 400; i += 1) {
    state.cpu += 1.5;
    starts.ended('http');
  }
  assert.ok(Math.abs(starts.spacing('http') - 1.5 / 0.6) < 0.05, String(starts.spacing('http')));
  for (let i = 0; i < 400; i += 1) {
    state.cpu += 9;
    starts.ended('http');
  }
  assert.ok(Math.abs(starts.spacing('http') - 9 / 0.6) < 0.3, String(starts.spacing('http')));
});

test('pace: kinds are told apart by the mixes they were measured in', () => {
  const { state, ...parts } = world();
  const starts = pace({ share: 1, ...parts });
  const cost = { http: 4, dns: 0.5 };
  for (let round = 0; round < 600; round += 1)
    for (let i = 0; i < 8; i += 1) {
      const prober = i < (round * 5) % 9 ? 'http' : 'dns';
      state.cpu += cost[prober];
      starts.ended(prober);
    }
  assert.ok(starts.spacing('http') > 3 * starts.spacing('dns'), `${starts.spacing('http')} ${starts.spacing('dns')}`);
});

test('pace: one measurement that is far off moves the spacing only a little', () => {
  const { state, ...parts } = world();
  const starts = pace({ share: 1, ...parts });
  const before = starts.spacing('http');
  state.cpu += 60_000;
  for (let i = 0; i < 8; i += 1) starts.ended('http');
  assert.ok(starts.spacing('http') > before && starts.spacing('http') <= 1.3 * before + 1e-9);
});

test('pace: who waits when the signal fires is turned away at once, and nobody behind is kept waiting', async () => {
  const stop = new AbortController();
  const starts = pace({ share: 0.01 });
  assert.equal(await starts.turn('http', stop.signal), true);
  const waiting = [starts.turn('http', stop.signal), starts.turn('http', stop.signal)];
  stop.abort();
  assert.deepEqual(await Promise.all(waiting), [false, false]);
  assert.equal(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, 0);
});

test('pace: with real clocks, starts come no closer than the spacing', async () => {
  // The last look at the clock before each start: looking once more would also measure what came between.
  let last = 0;
  const clock = () => {
    last = performance.now();
    return last;
  };
  const starts = pace({ share: 1, clock });
  const at: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    await starts.turn('http', never);
    at.push(last);
  }
  for (let i = 1; i < at.length; i += 1) assert.ok((at[i] ?? 0) - (at[i - 1] ?? 0) > starts.spacing('http') - 1e-6);
});

test('pace: a timer that ends too early lets nobody start too early', async () => {
  const { state, sleep, ...parts } = world();
  const starts = pace({ share: 1, ...parts, sleep: (ms) => sleep(ms > 1 ? ms / 2 : ms) });
  await starts.turn('http', never);
  const first = state.now;
  await starts.turn('http', never);
  assert.ok(state.now - first > starts.spacing('http') - 1e-6 && state.waits > 1);
});

test('pace: what costs alike is a prober with a scheme', () => {
  assert.equal(kindOf(exampleCheck()), 'example https');
  assert.equal(kindOf(exampleCheck({ target: { address: 'db.example.com:5432' } })), 'example ');
});
