import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { startAgent } from '../../src/agent/agent.ts';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { newestLists, s3ObjectsOf } from '../../src/lambda/newest-lists.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { until } from '../cli/running-agent.ts';
import { listFile } from '../cli/world.ts';
import { awsServer } from '../servers/aws.ts';
import { kubernetesServer } from '../servers/kubernetes.ts';

const ingress = (name: string, host: string) => ({
  metadata: { name, namespace: 'shop' },
  spec: { tls: [{ hosts: [host] }], rules: [{ host, http: { paths: [{ path: '/' }] } }] },
});

test('publishing: a function takes what an agent found, until the list of the agent publishes no more', async () => {
  await using stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer({ mayList: false }));
  const kubernetes = stack.use(await kubernetesServer());
  kubernetes.put('/apis/networking.k8s.io/v1/ingresses', ingress('web', 'www.example.com'));
  const common = `
vantages: { eu-west-1: { kind: lambda }, prod-a: { kind: agent } }
aws: { list: { bucket: lists, region: eu-west-1, clusters: [prod-a] } }`;
  const file = stack.use(
    await listFile(`${common}
discover:
  kubernetes: [{ kinds: [ingress], server: "${kubernetes.url}" }]
  publish: { cluster: prod-a, stage: prod, namespaces: [shop], max_targets: 10 }
`),
  );
  const lines: string[] = [];
  const started = await startAgent({
    source: { paths: [file.path], vantage: 'prod-a', probers, environment: aws.environment },
    shard: { index: 0, of: 1 },
    clock: marks(),
    log: (level, text) => void lines.push(`${level} ${text}`),
  });
  if (!started.ok) assert.fail(started.problems.join('\n'));
  stack.defer(async () => void (await started.agent.stop(0)));
  const key = 'lists/bothways/prod/clusters/prod-a/eu-west-1.json';
  await until(() => aws.objects.has(key), lines.join('\n'));

  const loaded = loadValue({ vantages: { 'eu-west-1': { kind: 'lambda' } }, targets: [] }, { probers });
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const deployed = readPacked(packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} }));
  if (!deployed.ok) assert.fail(deployed.why);
  aws.objects.set('lists/own.json', Buffer.from(packList({ ...deployed.packed })));
  const kit = stack.use(makeKit({ environment: aws.environment }));
  const lists = newestLists({
    deployed: deployed.packed,
    vantage: 'eu-west-1',
    objects: s3ObjectsOf(`s3://lists/own.json s3://${key}`, 'eu-west-1'),
    mostTargets: new Map(),
    probers,
    aws: kit.aws,
    now: Date.now,
  });
  const taken = await lists();
  assert.deepEqual([taken.problem, taken.remarks], [undefined, []]);
  assert.deepEqual(
    taken.packed.checks.map(({ target, labels }) => [target.name, target.address, labels.ingress]),
    [['prod-a/shop/www.example.com', 'https://www.example.com', 'web']],
  );
  assert.ok(Date.now() - (taken.clusters[0]?.writtenAt ?? 0) < 60_000);

  await writeFile(file.path, `${common}\ntargets: ["tcp://db.svc:5432"]\n`);
  assert.deepEqual(await started.agent.reload(), []);
  const left = () => {
    const read = readPacked(gunzipSync(aws.objects.get(key) ?? assert.fail('it is gone')).toString());
    return read.ok ? read.packed.checks.length : undefined;
  };
  await until(() => left() === 0, lines.join('\n'));
  assert.deepEqual((await lists()).packed.checks, []);
});
