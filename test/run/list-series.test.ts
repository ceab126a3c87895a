import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allLabels } from '../../src/kernel/sample.ts';
import { heartbeats } from '../../src/run/list-series.ts';

const vantage = { name: 'prod-a', kind: 'agent', labels: { vantage_cluster: 'prod-a' } } as const;

test('heartbeat: it says the slot and the counts, at the slot, with the labels of the place and the shard', () => {
  const samples = heartbeats(vantage, '1/3', { env: 'prod' })({
    slot: 1_700_000_000_000,
    assigned: 5,
    finished: 3,
    skipped: 2,
    lagMs: 250,
  });
  const told = Object.fromEntries(samples.map(({ series, value }) => [series.metric.name, value]));
  assert.deepEqual(told, {
    bothways_heartbeat_slot_timestamp_seconds: 1_700_000_000,
    bothways_heartbeat_checks_assigned: 5,
    bothways_heartbeat_checks_finished: 3,
    bothways_heartbeat_checks_skipped: 2,
    bothways_heartbeat_lag_seconds: 0.25,
  });
  assert.ok(samples.every(({ at }) => at === 1_700_000_000_000));
  assert.deepEqual(Object.fromEntries(samples[0] === undefined ? [] : allLabels(samples[0].series)), {
    __name__: 'bothways_heartbeat_slot_timestamp_seconds',
    env: 'prod',
    job: 'bothways',
    shard: '1/3',
    vantage: 'prod-a',
    vantage_cluster: 'prod-a',
    vantage_kind: 'agent',
  });
});

test('heartbeat: a series is the same object every time', () => {
  const beat = heartbeats(vantage, '0/1', {});
  const once = beat({ slot: 0, assigned: 0, finished: 0, skipped: 0, lagMs: 0 });
  const again = beat({ slot: 1, assigned: 0, finished: 0, skipped: 0, lagMs: 0 });
  assert.ok(once.every(({ series }, index) => series === again[index]?.series));
});
