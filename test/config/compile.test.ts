import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTexts } from '../../src/config/load.ts';
import { choosePart } from '../../src/config/part.ts';
import { probers } from '../../src/probers/index.ts';
import { checksOf, good, withTargets } from './lists.ts';

const named = (text: string, name: string) => checksOf(text).filter(({ target }) => target.name === name);
const one = (targets: string, name: string) => named(withTargets(targets), name);

test('compile: a URL alone gives name, module, side, vantage, interval and time limit', () => {
  const [check, ...others] = one('  - https://www.example.com', 'www.example.com');
  assert.deepEqual(others, []);
  assert.deepEqual(check, {
    id: 'www.example.com@edge',
    instance: 'https://www.example.com',
    target: {
      name: 'www.example.com',
      address: 'https://www.example.com',
      side: 'outside',
      intervalMs: 60_000,
      labels: {},
      profile: 'standard',
      names: [],
      quorum: 'majority',
    },
    module: { name: 'http_2xx', prober: 'http', timeoutMs: 10_000, settings: check?.module.settings },
    vantage: { name: 'edge', kind: 'lambda', region: 'eu-west-1', labels: {} },
    labels: {
      job: 'bothways',
      instance: 'https://www.example.com',
      name: 'www.example.com',
      vantage: 'edge',
      vantage_kind: 'lambda',
      vantage_region: 'eu-west-1',
    },
  });
});

test('compile: a link-local address is probed where its target says so', () => {
  const checks = checksOf(`vantages: { a: { kind: agent } }
targets:
  - { name: dns, target: "icmp://169.254.20.10", link_local: allow }
  - { name: other, target: "http://x.svc" }`);
  assert.deepEqual(
    checks.map(({ target }) => [target.name, target.linkLocal]),
    [
      ['dns', true],
      ['other', undefined],
    ],
  );
});

test('compile: short names are host, port and path as written', () => {
  const names = checksOf(
    withTargets(
      '  - https://a.example:8443/health/?x=1#y\n  - tcp://db.svc:5432\n  - { target: "[2001:db8::1]:53", module: tcp_connect, from: [agent] }',
    ),
  ).map(({ target }) => target.name);
  assert.deepEqual(names.slice(2), ['a.example:8443/health', 'db.svc:5432', '[2001:db8::1]:53']);
});

test('compile: a host and port without scheme takes the module of the target or of its defaults', () => {
  const [check] = one('  - { name: db, target: "db.example.com:5432", module: tcp_connect }', 'db');
  assert.equal(check?.module.prober, 'tcp');
  assert.equal(check?.target.address, 'db.example.com:5432');
  const byDefault = checksOf(
    'vantages: { a: { kind: agent } }\ndefaults: { inside: { module: tcp_connect } }\ntargets: ["db:5432", "https://x.svc"]',
  );
  assert.deepEqual(
    byDefault.map(({ module }) => module.name),
    ['tcp_connect', 'http_2xx'],
  );
});

test('compile: what the text of a target implies lies over the module, and the overlay over both', () => {
  const [implied] = one('  - tls://x.example:443', 'x.example:443');
  assert.equal(Object.entries(implied?.module.settings ?? {}).find(([key]) => key === 'tls')?.[1], true);
  const [overlaid] = one('  - { name: x, target: "tls://x.example:443", tcp: { tls: false } }', 'x');
  assert.equal(Object.entries(overlaid?.module.settings ?? {}).find(([key]) => key === 'tls')?.[1], false);
});

test('compile: an overlay is merged key by key, replaces lists, and null takes a key away', () => {
  const [check] = checksOf(`
vantages: { a: { kind: agent } }
modules:
  api: { prober: http, http: { valid_status_codes: [200, 204], headers: { A: "1", B: "2" }, body: x, method: PUT } }
targets:
  - { target: "http://shop", module: api, http: { valid_status_codes: [301], headers: { B: "3", C: 4 }, body: null } }
`);
  const settings = JSON.parse(JSON.stringify(check?.module.settings));
  assert.deepEqual(settings.valid_status_codes, [301]);
  assert.deepEqual(settings.headers, { A: '1', B: '3', C: '4' });
  assert.equal(settings.method, 'PUT');
  assert.equal('body' in settings, false);
});

test('compile: targets share their settings where they read the same', () => {
  const block = (code: number) => `http: { valid_status_codes: [${code}] }`;
  const checks = checksOf(
    [
      'vantages: { a: { kind: agent } }',
      `targets: ["http://x", "http://y", { target: "http://z", ${block(301)} }, { target: "http://w", ${block(301)} }, { target: "http://v", ${block(302)} }]`,
    ].join('\n'),
  );
  const [x, y, z, w, v] = checks.map(({ module }) => module.settings);
  assert.equal(x, y);
  assert.equal(z, w);
  assert.equal(new Set([x, z, v]).size, 3);
});

test('compile: the side follows from the host', () => {
  const hosts = {
    'example.com': 'outside',
    '8.8.8.8': 'outside',
    shop: 'inside',
    localhost: 'inside',
    'shop.prod.svc': 'inside',
    'shop.prod.svc.cluster.local': 'inside',
    'nas.local': 'inside',
    'db.internal': 'inside',
    '10.1.2.3': 'inside',
    '172.31.0.1': 'inside',
    '172.32.0.1': 'outside',
    '100.64.0.1': 'inside',
    '192.168.0.1': 'inside',
    '127.0.0.1': 'inside',
    '[::1]': 'inside',
    '[fd12::1]': 'inside',
    '[2606:4700::1111]': 'outside',
    '10.1': 'inside',
    '0x7f.1': 'inside',
    '198.18.0.1': 'inside',
    '[64:ff9b::a00:1]': 'inside',
    'nas.lan': 'inside',
    'git.corp': 'inside',
    'tv.home.arpa': 'inside',
    'web.service.consul': 'inside',
    'shop.test': 'inside',
    'corp.example.com': 'outside',
    'lan.example': 'outside',
    'shop.203.0.113.7.nip.io': 'outside',
    'shop.10-0-0-1.nip.io': 'inside',
    'shop-0a000001.nip.io': 'inside',
    'fd00--7.sslip.io': 'inside',
    'nip.io': 'outside',
  };
  const list = Object.keys(hosts).map((host) => `  - { target: "http://${host}", name: "${host}", from: [agent] }`);
  for (const { target } of checksOf(withTargets(list.join('\n'))).slice(2)) {
    assert.equal(target.side, Object.entries(hosts).find(([host]) => host === target.name)?.[1], target.name);
  }
});

test('compile: the outside is probed from Lambda, or from all vantages if there is none; the inside from agents', () => {
  assert.deepEqual(
    one('  - https://a.example\n  - { name: in, target: "http://db" }', 'in').map(({ vantage }) => vantage.name),
    ['agent'],
  );
  const agents = checksOf('vantages: { a: { kind: agent }, b: { kind: agent } }\ntargets: ["https://example.com"]');
  assert.deepEqual(
    agents.map(({ vantage }) => vantage.name),
    ['a', 'b'],
  );
});

test('compile: from takes names, globs, kinds, regions and labels of vantages', () => {
  const list = (from: string) => `
vantages:
  prod-a: { kind: agent, labels: { vantage_cluster: a } }
  prod-b: { kind: agent, labels: { vantage_cluster: b } }
  eu-west-1: { kind: lambda }
targets:
  - { target: "https://example.com", name: all, from: ["*"] }
  - { target: "https://example.com", name: x, from: ${from} }
`;
  const selected = (from: string) => named(list(from), 'x').map(({ vantage }) => vantage.name);
  assert.deepEqual(selected('[prod-a]'), ['prod-a']);
  assert.deepEqual(selected('[prod-*]'), ['prod-a', 'prod-b']);
  assert.deepEqual(selected('[prod-?, eu-west-1]'), ['prod-a', 'prod-b', 'eu-west-1']);
  assert.deepEqual(selected('[kind=lambda]'), ['eu-west-1']);
  assert.deepEqual(selected('[region=eu-*]'), ['eu-west-1']);
  assert.deepEqual(selected('[vantage_cluster=b]'), ['prod-b']);
});

test('compile: interval and time limit come from the target, its group, the defaults of its side, in that order', () => {
  const checks = checksOf(`
vantages: { a: { kind: agent } }
defaults: { inside: { interval: 40s, timeout: 4s } }
groups:
  - defaults: { interval: 50s }
    targets:
      - http://g
      - { target: "http://own", interval: 20s, timeout: 2s }
targets: ["http://d"]
`);
  const times = Object.fromEntries(
    checks.map(({ target, module }) => [target.name, [target.intervalMs / 1_000, module.timeoutMs / 1_000]]),
  );
  assert.deepEqual(times, { d: [40, 4], g: [50, 4], own: [20, 2] });
});

test("compile: the module's time limit is an upper bound, and stands alone where nothing else is written", () => {
  const checks = checksOf(`
vantages: { a: { kind: agent } }
modules: { slow: { prober: http, timeout: 20s } }
targets:
  - { target: "http://alone", module: slow }
  - { target: "http://less", module: slow, timeout: 5s }
  - { target: "http://more", module: slow, timeout: 25s }
`);
  assert.deepEqual(
    checks.map(({ module }) => module.timeoutMs),
    [20_000, 5_000, 20_000],
  );
});

test('compile: objectives are what was written, not what dividing makes of it', () => {
  const objectives = [99.9, 99.95, 99.99, 99.999, 33.3];
  const checks = checksOf(`
vantages: { a: { kind: agent } }
targets:
${objectives.map((objective) => `  - { target: "http://x/${objective}", slo: { objective: ${objective}, window: 30d } }`).join('\n')}
`);
  assert.deepEqual(
    checks.map(({ target }) => target.slo?.objective),
    [0.999, 0.9995, 0.9999, 0.99999, 0.333],
  );
});

test('compile: also adds checks of the same place by scheme, URL, module or block, each with its own instance', () => {
  const checks = checksOf(
    `
vantages: { a: { kind: agent } }
modules: { strict: { prober: http } }
targets:
  - name: api
    target: https://api.svc/v1
    also:
      - tcp
      - tls
      - http://other.svc
      - { module: strict, instance: strict, http: { method: HEAD } }
`,
  );
  assert.deepEqual(
    checks.map(({ id, instance, module, target }) => [id, instance, module.name, target.name]),
    [
      ['api@a', 'https://api.svc/v1', 'http_2xx', 'api'],
      ['api@a+1', 'tcp://api.svc:443', 'tcp_connect', 'api'],
      ['api@a+2', 'tls://api.svc:443', 'tcp_connect', 'api'],
      ['api@a+3', 'http://other.svc', 'http_2xx', 'api'],
      ['api@a+4', 'strict', 'strict', 'api'],
    ],
  );
  const [, byModule] = checksOf(
    'vantages: { a: { kind: agent } }\ntargets: [{ target: "http://[fd00::1]/x", also: [tcp_connect] }]',
  );
  assert.equal(byModule?.instance, 'tcp://[fd00::1]:80');
});

test('compile: labels are those of the vantage, the target, its group and defaults; external ones yield', () => {
  const [check] = checksOf(`
external_labels: { env: prod, team: nobody, instance: nobody, stage: nobody, empty: "" }
vantages: { a: { kind: agent, labels: { vantage_cluster: a } } }
defaults: { inside: { labels: { tier: "1", owner: x } } }
groups:
  - labels: { owner: y, shard: 1.0 }
    defaults: { job: probes }
    targets: [{ target: "http://shop", labels: { team: checkout, none: "" } }]
`);
  assert.deepEqual(check?.labels, {
    env: 'prod',
    tier: '1',
    owner: 'y',
    shard: '1.0',
    team: 'checkout',
    job: 'probes',
    instance: 'http://shop',
    name: 'shop',
    vantage: 'a',
    vantage_kind: 'agent',
    vantage_cluster: 'a',
  });
});

test('compile: a module of the list goes before a built-in one of its name', () => {
  const [check] = checksOf(
    'vantages: { a: { kind: agent } }\nmodules: { http_2xx: { prober: http, timeout: 3s } }\ntargets: ["http://x"]',
  );
  assert.equal(check?.module.timeoutMs, 3_000);
});

test('compile: ids are unique and checks survive JSON', () => {
  const { checks } = good(
    withTargets(
      '  - { name: a, target: "http://a", also: [tcp], from: [agent] }\n  - { name: "a@agent", target: "http://b" }',
    ),
  ).compiled;
  assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
  assert.deepEqual(JSON.parse(JSON.stringify(checks)), checks);
});

test('compile: an endpoint knows its vantages, and one vantage that pushes nowhere gives a warning', () => {
  const { compiled, warnings } = good(`
vantages: { a: { kind: agent }, b: { kind: lambda, region: eu-west-1 } }
remote_write:
  - { url: "http://prometheus/api/v1/write", from: [kind=agent], headers: { X-Scope-OrgID: 7 } }
  - { url: "http://prometheus/api/v1/write", from: [a] }
targets: [{ target: "https://example.com", from: [a, b] }]
`);
  assert.deepEqual(
    compiled.endpoints.map(({ name, from, settings }) => [name, from, settings.headers]),
    [
      ['prometheus', ['a'], { 'X-Scope-OrgID': '7' }],
      ['prometheus-2', ['a'], {}],
    ],
  );
  assert.deepEqual(
    warnings.map(({ line, path, message }) => [line, path, message]),
    [[2, 'vantages.b', 'no remote_write takes the samples of this vantage']],
  );
});

test('compile: without any receiver a Lambda vantage is warned of, and an agent is not, since that can be scraped', () => {
  const { warnings } = good(`
vantages: { a: { kind: agent }, b: { kind: lambda, region: eu-west-1 } }
targets: [{ target: "https://example.com", from: [a, b] }]
`);
  assert.deepEqual(
    warnings.map(({ line, path, message }) => [line, path, message]),
    [[2, 'vantages.b', 'no remote_write takes the samples of this vantage']],
  );
});

test('compile: one of many agents reads the list under its own name, and selectors mean it', () => {
  const text = `
vantages: { prod-a/*: { kind: agent, labels: { vantage_cluster: prod-a } }, prod-b: { kind: agent } }
targets:
  - tcp://all.svc:1
  - { target: "tcp://many.svc:1", from: ["prod-a/*"] }
  - { target: "tcp://b.svc:1", from: [prod-b] }
`;
  const load = (vantage?: string) => {
    const loaded = loadTexts([{ file: 'x.yml', text }], { probers, vantage });
    if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
    return { ...loaded.compiled, literals: loaded.literals };
  };
  const one = choosePart(load('prod-a/node-7'), 'prod-a/node-7');
  if (!one.ok) assert.fail(one.message);
  assert.deepEqual(
    one.checks.map(({ id, labels }) => [id, labels.vantage, labels.vantage_cluster]),
    [
      ['all.svc:1@prod-a/node-7', 'prod-a/node-7', 'prod-a'],
      ['many.svc:1@prod-a/node-7', 'prod-a/node-7', 'prod-a'],
    ],
  );
  const many = choosePart(load(), 'prod-a/*');
  assert.match(
    many.ok ? '' : many.message,
    /^prod-a\/\* stands for many agents; write which one: --vantage prod-a\/NAME$/,
  );
  for (const odd of ['prod-b/x', 'prod-a/a/b', 'prod-a/', 'prod-a/*', '__proto__/x'])
    assert.equal(choosePart(load(odd), odd).ok, false, odd);
});

test('compile: without a name the only agent of a list is meant, whatever functions there are, and several are named', () => {
  const vantageOf = (vantages: string) => {
    const text = `vantages: ${vantages}\ntargets: ["https://example.com", { target: "tcp://a.svc:1" }]`;
    const loaded = loadTexts([{ file: 'x.yml', text }], { probers });
    if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
    const part = choosePart({ ...loaded.compiled, literals: loaded.literals }, undefined);
    return part.ok ? part.vantage.name : part.message;
  };
  const functions = 'eu-west-1: { kind: lambda }, us-east-1: { kind: lambda }';
  assert.equal(vantageOf('{ prod-a: { kind: agent } }'), 'prod-a');
  assert.equal(vantageOf(`{ ${functions}, prod-a: { kind: agent } }`), 'prod-a');
  assert.equal(
    vantageOf(`{ ${functions}, prod-a: { kind: agent }, prod-b/*: { kind: agent } }`),
    'the list has several agents; write --vantage prod-a or --vantage prod-b/NAME',
  );
  assert.match(vantageOf('{ prod-b/*: { kind: agent } }'), /^prod-b\/\* stands for many agents; write which one/);
});

test('compile: an interval above four minutes is warned of once, since Prometheus forgets the value before the next run', () => {
  const warned = (targets: string) =>
    good(withTargets(targets))
      .warnings.map(({ path, message }) => [path, message])
      .filter(([path]) => path?.startsWith('targets'));
  assert.deepEqual(warned('  - { name: a, target: "https://a.example", interval: 4m }'), []);
  const lines = [
    '  - { name: a, target: "https://a.example", interval: 15m }',
    '  - { name: b, target: "https://b.example", interval: 5m }',
  ];
  assert.deepEqual(warned(lines.join('\n')), [
    [
      'targets[1]',
      'interval 15m (and 1 more): Prometheus shows a value for five minutes, so it is missing between runs; write 4m or less, or query with last_over_time(...[30m])',
    ],
  ]);
});
