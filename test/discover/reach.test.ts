import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { discoverSettings } from '../../src/config/discover.ts';
import { cluster } from '../../src/discover/cluster.ts';
import { keysOf, type ReachRules, reachRule } from '../../src/discover/reach.ts';
import { kubernetesServer } from '../servers/kubernetes.ts';

const known = {
  never: keysOf(['10.9.0.1', '198.51.100.9', 'fd00::9']),
  own: keysOf(['10.96.0.5', 'fd00::5', '10.9.0.1']),
};
const may = (ip: string, rules: Partial<ReachRules> = {}) =>
  reachRule({ allow: 'own', ranges: [], ...rules })(ip, known);

test('reach: a found target leads to public addresses and to those of its namespace, in whichever form', () => {
  for (const ip of ['192.0.2.1', '2001:db8::1', '10.96.0.5', '::ffff:10.96.0.5', 'fd00:0:0::0005', '64:ff9b::c000:201'])
    assert.equal(may(ip), true, ip);
  for (const ip of ['10.96.0.6', '192.168.0.1', '100.64.0.1', 'fd00::6', '::10.96.0.5', '2002:a60:5::1', 'shop', ''])
    assert.equal(may(ip), false, ip);
});

/** Loopback, links, nodes and the API server, as they are and as translators and tunnels write them. */
const forbidden = [
  ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.1.1', '169.254.169.254', '224.0.0.1', '255.255.255.255'],
  ...['::1', '::', 'fe80::1', 'fe80::1%eth0', 'ff02::1', 'fec0::1', '::ffff:127.0.0.1', '::127.0.0.1'],
  ...['64:ff9b::7f00:1', '64:ff9b:1::1', '2002:7f00:1::1', 'fd00::5efe:7f00:1', 'fd00::200:5efe:127.0.0.1'],
  ...['2001:0:0:0:0:0:80ff:fffe', '10.9.0.1', '198.51.100.9', 'fd00::9', '64:ff9b::a09:1', '::ffff:10.9.0.1'],
];

test('reach: loopback, link-local addresses, nodes and the API server are never reached unless a range names them', () => {
  for (const allow of ['own', 'any'] as const)
    for (const ip of forbidden) assert.equal(may(ip, { allow }), false, `${allow} ${ip}`);
  for (const ip of ['10.96.0.6', 'fd00::6', '192.168.0.1']) assert.equal(may(ip, { allow: 'any' }), true, ip);
  const ranges = ['127.0.0.0/8', '10.9.0.0/16'];
  for (const ip of ['127.0.0.1', '::ffff:127.0.0.1', '10.9.0.1', '10.9.7.7'])
    assert.equal(may(ip, { ranges }), true, ip);
  for (const ip of ['::1', '10.10.0.1']) assert.equal(may(ip, { ranges }), false, ip);
});

const services = '/api/v1/services';
const pods = '/api/v1/pods';
const ingresses = '/apis/networking.k8s.io/v1/ingresses';

test("reach: what is a namespace's own is what the API server shows of its Services, Pods and load balancers", async () => {
  await using kubernetes = await kubernetesServer();
  const put = (collection: string, namespace: string, name: string, more: object) =>
    kubernetes.put(collection, { metadata: { namespace, name }, ...more });
  const selector = { app: 'x' };
  put(services, 'shop', 'web', { spec: { selector, clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5', 'fd00::5'] } });
  put(services, 'shop', 'headless', { spec: { selector, clusterIP: 'None' } });
  // Who writes the endpoints of such a Service says where it leads.
  put(services, 'shop', 'by-hand', { spec: { clusterIP: '10.96.0.6' } });
  put(services, 'pay', 'web', { spec: { selector, clusterIP: '10.96.0.7' } });
  put(services, 'default', 'kubernetes', { spec: { selector, clusterIP: '10.96.0.1' } });
  const pod = (podIP: string, more: object = {}) => ({
    spec: {},
    status: { phase: 'Running', podIP, hostIP: '198.51.100.9' },
    ...more,
  });
  put(pods, 'shop', 'web', pod('10.244.0.5'));
  put(pods, 'shop', 'on-node', pod('10.9.0.1', { spec: { hostNetwork: true } }));
  put(pods, 'shop', 'done', { spec: {}, status: { phase: 'Succeeded', podIP: '10.244.0.6' } });
  put(pods, 'pay', 'web', pod('10.244.0.7'));
  put(ingresses, 'shop', 'web', {
    spec: { rules: [{ host: 'shop.example.com' }] },
    status: { loadBalancer: { ingress: [{ ip: '10.0.0.50' }, { ip: '127.0.0.1' }] } },
  });
  const open = async (block: object, environment = {}) => {
    const [settings] = discoverSettings.parse({ kubernetes: [{ server: kubernetes.url, ...block }] }).kubernetes;
    if (settings === undefined) assert.fail('there is no block');
    const source = cluster({ name: 'x', settings, environment, file: (path) => readFile(path), changed: () => {} });
    await source.first;
    source.finds();
    return source;
  };
  await using all = await open(
    { kinds: ['service', 'pod', 'ingress'] },
    { KUBERNETES_SERVICE_HOST: '192.0.2.10', BOTHWAYS_NODE_IP: '192.0.2.11' },
  );
  for (const ip of ['10.96.0.5', 'fd00::5', '10.244.0.5', '10.0.0.50', '192.0.2.1'])
    assert.equal(all.mayReach('shop', ip), true, ip);
  const others = ['10.96.0.6', '10.96.0.7', '10.96.0.1', '10.244.0.7', '10.244.0.6', '10.9.0.1', '127.0.0.1'];
  const own = Object.values(networkInterfaces()).flatMap((rows) => rows?.map(({ address }) => address) ?? []);
  for (const ip of [...others, '198.51.100.9', '192.0.2.10', '192.0.2.11', ...own])
    assert.equal(all.mayReach('shop', ip), false, ip);
  assert.equal(all.mayReach('pay', '10.96.0.7'), true);
  assert.equal(all.mayReach('other', '10.96.0.7'), false);
  await using probes = await open({ kinds: ['probe'], namespaces: ['shop'] });
  assert.deepEqual([probes.mayReach('shop', '10.96.0.5'), probes.mayReach('shop', '10.244.0.5')], [true, false]);
});

test('reach: a Service whose addresses are not known to be its own is told so where it is to be probed', async () => {
  await using kubernetes = await kubernetesServer();
  const put = (name: string, spec: object) =>
    kubernetes.put(services, {
      metadata: { namespace: 'shop', name, annotations: { 'bothways.io/probe': 'tcp', 'bothways.io/port': '80' } },
      spec,
    });
  put('by-hand', { clusterIP: '10.96.0.6' });
  put('headless', { selector: { app: 'x' }, clusterIP: 'None' });
  put('usual', { selector: { app: 'x' }, clusterIP: '10.96.0.5' });
  const remarksBy = async (block: object) => {
    const [settings] = discoverSettings.parse({ kubernetes: [{ server: kubernetes.url, ...block }] }).kubernetes;
    if (settings === undefined) assert.fail('there is no block');
    await using source = cluster({
      name: 'x',
      settings,
      environment: {},
      file: (path) => readFile(path),
      changed: () => {},
    });
    await source.first;
    return source.finds().remarks.map(({ origin, why }) => `${origin}: ${why.slice(0, 14)}`);
  };
  assert.deepEqual(await remarksBy({ kinds: ['service'] }), [
    'Service shop/by-hand: it has no sele',
    'Service shop/headless: it is headless',
  ]);
  assert.deepEqual(await remarksBy({ kinds: ['service', 'pod'] }), ['Service shop/by-hand: it has no sele']);
  assert.deepEqual(await remarksBy({ kinds: ['service'], allow_ranges: ['10.0.0.0/8'] }), []);
});
