import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finds } from '../../src/discover/found.ts';
import { httpRouteFinds } from '../../src/discover/http-route.ts';
import { ingressFinds } from '../../src/discover/ingress.ts';
import { gatewayObject, httpRouteObject, ingressObject } from '../../src/discover/objects.ts';

const targets = ({ found }: Finds) => found.map(({ entry }) => entry.target);
const sides = ({ found }: Finds) => found.map(({ entry }) => entry.side);
const why = ({ remarks }: Finds) => remarks.map((remark) => remark.why);
const meta = (annotations: Record<string, string> = {}) => ({
  name: 'web',
  namespace: 'shop',
  annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`bothways.io/${key}`, value])),
});

const ingress = (spec: object, annotations: Record<string, string> = {}, status: object = {}) =>
  ingressFinds(ingressObject.parse({ metadata: meta(annotations), spec, status }));
const rule = (host: string, ...paths: string[]) => ({ host, http: { paths: paths.map((path) => ({ path })) } });

test('ingress: one that is served at private addresses only is on the inside, whatever its host', () => {
  const at = (...places: object[]) =>
    sides(ingress({ rules: [rule('a.example.com')] }, {}, { loadBalancer: { ingress: places } }))[0];
  assert.equal(at(), undefined);
  assert.equal(at({ ip: '10.0.0.1' }), 'inside');
  assert.equal(at({ ip: '10.0.0.1' }, { ip: '203.0.113.7' }), undefined);
  assert.equal(at({ ip: '10.0.0.1' }, { hostname: 'lb.corp' }), 'inside');
  assert.equal(at({ hostname: 'k8s-shop-1.eu-west-1.elb.amazonaws.com' }), undefined);
  assert.equal(at({ hostname: 'internal-k8s-shop-1.eu-west-1.elb.amazonaws.com' }), 'inside');
});

test('ingress: hosts that only its certificates name are those of its default backend and of rules without a host', () => {
  const tls = [{ hosts: ['a.example.com', 'b.example.com', '*.example.com'] }];
  const defaultBackend = { service: { name: 'web' } };
  assert.deepEqual(targets(ingress({ tls, defaultBackend })), ['https://a.example.com', 'https://b.example.com']);
  assert.deepEqual(targets(ingress({ tls })), []);
  assert.deepEqual(targets(ingress({ tls, defaultBackend, rules: [rule('a.example.com', '/api')] })), [
    'https://a.example.com/api',
    'https://b.example.com',
  ]);
  const anyHost = ingress({ tls, rules: [{ http: { paths: [{ path: '/x' }] } }] });
  assert.deepEqual(targets(anyHost), ['https://a.example.com/x', 'https://b.example.com/x']);
  assert.deepEqual(why(anyHost), []);
});

test('ingress: the annotations probe and port say how it is reached', () => {
  const rules = { rules: [rule('a.example.com', '/x', '/y')] };
  const by = (annotations: Record<string, string>, more: object = {}) =>
    targets(ingress({ ...rules, ...more }, annotations));
  const tls = { tls: [{ hosts: ['a.example.com'] }] };
  assert.deepEqual(by({ probe: 'true' }), ['http://a.example.com/x', 'http://a.example.com/y']);
  assert.deepEqual(by({ probe: 'https' }), ['https://a.example.com/x', 'https://a.example.com/y']);
  assert.deepEqual(by({ probe: 'https', port: '8443', path: '/z' }), ['https://a.example.com:8443/z']);
  assert.deepEqual(by({ port: '8080', path: '/z' }), ['http://a.example.com:8080/z']);
  assert.deepEqual(by({ probe: 'http', path: '/' }, tls), ['http://a.example.com']);
  assert.deepEqual(by({ probe: 'tcp' }), ['tcp://a.example.com:80']);
  assert.deepEqual(by({ probe: 'tcp' }, tls), ['tcp://a.example.com:443']);
  assert.deepEqual(by({ probe: 'tls' }), ['tls://a.example.com:443']);
  assert.deepEqual(by({ probe: 'icmp' }), ['icmp://a.example.com']);
  assert.match(why(ingress(rules, { port: 'web' }))[0] ?? '', /bothways\.io\/port: write a number from 1 to 65535/);
  assert.match(why(ingress(rules, { probe: 'a b' }))[0] ?? '', /bothways\.io\/probe: write true, false, or a scheme/);
});

const forAll = { allowedRoutes: { namespaces: { from: 'All' } } };
const https = { name: 'https', protocol: 'HTTPS', port: 443, ...forAll };
const plain = { name: 'http', protocol: 'HTTP', port: 80, ...forAll };
const gateway = (namespace: string, listeners: object[], ...addresses: string[]) =>
  [
    `${namespace}/gw`,
    gatewayObject.parse({
      metadata: { name: 'gw', namespace },
      spec: { listeners },
      status: { addresses: addresses.map((value) => ({ type: 'IPAddress', value })) },
    }),
  ] as const;
const infra = { name: 'gw', namespace: 'infra' };
const route = (
  listeners: object[],
  {
    spec = {},
    status = {},
    annotations = {},
  }: { spec?: object; status?: object; annotations?: Record<string, string> },
) => {
  const object = httpRouteObject.parse({
    metadata: meta(annotations),
    spec: { parentRefs: [infra], hostnames: ['a.example.com'], ...spec },
    status,
  });
  return httpRouteFinds(object, { known: new Map([gateway('infra', listeners)]) });
};

test('httproute: a parent that does not accept it serves nothing of it', () => {
  const said = (status: string, parentRef: object = infra) => ({
    status: { parents: [{ parentRef, controllerName: 'x', conditions: [{ type: 'Accepted', status }] }] },
  });
  assert.deepEqual(targets(route([https], said('True'))), ['https://a.example.com']);
  assert.deepEqual(targets(route([https], said('False'))), []);
  assert.deepEqual(why(route([https], said('False'))), ['the Gateway infra/gw does not accept it']);
  assert.deepEqual(targets(route([https], said('False', { ...infra, sectionName: 'other' }))), [
    'https://a.example.com',
  ]);
  const two = [...said('False').status.parents, ...said('True').status.parents];
  assert.deepEqual(targets(route([https], { status: { parents: two } })), ['https://a.example.com']);
});

test('httproute: listeners take routes of the namespaces that they allow, of their own if they say nothing', () => {
  const from = (text: string | undefined) => ({
    ...https,
    allowedRoutes: text === undefined ? undefined : { namespaces: { from: text } },
  });
  for (const [text, count] of [
    ['All', 1],
    ['Selector', 1],
    ['Same', 0],
    ['None', 0],
    [undefined, 0],
  ] as const)
    assert.equal(route([from(text)], {}).found.length, count, text);
  assert.deepEqual(why(route([from('Same')], {})), ['the listener https of infra/gw takes no routes of shop']);
  assert.deepEqual(why(route([from('Same'), plain], {})), []);
  const own = httpRouteObject.parse({
    metadata: meta(),
    spec: { parentRefs: [{ name: 'gw' }], hostnames: ['a.example.com'] },
  });
  const known = new Map([gateway('shop', [from('Same')])]);
  assert.deepEqual(targets(httpRouteFinds(own, { known })), ['https://a.example.com']);
});

test('httproute: matches that a plain request is not enough for give no path', () => {
  const path = (value: string) => ({ type: 'PathPrefix', value });
  const matched = (...matches: object[]) => route([https], { spec: { rules: [{ matches }] } });
  assert.deepEqual(targets(matched({ path: path('/a') }, { path: path('/b'), method: 'POST' })), [
    'https://a.example.com/a',
  ]);
  assert.deepEqual(targets(matched({ path: path('/a'), method: 'GET' })), ['https://a.example.com/a']);
  const asked = [
    { path: path('/b'), method: 'DELETE' },
    { path: path('/c'), headers: [{ name: 'x', value: 'y' }] },
    { path: path('/d'), queryParams: [{ name: 'x', value: 'y' }] },
  ];
  assert.deepEqual(targets(matched(...asked)), []);
  assert.deepEqual(why(matched(...asked)), [
    'each of its matches wants a method, header or query parameter; write a path in bothways.io/path',
  ]);
  const rules = [{ matches: asked }, { matches: [] }];
  assert.deepEqual(targets(route([https], { spec: { rules } })), ['https://a.example.com']);
  const chosen = { spec: { rules: [{ matches: asked }] }, annotations: { path: '/ok' } };
  assert.deepEqual(targets(route([https], chosen)), ['https://a.example.com/ok']);
});

test('httproute: of several listeners the usual port goes first, then the lowest, in whatever order they stand', () => {
  const at = (...ports: number[]) =>
    targets(
      route(
        ports.map((port) => ({ ...https, port })),
        {},
      ),
    )[0];
  assert.equal(at(443, 8_443), 'https://a.example.com');
  assert.equal(at(8_443, 443), 'https://a.example.com');
  assert.equal(at(9_443, 8_443), 'https://a.example.com:8443');
  assert.equal(at(80, 443), 'https://a.example.com');
  for (const order of [
    [plain, { ...https, port: 8_443 }],
    [{ ...https, port: 8_443 }, plain],
  ])
    assert.deepEqual(targets(route(order, {})), ['https://a.example.com:8443']);
});

test('httproute: the annotations probe and port say how it is reached where TLS ends before the Gateway', () => {
  const by = (annotations: Record<string, string>) => targets(route([{ ...plain, port: 8_080 }], { annotations }));
  assert.deepEqual(by({}), ['http://a.example.com:8080']);
  assert.deepEqual(by({ probe: 'https' }), ['https://a.example.com']);
  assert.deepEqual(by({ probe: 'http', port: '80' }), ['http://a.example.com']);
  assert.deepEqual(by({ probe: 'tls', port: '853' }), ['tls://a.example.com:853']);
});

test('httproute: one whose Gateway has private addresses only is on the inside; a public Gateway beside it goes first', () => {
  const object = httpRouteObject.parse({
    metadata: meta(),
    spec: { parentRefs: [infra, { name: 'gw', namespace: 'edge' }], hostnames: ['a.example.com'] },
  });
  const inner = gateway('infra', [https], '10.0.0.1');
  const outer = (address: string) => gateway('edge', [{ ...https, port: 8_443 }], address);
  const read = (address: string) => httpRouteFinds(object, { known: new Map([inner, outer(address)]) });
  assert.deepEqual(
    [targets(read('203.0.113.7')), sides(read('203.0.113.7'))],
    [['https://a.example.com:8443'], [undefined]],
  );
  assert.deepEqual([targets(read('10.0.0.2')), sides(read('10.0.0.2'))], [['https://a.example.com'], ['inside']]);
});

test('httproute: a Gateway in a namespace that is not looked at is said with the key to write', () => {
  const object = httpRouteObject.parse({ metadata: meta(), spec: { parentRefs: [infra] } });
  const said = (namespaces: string[]) => why(httpRouteFinds(object, { known: new Map(), namespaces }))[0];
  assert.equal(said(['shop']), 'the Gateway infra/gw is not looked for; write infra into `gateway_namespaces`');
  assert.equal(said(['infra']), 'the Gateway infra/gw is not there, or not to be seen');
});
