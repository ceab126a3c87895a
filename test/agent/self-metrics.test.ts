import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { test } from 'node:test';
import {
  agentName,
  endedSamples,
  selfLabels,
  selfMetrics,
  selfPoints,
  selfSamples,
} from '../../src/agent/self-metrics.ts';

const vantage = { name: 'prod', kind: 'agent', labels: { vantage_cluster: 'a' } } as const;
/** What an agent that has done nothing says of itself, by the list with this hash. */
const pointsOf = (hash = '', loadedAt = 0) =>
  selfPoints({
    startedAt: 0,
    checks: 0,
    runs: { good: 0, failed: 0, void: 0 },
    skipped: { overlap: 0, late: 0 },
    doubtful: 0,
    lagMs: 0,
    escaped: { check: 0, process: 0 },
    list: { hash, loadedAt, ok: true },
    deliveries: [],
  });

test('self metrics: shards of one vantage have series of their own, an agent alone has no shard', () => {
  assert.equal(selfLabels(vantage, { index: 1, of: 3 }, {}).shard, '1/3');
  assert.equal(selfLabels(vantage, { index: 0, of: 1 }, {}).shard, '');
});

test('self metrics: two agents of one name can be told apart', () => {
  const points = pointsOf();
  const [info, ...others] = points.filter(({ metric }) => metric === selfMetrics.agent);
  assert.deepEqual([info?.labels, info?.value, others], [{ agent: `${hostname()}-${process.pid}` }, 1, []]);
});

test('self metrics: two agents of one host have two names, one in a container has that of its host', () => {
  assert.notEqual(agentName('node-1', 4711), agentName('node-1', 4712));
  assert.equal(agentName('bothways-6f9c7-x2x4z', 1), 'bothways-6f9c7-x2x4z');
});

test('self metrics: the series of a list that is no more in use ends, and nothing else does', () => {
  const said = (hash: string, at: number) => selfSamples(pointsOf(hash, at), {}, at);
  const ended = endedSamples(said('a', 1), said('b', 2), 2);
  assert.deepEqual(
    ended.map(({ series, at, value }) => [series.metric.name, Object.fromEntries(series.labels).hash, at, value]),
    [['bothways_list_info', 'a', 2, 'stale']],
  );
  assert.deepEqual(endedSamples(said('a', 1), said('a', 2), 2), []);
});
