import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Counts, deliver } from '../../src/delivery/deliver.ts';
import { gauge } from '../../src/kernel/metric.ts';
import { allLabels, type Sample, type Series } from '../../src/kernel/sample.ts';
import { kit } from '../../src/net/kit.ts';
import { remoteWrite, remoteWriteSettings } from '../../src/sinks/remote-write.ts';
import { type Push, receiver } from '../servers/receiver.ts';

const metric = gauge('probe_success', 'x');
const info = gauge('probe_info', 'x', { labels: { text: 'chosen by the peer' } });
const longest = 100;
const long = 'x'.repeat(longest + 1);

/** A target's series: good ones, and bad ones with a label that is too long. */
type Target = { readonly name: string; readonly good: number; readonly bad: number };

const seriesOf = ({ name, good, bad }: Target): { readonly series: Series; readonly isBad: boolean }[] => {
  const labels = (text: string) => [
    ['instance', `https://${name}`] as const,
    ['name', name] as const,
    ['text', text] as const,
  ];
  const make = (count: number, isBad: boolean) =>
    Array.from({ length: count }, (_, index) => ({
      series: { metric: index === 0 && !isBad ? metric : info, labels: labels(isBad ? `${long}${index}` : `${index}`) },
      isBad,
    }));
  // Mixed, as a prober's points are.
  const [goods, bads] = [make(good, false), make(bad, true)];
  return Array.from({ length: Math.max(good, bad) }, (_, index) => [
    ...goods.slice(index, index + 1),
    ...bads.slice(index, index + 1),
  ]).flat();
};

const now = 1_700_000_000_000;
const at = (series: readonly { readonly series: Series }[], time: number): Sample[] =>
  series.map((each) => ({ series: each.series, at: time, value: 1 }));

const keyOf = (labels: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(labels).sort());
const keyOfSample = ({ series, at: time }: Sample) => `${keyOf(Object.fromEntries(allLabels(series)))} ${time}`;

/** A receiver that takes all of a request or nothing: labels up to a length, and the samples of a series in order. */
const strict = async (refuses: (push: Push) => boolean = () => false) => {
  const last = new Map<string, number>();
  const stored: string[] = [];
  let disorder = 0;
  const server = await receiver((push) => {
    if (
      refuses(push) ||
      push.series.some(({ labels }) => Object.values(labels).some((value) => value.length > longest))
    )
      return { status: 400, text: 'label value too long' };
    for (const { labels, at: time } of push.series) {
      const key = keyOf(labels);
      if (time <= (last.get(key) ?? 0)) disorder += 1;
      last.set(key, time);
      stored.push(`${key} ${time}`);
    }
    return 204;
  });
  return { server, stored, disorder: () => disorder };
};

const deliveryTo = async (refuses?: (push: Push) => boolean, clock: () => number = () => now) => {
  const stack = new AsyncDisposableStack();
  const there = await strict(refuses);
  stack.use(there.server);
  const own = stack.use(kit());
  const delivery = stack.use(
    deliver(remoteWrite(remoteWriteSettings.parse({ url: there.server.url }), own), {
      group: 'g',
      capacity: 100_000,
      maxSamplesPerSend: 2_000,
      batchDeadlineMs: 60_000,
      minMs: 1,
      maxMs: 5,
      now: clock,
    }),
  );
  const send = async (samples: readonly Sample[]): Promise<Counts & { readonly cost: number }> => {
    const before = delivery.counts().requests;
    delivery.add(samples);
    const counts = await delivery.flush(AbortSignal.timeout(60_000));
    return { ...counts, cost: counts.requests - before };
  };
  return { ...there, send, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

const neighbours = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `n${index}`, good: 20, bad: 0 }));

for (const bad of [1, 8, 16, 100]) {
  test(`deliver: ${bad} bad series of one target cost none of the good samples, of others or its own`, async () => {
    await using to = await deliveryTo();
    const targets = neighbours(100).toSpliced(37, 3, { name: 'hostile', good: 60, bad });
    const series = targets.flatMap(seriesOf).slice(0, 2_000);
    const good = at(
      series.filter(({ isBad }) => !isBad),
      now,
    ).map(keyOfSample);
    const first = await to.send(at(series, now));
    assert.deepEqual(to.stored.toSorted(), good.toSorted());
    assert.deepEqual([first.accepted, first.rejected, first.waiting], [good.length, { 400: bad }, 0]);
    assert.equal(to.disorder(), 0);
    assert.ok(first.cost <= 30 + 6 * bad, `${first.cost} requests`);
    // The second batch is searched too, since a sample may have been refused for its time; later ones cost one request each.
    await to.send(at(series, now + 1_000));
    for (let round = 2; round < 6; round += 1) {
      const { cost } = await to.send(at(series, now + round * 1_000));
      assert.equal(cost, 1);
    }
    const last = await to.send([]);
    assert.deepEqual([last.accepted, last.rejected], [good.length * 6, { 400: bad * 6 }]);
    assert.equal(to.disorder(), 0);
  });
}

test('deliver: a bad series that comes many times in a batch is cut out with all its samples, and others stay in order', async () => {
  await using to = await deliveryTo();
  const series = [...neighbours(5), { name: 'hostile', good: 20, bad: 2 }].flatMap(seriesOf);
  const rounds = Array.from({ length: 15 }, (_, index) => at(series, now + index * 1_000)).flat();
  const counts = await to.send(rounds);
  assert.deepEqual([counts.accepted, counts.rejected], [120 * 15, { 400: 30 }]);
  assert.equal(to.disorder(), 0);
});

test('deliver: two bad targets cost the others nothing, wherever they are in the batch', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(20),
      fc.nat(20),
      fc.integer({ min: 1, max: 12 }),
      fc.nat(6),
      async (one, two, bad, good) => {
        await using to = await deliveryTo();
        const hostile = (name: string) => ({ name, good, bad });
        const series = neighbours(20).toSpliced(one, 0, hostile('a')).toSpliced(two, 0, hostile('b')).flatMap(seriesOf);
        const { accepted, rejected } = await to.send(at(series, now));
        assert.deepEqual([accepted, rejected, to.disorder()], [400 + 2 * good, { 400: 2 * bad }, 0]);
      },
    ),
    { numRuns: 25 },
  );
});

test('deliver: a series that is refused is tried again after a while, and comes back when it is taken', async () => {
  let time = now;
  let isStrict = true;
  const long2 = { series: { metric: info, labels: [['name', 'picky'] as const] }, isBad: true };
  const picky = ({ series }: Push) => isStrict && series.some(({ labels }) => labels.name === 'picky');
  await using to = await deliveryTo(picky, () => time);
  const series = [...neighbours(2).flatMap(seriesOf), long2];
  const round = async () => {
    time += 15_000;
    const { accepted, rejected, cost } = await to.send(at(series, time));
    return { accepted, rejected: rejected[400] ?? 0, cost };
  };
  for (let index = 0; index < 2; index += 1) assert.ok((await round()).cost > 1);
  assert.equal((await round()).cost, 1);
  isStrict = false;
  let before = await round();
  for (let index = 0; index < 3; index += 1) before = await round();
  const after = await round();
  assert.deepEqual([after.accepted - before.accepted, after.rejected - before.rejected, after.cost], [41, 0, 1]);
});

test('deliver: samples that are refused for their age leave out no series', async () => {
  let time = now;
  const old = (push: Push) => push.series.some(({ at: when }) => when < now);
  await using to = await deliveryTo(old, () => time);
  const series = neighbours(2).flatMap(seriesOf);
  const stale = at(series.slice(0, 3), now - 3_600_000);
  const first = await to.send([...stale, ...at(series, now)]);
  const again = await to.send([...at(series.slice(0, 3), now - 3_000_000), ...at(series, now + 1_000)]);
  time += 2_000;
  const last = await to.send(at(series, now + 2_000));
  assert.deepEqual([first.rejected, again.rejected, last.rejected], [{ 400: 3 }, { 400: 6 }, { 400: 6 }]);
  assert.equal(last.accepted, 120);
});

test('deliver: a receiver that refuses everything costs few requests, batch after batch, and no series is left out later', async () => {
  let isOut = true;
  await using to = await deliveryTo(() => isOut);
  const series = neighbours(100).flatMap(seriesOf);
  for (let round = 0; round < 3; round += 1) assert.ok((await to.send(at(series, now + round * 1_000))).cost <= 65);
  isOut = false;
  const { accepted, cost } = await to.send(at(series, now + 3_000));
  assert.deepEqual([accepted, cost], [2_000, 1]);
});

test('deliver: a receiver that refuses at random costs a bounded number of requests', async () => {
  let state = 1;
  const random = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  await using to = await deliveryTo(({ series }) => series.length > 1 || random() < 0.9);
  const series = neighbours(50).flatMap(seriesOf);
  let cost = 0;
  for (let round = 0; round < 10; round += 1) cost += (await to.send(at(series, now - 600_000 + round))).cost;
  assert.ok(cost <= 2_048 + 10 * 65, `${cost} requests`);
});
