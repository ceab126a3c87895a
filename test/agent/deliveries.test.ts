import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliveries, undeliveredSince } from '../../src/agent/deliveries.ts';
import type { Endpoint } from '../../src/config/endpoint.ts';
import type { Counts } from '../../src/delivery/deliver.ts';
import { gauge } from '../../src/kernel/metric.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { remoteWriteSettings } from '../../src/sinks/remote-write.ts';
import { type Behaviour, receiver } from '../servers/receiver.ts';

const of = (endpoint: string, more: Partial<Counts>) => {
  const none = { accepted: 0, dropped: 0, rejected: {}, lost: {}, waiting: 0, requests: 0, retries: 0, paused: false };
  const nothing = { oldestWaiting: undefined, lastProblem: undefined, lastStatus: undefined, skewMs: undefined };
  return { endpoint, counts: { ...none, ...nothing, ...more } };
};

test('deliveries: what did not get through since is what waits, and what was lost or refused since', () => {
  const before = [of('a', { lost: { capacity: 100 }, rejected: { 400: 18 }, waiting: 7 })];
  const clean = [of('a', { lost: { capacity: 100 }, rejected: { 400: 18 } })];
  assert.equal(undeliveredSince(before, clean), 0);
  const worse = [of('a', { lost: { capacity: 103, old: 2 }, rejected: { 400: 19 }, waiting: 5 })];
  assert.equal(undeliveredSince(before, worse), 3 + 2 + 1 + 5);
});

test('deliveries: an endpoint that came since, or began anew, counts from nothing', () => {
  assert.equal(undeliveredSince([], [of('b', { rejected: { 400: 4 } })]), 4);
  assert.equal(undeliveredSince([of('b', { rejected: { 400: 9 } })], [of('b', { rejected: { 400: 4 } })]), 4);
});

const endpointTo = (url: string): Endpoint => ({
  name: 'central',
  from: ['a'],
  settings: remoteWriteSettings.parse({ url, queue_config: { min_backoff: '10ms', max_backoff: '10ms' } }),
});
const samples = Array.from({ length: 7 }, (_, index) => ({
  series: { metric: gauge(`m${index}`, 'x'), labels: [] },
  at: Date.now(),
  value: 1,
}));

/** Deliveries whose only endpoint has just left, with seven samples that wait for it. */
const leaving = async (behave?: Behaviour) => {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await receiver(behave));
  const kit = stack.use(makeKit());
  const lines: string[] = [];
  const all = stack.use(deliveries('a', kit, (level, text) => void lines.push(`${level} ${text}`)));
  all.set([endpointTo(server.url)]);
  all.add(samples);
  all.set([]);
  return { all, server, lines, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('deliveries: an endpoint that leaves gets what waits', async () => {
  await using there = await leaving();
  const { all, server, lines } = there;
  await all.flush(AbortSignal.timeout(10_000));
  assert.deepEqual([server.stored().length, all.counts(), lines], [7, [], []]);
});

test('deliveries: one that leaves and takes nothing holds no flush beyond its signal; what is lost is said', async () => {
  await using there = await leaving(() => 503);
  const { all, server, lines } = there;
  const limit = new AbortController();
  const flushed = all.flush(limit.signal);
  while (server.pushes.length < 2) await new Promise((resolve) => setImmediate(resolve));
  limit.abort();
  await flushed;
  assert.equal(lines.length, 1);
  assert.match(lines.join(), /^error central has left the list, and 7 samples did not reach it: .*503/);
});
