import assert from 'node:assert/strict';
import { test } from 'node:test';
import { undeliveredSince } from '../../src/agent/deliveries.ts';
import type { Counts } from '../../src/delivery/deliver.ts';

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
