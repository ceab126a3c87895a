import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DeliveryOptions, deliver } from '../../src/delivery/deliver.ts';
import { unfit } from '../../src/delivery/prepare.ts';
import { gauge } from '../../src/kernel/metric.ts';
import type { Sample } from '../../src/kernel/sample.ts';
import { kit } from '../../src/net/kit.ts';
import { remoteWrite, remoteWriteSettings } from '../../src/sinks/remote-write.ts';
import type { StreamSink } from '../../src/sinks/sink.ts';
import { type Behaviour, type Push, receiver } from '../servers/receiver.ts';

const metric = gauge('probe_success', 'x');
const sample = (name: string, at = 1_000, value: Sample['value'] = 1): Sample => ({
  series: { metric: { ...metric, name }, labels: [] },
  at,
  value,
});
const samplesOf = (count: number, from = 0) => Array.from({ length: count }, (_, index) => sample(`m${from + index}`));

/** A delivery to a receiver that behaves as told; waits between attempts are recorded and not waited for. */
const deliveryTo = async (behave: Behaviour, options: Partial<DeliveryOptions> = {}) => {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await receiver(behave));
  const own = stack.use(kit());
  const waits: number[] = [];
  const sleep = async (ms: number) => {
    waits.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const settings = remoteWriteSettings.parse({ url: server.url });
  const delivery = stack.use(
    deliver(remoteWrite(settings, own), {
      group: 'g',
      capacity: 100_000,
      maxSamplesPerSend: 100,
      batchDeadlineMs: 60_000,
      minMs: 100,
      maxMs: 5_000,
      random: () => 1,
      sleep,
      ...options,
    }),
  );
  const flush = (ms = 10_000) => delivery.flush(AbortSignal.timeout(ms));
  return { delivery, server, waits, flush, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

const bad =
  (name: string): Behaviour =>
  ({ series }) =>
    series.some(({ labels }) => labels.__name__ === name) ? 400 : 204;

test('deliver: samples arrive in order, in requests of the size that was set', async () => {
  await using to = await deliveryTo(() => 204);
  to.delivery.add(samplesOf(250));
  const counts = await to.flush();
  assert.deepEqual(
    to.server.pushes.map(({ series }) => series.length),
    [100, 100, 50],
  );
  assert.deepEqual(
    to.server.stored(),
    samplesOf(250).map(({ series }) => series.metric.name),
  );
  assert.deepEqual([counts.accepted, counts.waiting, counts.requests, counts.retries], [250, 0, 3, 0]);
});

test("deliver: one request is under way at a time, whatever the receiver's delays", async () => {
  let open = 0;
  let most = 0;
  await using to = await deliveryTo(
    (_push, response, count) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(
        () => {
          open -= 1;
          response.writeHead(204).end();
        },
        (count * 7) % 20,
      );
      return undefined;
    },
    { maxSamplesPerSend: 10 },
  );
  for (let index = 0; index < 10; index += 1) to.delivery.add(samplesOf(10, index * 10));
  await to.flush();
  assert.equal(most, 1);
  assert.equal(to.server.pushes.length, 10);
});

test('deliver: a first 500 is sent again with the same bytes; a 400 never is', async () => {
  await using again = await deliveryTo((_push, _response, count) => (count === 1 ? 500 : 204));
  again.delivery.add(samplesOf(3));
  assert.equal((await again.flush()).accepted, 3);
  assert.equal(again.server.pushes.length, 2);
  assert.deepEqual(again.server.pushes[0]?.body, again.server.pushes[1]?.body);
  assert.equal(again.server.pushes[1]?.headers['retry-attempt'], '1');
  await using never = await deliveryTo(() => 400);
  never.delivery.add(samplesOf(1));
  const counts = await never.flush();
  assert.deepEqual(counts.rejected, { 400: 1 });
  assert.equal(never.server.pushes.length, 1);
});

test('deliver: a 400 to many samples is searched for the one that is bad, and the others are saved', async () => {
  await using to = await deliveryTo(bad('m37'));
  to.delivery.add(samplesOf(100));
  const counts = await to.flush();
  assert.deepEqual(counts.rejected, { 400: 1 });
  assert.equal(counts.accepted, 99);
  assert.deepEqual(
    to.server.stored().toSorted(),
    samplesOf(100)
      .map(({ series }) => series.metric.name)
      .filter((name) => name !== 'm37')
      .toSorted(),
  );
});

test('deliver: a receiver that refuses everything costs a bounded number of requests', async () => {
  await using to = await deliveryTo(() => 400);
  to.delivery.add(samplesOf(100));
  const counts = await to.flush();
  assert.deepEqual(counts.rejected, { 400: 100 });
  assert.ok(to.server.pushes.length <= 70, String(to.server.pushes.length));
});

test('deliver: a 413 is answered with halves', async () => {
  await using to = await deliveryTo(({ series }) => (series.length > 30 ? 413 : 204));
  to.delivery.add(samplesOf(100));
  const counts = await to.flush();
  assert.equal(counts.accepted, 100);
  assert.deepEqual(
    to.server.pushes.map(({ series }) => series.length),
    [100, 50, 25, 25, 50, 25, 25],
  );
  await using hopeless = await deliveryTo(() => 413);
  hopeless.delivery.add(samplesOf(2));
  assert.deepEqual((await hopeless.flush()).rejected, { 413: 2 });
});

test('deliver: a batch that makes a healthy receiver fail is narrowed down, and only the culprit is lost', async () => {
  await using to = await deliveryTo(({ series }) =>
    series.some(({ labels }) => labels.__name__ === 'm5') ? 500 : 204,
  );
  to.delivery.add(samplesOf(8));
  const counts = await to.flush(20_000);
  assert.deepEqual([counts.accepted, counts.lost], [7, { poisonous: 1 }]);
});

/** A receiver that takes samples of a series in order only, and fails at one of them for ever. */
const inOrder = (poison: { readonly name: string; readonly at: number }): Behaviour => {
  const last = new Map<string, number>();
  return ({ series }) => {
    const all = series.map(({ labels, at }) => ({ name: labels.__name__ ?? '', at }));
    if (all.some(({ name, at }) => name === poison.name && at === poison.at)) return 500;
    if (all.some(({ name, at }) => at <= (last.get(name) ?? 0))) return 400;
    for (const { name, at } of all) last.set(name, at);
    return 204;
  };
};

test('deliver: what a failing part lets pass has none of its series, so nothing comes out of order', async () => {
  await using to = await deliveryTo(inOrder({ name: 'm1', at: 1_000 }));
  const rounds = [1_000, 2_000, 3_000, 4_000].flatMap((at) => ['m0', 'm1', 'm2', 'm3'].map((name) => sample(name, at)));
  to.delivery.add(rounds);
  const counts = await to.flush(20_000);
  assert.deepEqual([counts.accepted, counts.rejected, counts.lost], [15, {}, { poisonous: 1 }]);
});

test('deliver: a sample at which a receiver fails holds up its own series no longer than others', async () => {
  await using to = await deliveryTo(inOrder({ name: 'm0', at: 1_000 }));
  to.delivery.add([1_000, 2_000, 3_000, 4_000].map((at) => sample('m0', at)));
  const counts = await to.flush(20_000);
  assert.deepEqual([counts.accepted, counts.rejected, counts.lost], [3, {}, { poisonous: 1 }]);
});

test('deliver: an outage loses nothing: when the receiver is back everything arrives', async () => {
  await using to = await deliveryTo((_push, _response, count) => (count <= 35 ? 503 : 204));
  to.delivery.add(samplesOf(100));
  const counts = await to.flush(20_000);
  assert.equal(counts.accepted, 100);
  assert.deepEqual(counts.lost, {});
});

test('deliver: a refused token keeps everything and ends a flush at once; mended, all goes out', async () => {
  let status = 401;
  const untilWoken = (_ms: number, signal: AbortSignal) => once(signal, 'abort').then(() => {});
  await using to = await deliveryTo(() => status, { sleep: untilWoken });
  to.delivery.add(samplesOf(5));
  const paused = await to.flush();
  assert.deepEqual([paused.accepted, paused.waiting, paused.paused, paused.lastStatus], [0, 5, true, 401]);
  assert.match(paused.lastProblem ?? '', /401/);
  assert.deepEqual(
    (await Promise.all([to.flush(), to.flush()])).map(({ waiting }) => waiting),
    [5, 5],
  );
  status = 204;
  assert.equal((await to.flush()).accepted, 5);
});

test('deliver: waits grow, stay within their limits, and follow Retry-After', async () => {
  await using to = await deliveryTo((_push, _response, count) =>
    count <= 8 ? 503 : count === 9 ? { status: 429, headers: { 'retry-after': '7' } } : 204,
  );
  to.delivery.add(samplesOf(1));
  await to.flush();
  assert.deepEqual(to.waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 7_000]);
});

test('deliver: more than there is room for goes out portion by portion, and nothing of it is lost', async () => {
  for (const capacity of [250, 30]) {
    await using to = await deliveryTo(() => 204, { capacity });
    await to.delivery.addAll(samplesOf(1_000), AbortSignal.timeout(10_000));
    const { accepted, lost } = await to.flush();
    assert.deepEqual([accepted, lost], [1_000, {}]);
    const names = to.server.pushes.flatMap(({ series }) => series.map(({ labels }) => labels.__name__));
    assert.deepEqual(
      names,
      samplesOf(1_000).map(({ series }) => series.metric.name),
    );
  }
});

test('deliver: a receiver that takes nothing holds nobody with more than there is room for beyond the signal', async () => {
  const untilStopped = (_ms: number, signal: AbortSignal) => once(signal, 'abort').then(() => {});
  await using to = await deliveryTo(() => 503, { capacity: 250, sleep: untilStopped });
  await to.delivery.addAll(samplesOf(1_000), AbortSignal.timeout(20));
  const { waiting, lost } = to.delivery.counts();
  assert.equal(waiting + (lost.capacity ?? 0), 1_000);
});

test('deliver: when the queue is full the oldest samples go, and are counted', async () => {
  await using to = await deliveryTo(() => 503, { capacity: 50, sleep: () => new Promise(() => {}) });
  to.delivery.add(samplesOf(10));
  to.delivery.add(samplesOf(100, 10));
  const { waiting, lost } = to.delivery.counts();
  assert.ok(waiting <= 60, String(waiting));
  assert.equal(waiting + (lost.capacity ?? 0), 110);
});

test('deliver: samples that no receiver would take are refused before they are queued', async () => {
  const now = Date.now();
  const labelled = (...labels: [string, string][]): Sample => ({ series: { metric, labels }, at: now, value: 1 });
  assert.equal(unfit(sample('fine', now), now), undefined);
  assert.equal(unfit(sample('fine', now + 6 * 60_000), now), 'ahead_of_clock');
  assert.equal(unfit(sample('fine', 1.5), now), 'time');
  for (const one of [
    labelled(['a', '1'], ['a', '2']),
    labelled(['b', '1'], ['a', '2']),
    labelled(['b-c', '1']),
    labelled(['b', '']),
    labelled(['__name__', 'a']),
    sample('a-b', now),
  ]) {
    assert.equal(unfit(one, now), 'label_names', JSON.stringify(one.series.labels));
  }
  await using to = await deliveryTo(() => 204);
  to.delivery.add([sample('fine'), sample('a-b')]);
  const counts = await to.flush();
  assert.deepEqual([counts.accepted, counts.lost], [1, { label_names: 1 }]);
});

test('deliver: what a receiver drops on purpose is counted apart', async () => {
  await using to = await deliveryTo(() => 202);
  to.delivery.add(samplesOf(4));
  const { accepted, dropped } = await to.flush();
  assert.deepEqual([accepted, dropped], [0, 4]);
});

test('deliver: a flush ends with its signal, and says what still waits', async () => {
  await using to = await deliveryTo((): undefined => undefined);
  to.delivery.add(samplesOf(4));
  const counts = await to.flush(50);
  assert.deepEqual([counts.accepted, counts.waiting, counts.paused], [0, 4, false]);
});

test('deliver: samples wait for a request to fill up, and go out at their deadline', async () => {
  await using to = await deliveryTo(() => 204, { batchDeadlineMs: 20 });
  to.delivery.add(samplesOf(1));
  to.delivery.add(samplesOf(1, 1));
  assert.equal(to.server.pushes.length, 0);
  const seen = new Promise<Push>((resolve) => {
    const look = () => (to.server.pushes[0] === undefined ? setTimeout(look, 5) : resolve(to.server.pushes[0]));
    look();
  });
  assert.equal((await seen).series.length, 2);
});

test('deliver: every sample is in exactly one count, whatever the receiver does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(200, 202, 204, 400, 409, 413, 429, 500, 503), { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 300 }),
      async (statuses, count) => {
        await using to = await deliveryTo((_push, _response, nth) => statuses[nth - 1] ?? 204);
        to.delivery.add(samplesOf(count));
        const { accepted, dropped, rejected, lost, waiting } = await to.flush();
        const sum = (table: Readonly<Record<string, number>>) => Object.values(table).reduce((a, b) => a + b, 0);
        assert.equal(accepted + dropped + sum(rejected) + sum(lost) + waiting, count);
        assert.equal(waiting, 0);
      },
    ),
    { numRuns: 25 },
  );
});

test('deliver: a sink that throws at one sample, against its contract, costs that sample alone', async () => {
  const taken: string[] = [];
  const throwing: StreamSink = {
    kind: 'stream',
    send: (batch) => {
      if (batch.samples.some(({ series }) => series.metric.name === 'm7')) throw new Error('canary-password');
      taken.push(...batch.samples.map(({ series }) => series.metric.name));
      return Promise.resolve({ kind: 'accepted' });
    },
    [Symbol.asyncDispose]: async () => {},
  };
  await using delivery = deliver(throwing, {
    ...{ group: 'g', capacity: 1_000, maxSamplesPerSend: 10, batchDeadlineMs: 60_000, minMs: 1, maxMs: 2 },
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  });
  delivery.add(samplesOf(30));
  const counts = await delivery.flush(AbortSignal.timeout(20_000));
  assert.deepEqual([counts.accepted, counts.lost, counts.waiting], [29, { poisonous: 1 }, 0]);
  assert.equal(new Set(taken).size, 29);
  assert.ok(!counts.lastProblem?.includes('canary'));
});
