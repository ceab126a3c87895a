// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { middle, starFor } from '../lab/star.ts';
import { startWorker, type Worker } from '../lab/worker.ts';
import { needs } from '../servers/peers.ts';
import { buildFunctions, type Deployment, deployment } from './deployment.ts';

const regions = ['eu-west-1', 'us-east-1', 'ap-northeast-1'];
const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));

before(buildFunctions);

test('regions: packaged functions of three regions probe over TLS into Prometheus; one loses its receiver and says so', async (t) => {
  const prometheus = await needs(t, 'prometheus-3.5');
  const nft = await needs(t, 'nft');
  if (prometheus === undefined || nft === undefined) return;
  const star = await starFor(t, regions);
  if (star === undefined) return;
  await using stack = new AsyncDisposableStack();
  stack.use(star);
  const world = stack.use(
    startWorker(star.words('middle', [process.execPath, script('world-worker.ts'), prometheus.path])),
  );
  const there = await world.ask({});
  const folder = stack.use(await deployment(listOf(there)));
  await folder.write('ca.pem', String(there.ca));
  const packaged = await folder.bothways(['package', '--out', 'function.zip']);
  assert.equal(packaged.code, 0, packaged.stderr);
  const unpacked = join(folder.folder, 'task');
  for (const [name, bytes] of Object.entries(unzipSync(await readFile(join(folder.folder, 'function.zip'))))) {
    await mkdir(dirname(join(unpacked, name)), { recursive: true });
    await writeFile(join(unpacked, name), bytes);
  }
  const workers = regions.map((region) => {
    const environment = {
      ...(there.environment as Record<string, string>),
      AWS_ENDPOINT_URL: `http://${middle}:${there.aws}`,
      AWS_REGION: region,
      BOTHWAYS_VANTAGE: region,
    };
    const words = [process.execPath, script('region-worker.ts'), unpacked, JSON.stringify(environment)];
    return stack.use(startWorker(star.words(region, words)));
  });
  const value = async (query: string) => {
    const { rows } = await world.ask({ query });
    return (rows as { value: number }[])[0]?.value;
  };

  const first = await Promise.all(workers.map((worker) => invoke(worker)));
  for (const { kind, body, output } of first) {
    assert.deepEqual([kind, body.good, body.failed, body.undelivered], ['response', 1, 1, 0], output);
    assert.equal(output, '');
  }
  assert.equal(await value('count(probe_success{name="shop"} == 1)'), 3);
  assert.equal(await value('count(probe_success{name="old"} == 0)'), 3);
  assert.equal(await value('count(probe_failure_info{phase="tls",reason="tls_expired"})'), 3);
  assert.equal(await value('count(probe_ssl_earliest_cert_expiry{name="old"} < time())'), 3);
  assert.equal(await value('count(count by (vantage, vantage_region) (probe_http_duration_seconds))'), 3);
  assert.equal(await value('sum(bothways_heartbeat_checks_finished)'), 6);

  const cut = await star.run('middle', [
    nft.path,
    `table inet cut { chain in { type filter hook input priority 0; ip saddr 10.40.2.2 tcp dport ${there.prometheus} drop; }; }`,
  ]);
  assert.equal(cut.code, 0, cut.stderr);
  const lost = await value('sum by (vantage) (bothways_heartbeat_slot_timestamp_seconds{vantage="ap-northeast-1"})');
  const second = await Promise.all(workers.map((worker) => invoke(worker)));
  for (const [index, { kind, body, output }] of second.entries()) {
    assert.deepEqual([kind, body.good, body.failed], ['response', 1, 1], output);
    if (index < 2) assert.deepEqual([body.undelivered, output], [0, '']);
    else {
      assert.deepEqual([body.delivered, body.undelivered], [0, body.samples]);
      const [line] = output.split('\n').map((text) => JSON.parse(text || '{}'));
      assert.deepEqual([line.level, await alarmMetric(folder, line)], ['ERROR', body.samples]);
      assert.match(line.message.msg, /samples not delivered to 203\.0\.113\.10/);
    }
    assert.doesNotMatch(output, /canary/);
  }
  assert.equal(
    await value('sum by (vantage) (bothways_heartbeat_slot_timestamp_seconds{vantage="ap-northeast-1"})'),
    lost,
  );
  assert.equal(await value(`count(bothways_heartbeat_slot_timestamp_seconds > ${lost})`), 2);
});

type Answer = {
  readonly kind: string;
  readonly body: Record<string, unknown>;
  readonly output: string;
};

const invoke = async (worker: Worker): Promise<Answer> => {
  const event = { shard: 0, of: 1, slot: new Date().toISOString(), window: 60, id: String(Math.random()) };
  return (await worker.ask({ event, remainingMs: 10_000 })) as Answer;
};

/** What the stack's metric filter makes of a log line. */
const alarmMetric = async (folder: Deployment, line: unknown): Promise<unknown> => {
  const { stdout } = await folder.bothways(['render', '--vantage', 'eu-west-1']);
  const { FilterPattern, MetricTransformations } = JSON.parse(stdout).Resources.Undelivered.Properties;
  const [{ MetricValue }] = MetricTransformations;
  assert.equal(FilterPattern, `{ ${MetricValue} > 0 }`);
  const [first, ...keys] = MetricValue.split('.');
  assert.equal(first, '$');
  return keys.reduce((value: Record<string, unknown> | undefined, key: string) => value?.[key], line);
};

const listOf = (there: Record<string, unknown>) => `
vantages: { ${regions.map((region) => `${region}: { kind: lambda }`).join(', ')} }
remote_write:
  - { url: "http://${middle}:${there.prometheus}/api/v1/write", authorization: { credentials: "\${ssm:/push}" } }
modules:
  web: { prober: http, http: { tls_config: { ca_file: ca.pem } } }
defaults: { outside: { module: web, timeout: 2s } }
targets:
  - { name: shop, target: "https://${middle}:${there.web}/", http: { tls_config: { server_name: shop.example } } }
  - { name: old, target: "https://${middle}:${there.expired}/", http: { tls_config: { server_name: old.example } } }
`;
