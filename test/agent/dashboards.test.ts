import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startAgent } from '../../src/agent/agent.ts';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { listFile, site } from '../cli/world.ts';
import { needs } from '../servers/peers.ts';
import { type Prometheus, prometheus } from '../servers/prometheus.ts';
import { victoriaMetrics } from '../servers/victoria-metrics.ts';

// What network_exporter's dashboard (PingStation) asks for, panel by panel, in words of our own: same series, labels and functions.

const at = '{host=~"station", name=~"loop"}';
const web = '{host=~"station", name=~"web"}';

/** Version 25 of the dashboard asks in PromQL. */
const promql = [
  `min_over_time(ping_rtt_seconds{host="station", type="usd"}[1m])`,
  `max_over_time(ping_rtt_seconds{host="station", type="csd"}[1m])`,
  `last_over_time(ping_rtt_seconds{host="station", type="range"}[1m])`,
  ...['best', 'mean', 'worst'].map(
    (type) => `avg by (host) (ping_rtt_seconds{host="station", name="loop", type="${type}"})`,
  ),
  `ping_loss_percent${at}`,
  `ping_loss_percent${at} >= 0`,
  'mtr_hops{host=~"station", name=~"path"}',
  `avg_over_time(mtr_rtt_seconds{host="station", name="path", type="mean"}[1m])`,
  `avg_over_time(mtr_rtt_seconds{host="station", name="path", type="loss"}[1m])`,
  `changes(mtr_hops{name="path"}[1m])`,
  'tcp_connection_status{host="station", name="port"}',
  'avg_over_time(tcp_connection_seconds{host="station", name="port"}[1m])',
  `avg by (host, type) (http_get_seconds${web})`,
  `http_get_seconds{host="station", name="web", type="Total"}`,
  `http_get_content_bytes${web} / ignoring(type) http_get_seconds{host="station", name="web", type="Total"}`,
  `http_get_status${web}`,
  ...['ping', 'mtr', 'tcp', 'http_get'].flatMap((kind) => [
    `${kind}_up{host="station"}`,
    `${kind}_targets{host="station"}`,
  ]),
  'go_goroutines{host="station"}',
  'process_resident_memory_bytes{host="station"}',
  'sum by (type, result) (network_exporter_probe_total{host="station"})',
  'network_exporter_probe_inflight{host="station"}',
  'sum by (type, reason) (network_exporter_probe_skipped_total{host="station"})',
  'time() - network_exporter_probe_last_completion_timestamp_seconds{host="station"}',
  ...['probe_duration', 'probe_queue_wait', 'collector_scrape_duration'].map(
    (name) => `sum by (le) (network_exporter_${name}_seconds_bucket{host="station"})`,
  ),
];

/** Version 24 asks in MetricsQL: functions that PromQL lacks, and aggregations over a range. */
const metricsql = [
  'keep_last_value(ping_rtt_seconds{host="station", name="loop", type="usd"})',
  'avg(ping_rtt_seconds{host="station", name="loop", type="mean"}[1m])',
  'max(ping_loss_percent{host="station", name="loop"}[1m])',
  'keep_last_value(mtr_rtt_seconds{host="station", name="path", type="mean"})',
  'avg(mtr_rtt_seconds{host="station", name="path", type="loss"}[1m])',
  'avg(http_get_seconds{host="station", name="web"}[1m]) by (host, type)',
  'keep_last_value(http_get_seconds{host="station", name="web", type="Total"})',
];

const list = (urls: readonly string[], site: string) => `
vantages: { station: { kind: agent } }
remote_write: [${urls.map((url) => `{ url: "${url}", queue_config: { batch_send_deadline: 100ms } }`).join(', ')}]
defaults: { inside: { interval: 5s, timeout: 2s, names: [network_exporter] } }
targets:
  - { name: loop, target: "icmp://127.0.0.1", side: inside, icmp: { count: 3, interval: 50ms, reply_timeout: 500ms } }
  - { name: path, target: "mtr://127.0.0.1", side: inside, timeout: 4s, mtr: { count: 2, interval: 200ms, reply_timeout: 200ms } }
  - { name: port, target: "tcp://${new URL(site).host}", side: inside }
  - { name: web, target: "${site}/", side: inside }
`;

test("dashboards: all that network_exporter's asks for returns data, from Prometheus and from VictoriaMetrics", async (t) => {
  const engine = await openEngine();
  await engine[Symbol.asyncDispose]();
  if (engine.capabilities.icmp4 === 'none') return t.skip(engine.capabilities.why);
  const [old, other] = [await needs(t, 'prometheus-3.5'), await needs(t, 'victoria-metrics')];
  if (old === undefined || other === undefined) return;
  await using server = await site();
  await using first = await prometheus(old.path);
  await using second = await victoriaMetrics(other.path);
  await using file = await listFile(list([first.writeUrl, second.writeUrl], server.url));
  const started = await startAgent({
    source: { paths: [file.path], vantage: undefined, probers, environment: {} },
    shard: { index: 0, of: 1 },
    clock: marks(),
    log: () => {},
  });
  assert.ok(started.ok, JSON.stringify(started));
  try {
    await answers(first, promql);
    await answers(second, [...promql, ...metricsql]);
  } finally {
    await started.agent.stop(5_000);
  }
});

/** Waits until all queries have an answer; what the agent says of itself comes every quarter of a minute. */
const answers = async (store: Prometheus, queries: readonly string[]) => {
  let empty = [...queries];
  for (let tries = 0; empty.length > 0 && tries < 80; tries += 1) {
    const answered = await Promise.all(empty.map(async (query) => (await store.query(query)).length > 0));
    empty = empty.filter((_, index) => answered[index] !== true);
    if (empty.length > 0) await wait(500);
  }
  assert.deepEqual(empty, []);
};
