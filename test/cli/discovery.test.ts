import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
    - { kinds: [pod], server: "${kubernetes.url}", labels: { cluster: prod-a }, allow_ranges: [127.0.0.0/8]${more} }
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
  await until(() => there.series('probe_success', 'one').some(({ value }) => value === 1), 'the first pod');
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

test("discovery: an address that is not its namespace's own is not dialled for an object, unless the block has its range", async () => {
  await using there = await world();
  there.kubernetes.put(pods, pod('one', there.port));
  await using file = await listFile(there.list().replace(', allow_ranges: [127.0.0.0/8]', ''));
  await using agent = await startAgent(file.path);
  await until(() => there.series('probe_failure_info', 'one').length > 0, 'a failure');
  const [failed] = there.series('probe_failure_info', 'one');
  assert.equal(failed?.labels.reason, 'blocked_address');
  assert.equal(await agent.stop(), 0);
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

test('discovery: the log and the page say why what was found may be out of date, and when it no longer is', async () => {
  await using there = await world();
  there.kubernetes.put(pods, pod('good', there.port));
  there.kubernetes.fail(403, 1);
  await using file = await listFile(there.list());
  await using agent = await startAgent(file.path);
  assert.match(
    await agent.said(/kubernetes/),
    /kubernetes\[0\]: the API server does not let us read this \(403\); look at the ClusterRole; what was found before stays/,
  );
  await agent.said(/kubernetes\[0\] is up to date again/);
  there.kubernetes.fail(503, 1_000);
  there.kubernetes.write('', 'cut');
  await agent.said(/answered 503/);
  const { list } = JSON.parse(await agent.get('/api/status'));
  assert.deepEqual(list.found, [{ source: 'kubernetes[0]', targets: 1, problem: 'the API server answered 503' }]);
  assert.equal(await agent.stop(), 0);
});

test('discovery: what was found stays when the block is written anew while the API server is away', async () => {
  await using there = await world();
  there.kubernetes.put(pods, pod('good', there.port));
  await using file = await listFile(there.list());
  await using agent = await startAgent(file.path, '--reload-interval', '200ms');
  await until(() => there.series('probe_success', 'good').length > 0, 'the pod');
  there.kubernetes.fail(503, 1_000);
  there.kubernetes.write('', 'cut');
  await writeFile(file.path, there.list(', max_targets: 7'));
  await agent.said(/list [0-9a-f]+ is in use: 1 checks/);
  const before = there.series('probe_success', 'good').length;
  await until(() => there.series('probe_success', 'good').length > before + 1, 'it goes on');
  assert.ok(!there.series('probe_success', 'good').some(({ value }) => Number.isNaN(value)));
  there.kubernetes.remove(pods, 'shop', 'good');
  there.kubernetes.fail(0, 0);
  await until(() => there.series('probe_success', 'good').some(({ value }) => Number.isNaN(value)), 'its end');
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
  kubernetes.put(ingresses, ingress('short', '10.1'));
  kubernetes.put(ingresses, ingress('hidden', '10.0.0.8.nip.io'));
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
    [['shop/shop.example.com@eu-west-1', 120_000]],
  );
  const inside = await cli(['discover', '--server', kubernetes.url, '--side', 'inside', '--json', '--kind', 'ingress']);
  const targets = JSON.parse(inside.stdout).groups.flatMap((group: { targets: { target: string }[] }) => group.targets);
  assert.deepEqual(targets.map(({ target }: { target: string }) => target).sort(), [
    'https://10.0.0.7',
    'https://10.0.0.8.nip.io',
    'https://10.1',
    'https://admin.shop.internal',
  ]);
});

test('discover: a server that has no time at first is asked again; a file is written whole or not at all', async () => {
  await using kubernetes = await kubernetesServer();
  kubernetes.put(ingresses, ingress('web', 'shop.example.com'));
  await using folder = await listFile('what was there');
  const words = ['discover', '--server', kubernetes.url, '--kind', 'ingress', '--output', folder.path];
  kubernetes.fail(503, 1_000);
  const failed = await cli([...words, '--wait', '1s']);
  assert.equal(failed.code, 1, failed.stderr);
  assert.equal(await readFile(folder.path, 'utf8'), 'what was there');
  kubernetes.fail(503, 1);
  const { code, stdout, stderr } = await cli(words);
  assert.deepEqual([code, stdout], [0, ''], stderr);
  assert.match(await readFile(folder.path, 'utf8'), /https:\/\/shop\.example\.com/);
  assert.deepEqual(await readdir(dirname(folder.path)), [basename(folder.path)]);
  const nowhere = await cli([...words.slice(0, -1), `${folder.path}/x/y.yml`]);
  assert.match(nowhere.stderr, /y\.yml cannot be written: ENOTDIR/);
});

test('discover: flags say in which namespaces Gateways are, and which classes of Ingress are for the world', async () => {
  await using kubernetes = await kubernetesServer();
  kubernetes.put(ingresses, ingress('web', 'shop.example.com', { 'kubernetes.io/ingress.class': 'public' }));
  kubernetes.put(ingresses, ingress('admin', 'admin.example.com'));
  const flags = ['--namespace', 'shop', '--gateway-namespace', 'infra', '--ingress-class', 'public', '--json'];
  const { code, stdout, stderr } = await cli(['discover', '--server', kubernetes.url, ...flags]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /shop\.example\.com/);
  assert.doesNotMatch(stdout, /admin/);
  assert.deepEqual(
    [...new Set(kubernetes.seen.map(({ path }) => path))].filter((path) => path.includes('gateways')),
    ['/apis/gateway.networking.k8s.io/v1/namespaces/infra/gateways'],
  );
  const wrong = await cli(['discover', '--server', kubernetes.url, '--gateway-namespace', 'A B']);
  assert.match(wrong.stderr, /--gateway-namespace: write the name of a namespace/);
});

test('discover: a server that is away, none, and wrong flags are told apart', async () => {
  const away = await cli(['discover', '--server', 'http://127.0.0.1:1', '--wait', '1s']);
  assert.deepEqual([away.code, away.stdout], [1, '']);
  assert.match(away.stderr, /^bothways: kubernetes\[0\]: the API server cannot be reached: ECONNREFUSED$/m);
  const none = await cli(['discover']);
  assert.deepEqual([none.code, none.stdout], [2, '']);
  assert.match(none.stderr, /^bothways: this is no pod of a cluster; write --server URL, for example/);
  assert.match((await cli(['discover', '--kind', 'deployment'])).stderr, /write one of ingress, httproute/);
  assert.match((await cli(['discover', '--namespace', 'A B'])).stderr, /--namespace: write the name of a namespace/);
  await using block = await listFile(
    'vantages: { a: { kind: agent } }\ndiscover: { kubernetes: [{ kinds: [pod], max_targets: 9 }] }\ntargets: []',
  );
  const outside = await cli(['discover', '--config', block.path]);
  assert.deepEqual([outside.code, outside.stdout], [1, '']);
  assert.match(outside.stderr, /^bothways: kubernetes\[0\]: this is no pod of a cluster; write `server:`/m);
  await using file = await listFile('vantages: { a: { kind: agent } }\ntargets: [ "tcp://a.svc:1" ]');
  assert.match((await cli(['discover', '--config', file.path])).stderr, /the list has no block `discover`/);
  assert.match((await cli(['discover', '--config', file.path, '--kind', 'pod'])).stderr, /not both/);
});
