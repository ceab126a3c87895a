import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { test } from 'node:test';
import { loadTexts } from '../../src/config/load.ts';
import { probers } from '../../src/probers/index.ts';
import { kubernetesServer } from '../servers/kubernetes.ts';
import { receiver } from '../servers/receiver.ts';
import { cli } from './console.ts';
import { startAgent, until } from './running-agent.ts';
import { listFile, site } from './world.ts';

const services = '/api/v1/services';
const pods = '/api/v1/pods';

/** A pod whose address is loopback: something that answers, found by its object. */
const pod = (name: string, port: string, annotations: Record<string, string> = {}) => ({
  metadata: {
    name,
    namespace: 'shop',
    annotations: {
      'bothways.io/probe': 'http',
      'bothways.io/path': '/good',
      'bothways.io/port': port,
      ...annotations,
    },
  },
  spec: { containers: [] },
  status: { phase: 'Running', podIP: '127.0.0.1' },
});

const world = async () => {
  const stack = new AsyncDisposableStack();
  const [web, push, kubernetes] = [
    stack.use(await site()),
    stack.use(await receiver()),
    stack.use(await kubernetesServer()),
  ];
  const port = new URL(web.url).port;
  const list = (more = '') => `
vantages: { prod: { kind: agent } }
remote_write: [{ url: "${push.url}", queue_config: { batch_send_deadline: 100ms } }]
defaults: { inside: { interval: 1s, timeout: 900ms } }
discover:
  kubernetes:
    - { kinds: [pod], server: "${kubernetes.url}", labels: { cluster: prod-a }${more} }
`;
  const series = (name: string, pod_: string) =>
    push.pushes.flatMap((one) => one.series).filter(({ labels }) => labels.__name__ === name && labels.pod === pod_);
  return { web, push, kubernetes, port, list, series, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('discovery: what a cluster has is probed within seconds, and what vanishes ends with stale markers', async () => {
  await using there = await world();
  there.kubernetes.put(pods, pod('one', there.port));
  await using file = await listFile(there.list());
  await using agent = await startAgent(file.path);
  await until(() => there.series('probe_success', 'one').length > 0, 'the first pod');
  const [first] = there.series('probe_success', 'one');
  assert.equal(first?.labels.cluster, 'prod-a');
  assert.equal(first?.labels.namespace, 'shop');
  assert.equal(first?.labels.name, 'shop/one');
  there.kubernetes.put(pods, pod('two', there.port));
  await until(() => there.series('probe_success', 'two').length > 0, 'a pod that came');
  there.kubernetes.remove(pods, 'shop', 'one');
  await until(() => there.series('probe_success', 'one').some(({ value }) => Number.isNaN(value)), 'a stale marker');
  const metrics = await agent.get('/metrics');
  assert.match(metrics, /^bothways_discovery_targets\{source="kubernetes\[0\]"\} 1$/m);
  assert.match(metrics, /^bothways_discovery_up\{source="kubernetes\[0\]"\} 1$/m);
  assert.match(metrics, /^bothways_checks 1$/m);
});

test('discovery: a bad object costs itself only, and is said once; an API server that goes away costs nothing', async () => {
  await using there = await world();
  there.kubernetes.put(pods, pod('good', there.port));
  there.kubernetes.put(pods, pod('bad', there.port, { 'bothways.io/interval': 'often' }));
  await using file = await listFile(there.list());
  await using agent = await startAgent(file.path);
  await until(() => there.series('probe_success', 'good').length > 0, 'the good pod');
  assert.match(await agent.said(/Pod shop\/bad/), /Pod shop\/bad: interval: /);
  there.kubernetes.fail(503, 1_000);
  there.kubernetes.write('', 'cut');
  await until(async () => /^bothways_discovery_up\{.*\} 0$/m.test(await agent.get('/metrics')), 'the metric');
  const before = there.series('probe_success', 'good').length;
  await until(() => there.series('probe_success', 'good').length > before + 1, 'it goes on');
  assert.equal(agent.lines.filter((line) => line.includes('Pod shop/bad')).length, 1);
  assert.equal(await agent.stop(), 0);
});

test('discovery: an agent starts while the API server is away, and finds what is there when it comes', async () => {
  await using there = await world();
  there.kubernetes.put(pods, pod('late', there.port));
  there.kubernetes.fail(503, 2);
  await using file = await listFile(there.list());
  await using agent = await startAgent(file.path);
  await until(() => there.series('probe_success', 'late').length > 0, 'the pod');
  assert.equal(await agent.stop(), 0);
});

test('discovery: file_sd lists are read, a broken one stays as it was, and a block that is taken out ends', async () => {
  await using there = await world();
  await using file = await listFile('');
  const sd = join(dirname(file.path), 'sd.json');
  const target = `http://127.0.0.1:${there.port}/good`;
  await writeFile(sd, JSON.stringify([{ targets: [target], labels: { pod: 'x' } }]));
  await writeFile(
    file.path,
    there.list().replace(/discover:[\s\S]*/, `discover: { file_sd: [{ files: ["${dirname(sd)}/*.json"] }] }`),
  );
  await using agent = await startAgent(file.path, '--reload-interval', '200ms');
  await until(() => there.series('probe_success', 'x').length > 0, 'the target');
  await writeFile(sd, '[{');
  await writeFile(file.path, `${there.list().replace(/discover:[\s\S]*/, '')}\ntargets: [ "${target}?own" ]\n`);
  await until(() => there.series('probe_success', 'x').some(({ value }) => Number.isNaN(value)), 'a stale marker');
  assert.equal(await agent.stop(), 0);
});

test('discovery: only what the block names is asked of the API server', async () => {
  await using there = await world();
  there.kubernetes.put(services, { metadata: { name: 'x', namespace: 'shop' }, spec: {} });
  await using file = await listFile(there.list(', namespaces: [shop, pay], selector: "team=x"'));
  await using agent = await startAgent(file.path);
  await until(() => there.kubernetes.seen.filter(({ verb }) => verb === 'watch').length === 2, 'two watches');
  assert.deepEqual([...new Set(there.kubernetes.seen.map(({ path }) => path))].sort(), [
    '/api/v1/namespaces/pay/pods',
    '/api/v1/namespaces/shop/pods',
  ]);
  for (const { query } of there.kubernetes.seen) assert.equal(query.get('labelSelector'), 'team=x');
  assert.equal(await agent.stop(), 0);
});

const ingress = (name: string, host: string, annotations: Record<string, string> = {}) => ({
  metadata: { name, namespace: 'shop', annotations },
  spec: { tls: [{ hosts: [host] }], rules: [{ host, http: { paths: [{ path: '/' }] } }] },
});
const ingresses = '/apis/networking.k8s.io/v1/ingresses';

test('discover: the hosts of a cluster that the world can reach are printed as a list that loads', async () => {
  await using kubernetes = await kubernetesServer();
  kubernetes.absent.add('httproutes').add('gateways');
  kubernetes.put(ingresses, ingress('web', 'shop.example.com', { 'bothways.io/interval': '2m' }));
  kubernetes.put(ingresses, ingress('admin', 'admin.shop.internal'));
  kubernetes.put(ingresses, ingress('address', '10.0.0.7'));
  kubernetes.put(ingresses, ingress('many', '*.example.com'));
  const { code, stdout, stderr } = await cli(['discover', '--server', kubernetes.url]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^warning: Ingress shop\/many: the host \*\.example\.com stands for many names/m);
  const loaded = loadTexts([{ file: 'x.yml', text: `${stdout}\nvantages: { eu-west-1: { kind: lambda } }\n` }], {
    probers,
  });
  if (!loaded.ok) assert.fail(`${JSON.stringify(loaded.problems)}\n${stdout}`);
  assert.deepEqual(
    loaded.compiled.checks.map(({ id, target }) => [id, target.intervalMs]),
    [['shop.example.com@eu-west-1', 120_000]],
  );
  const inside = await cli(['discover', '--server', kubernetes.url, '--side', 'inside', '--json', '--kind', 'ingress']);
  const targets = JSON.parse(inside.stdout).groups.flatMap((group: { targets: { target: string }[] }) => group.targets);
  assert.deepEqual(targets.map(({ target }: { target: string }) => target).sort(), [
    'https://10.0.0.7',
    'https://admin.shop.internal',
  ]);
});

test('discover: a server that is away, none, and wrong flags are told apart', async () => {
  const away = await cli(['discover', '--server', 'http://127.0.0.1:1']);
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^bothways: kubernetes\[0\]: the API server cannot be reached: ECONNREFUSED$/m);
  const none = await cli(['discover']);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /this is no pod of a cluster; write `server:`/);
  assert.match((await cli(['discover', '--kind', 'deployment'])).stderr, /write one of ingress, httproute/);
  assert.match((await cli(['discover', '--namespace', 'A B'])).stderr, /--namespace: write the name of a namespace/);
  await using file = await listFile('vantages: { a: { kind: agent } }\ntargets: [ "tcp://a.svc:1" ]');
  assert.match((await cli(['discover', '--config', file.path])).stderr, /the list has no block `discover`/);
  assert.match((await cli(['discover', '--config', file.path, '--kind', 'pod'])).stderr, /not both/);
});
