import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { discoverSettings } from '../../src/config/discover.ts';
import { cluster } from '../../src/discover/cluster.ts';
import { until } from '../cli/running-agent.ts';
import { kubernetesServer } from '../servers/kubernetes.ts';

const ingresses = '/apis/networking.k8s.io/v1/ingresses';
const httpRoutes = '/apis/gateway.networking.k8s.io/v1/httproutes';
const gateways = '/apis/gateway.networking.k8s.io/v1/gateways';
const pods = '/api/v1/pods';

/** Watches the stand-in by a block of the list. */
const watching = async (server: string, block: object) => {
  const [settings] = discoverSettings.parse({ kubernetes: [{ server, ...block }] }).kubernetes;
  if (settings === undefined) throw new Error('there is no block');
  const source = cluster({ name: 'x', settings, environment: {}, file: (path) => readFile(path), changed: () => {} });
  await source.first;
  return source;
};
type Watching = Awaited<ReturnType<typeof watching>>;
const targets = (source: Watching) => source.finds().found.map(({ entry }) => entry.target);

test('cluster: only Ingresses of the classes that the block names are read, by the field or by the old annotation', async () => {
  await using kubernetes = await kubernetesServer();
  const put = (name: string, spec: object, annotations: object = {}) => {
    const metadata = { name, namespace: 'shop', annotations };
    kubernetes.put(ingresses, { metadata, spec: { rules: [{ host: `${name}.example.com` }], ...spec } });
  };
  put('new', { ingressClassName: 'public' });
  put('old', {}, { 'kubernetes.io/ingress.class': 'public' });
  put('other', { ingressClassName: 'internal' });
  put('none', {});
  await using some = await watching(kubernetes.url, { kinds: ['ingress'], ingress_classes: ['public'] });
  assert.deepEqual(targets(some), ['http://new.example.com', 'http://old.example.com']);
  await using all = await watching(kubernetes.url, { kinds: ['ingress'] });
  assert.equal(targets(all).length, 4);
  assert.deepEqual(all.finds().remarks, []);
});

test('cluster: Gateways are looked for in the namespaces of the block, or in those that are named for them', async () => {
  await using kubernetes = await kubernetesServer();
  const allowedRoutes = { namespaces: { from: 'All' } };
  kubernetes.put(gateways, {
    metadata: { name: 'gw', namespace: 'infra' },
    spec: { listeners: [{ name: 'https', protocol: 'HTTPS', port: 443, allowedRoutes }] },
  });
  kubernetes.put(httpRoutes, {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { parentRefs: [{ name: 'gw', namespace: 'infra' }], hostnames: ['a.example.com'] },
  });
  const block = { kinds: ['httproute'], namespaces: ['shop'] };
  await using near = await watching(kubernetes.url, block);
  assert.deepEqual(near.finds(), {
    found: [],
    remarks: [
      {
        tenant: 'shop',
        origin: 'HTTPRoute shop/web',
        why: 'the Gateway infra/gw is not looked for; write infra into `gateway_namespaces`',
      },
    ],
  });
  await using far = await watching(kubernetes.url, { ...block, gateway_namespaces: ['infra'] });
  assert.deepEqual([targets(far), far.finds().remarks], [['https://a.example.com'], []]);
  await using all = await watching(kubernetes.url, { kinds: ['httproute'] });
  assert.deepEqual(targets(all), ['https://a.example.com']);
});

test('cluster: a Pod counts from when it is ready for the first time until it is gone, also while it is not ready', async () => {
  await using kubernetes = await kubernetesServer();
  const put = (name: string, uid: string, ready: 'True' | 'False') => {
    const annotations = { 'bothways.io/probe': 'tcp', 'bothways.io/port': '1' };
    const status = { phase: 'Running', podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: ready }] };
    const metadata = { name, uid, namespace: 'shop', annotations };
    kubernetes.put(pods, { metadata, spec: {}, status });
  };
  const names = () => source.finds().found.map(({ entry }) => entry.name);
  put('web', 'a', 'False');
  await using source = await watching(kubernetes.url, { kinds: ['pod'] });
  await until(() => kubernetes.seen.some(({ verb }) => verb === 'watch'), 'the watch');
  assert.deepEqual(names(), []);
  put('web', 'a', 'True');
  await until(() => names().length === 1, 'the Pod that is ready');
  put('web', 'a', 'False');
  put('next', 'b', 'True');
  await until(() => names().includes('shop/next'), 'the other Pod');
  assert.deepEqual(names(), ['shop/web', 'shop/next']);
  put('web', 'c', 'False');
  await until(() => names().length === 1, 'the Pod that took its name');
  assert.deepEqual(names(), ['shop/next']);
});

test('cluster: a kind that the API server does not know is said, and no more once it does', async () => {
  await using kubernetes = await kubernetesServer();
  kubernetes.absent.add('httproutes').add('gateways');
  await using source = await watching(kubernetes.url, { kinds: ['ingress', 'httproute'] });
  const said = ['httproutes', 'gateways'].map((resource) => ({
    origin: `gateway.networking.k8s.io/v1 ${resource}`,
    why: 'the API server does not know this kind; nothing of it is found until it does',
  }));
  assert.deepEqual(source.finds().remarks, said);
  assert.equal(source.state().problem, undefined);
  kubernetes.absent.clear();
  await using later = await watching(kubernetes.url, { kinds: ['httproute'] });
  assert.deepEqual(later.finds().remarks, []);
});
