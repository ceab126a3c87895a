import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileSdFinds } from '../../src/discover/file-sd.ts';
import type { Finds } from '../../src/discover/found.ts';
import { httpRouteFinds } from '../../src/discover/http-route.ts';
import { ingressFinds } from '../../src/discover/ingress.ts';
import {
  gatewayObject,
  httpRouteObject,
  type IngressObject,
  ingressObject,
  podObject,
  probeObject,
  serviceObject,
} from '../../src/discover/objects.ts';
import { probeFinds } from '../../src/discover/probes.ts';
import { podFinds, serviceFinds } from '../../src/discover/workloads.ts';

const meta = (annotations: Record<string, string> = {}, more: object = {}) => ({
  name: 'web',
  namespace: 'shop',
  annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`bothways.io/${key}`, value])),
  ...more,
});
const targets = ({ found }: Finds) => found.map(({ entry }) => entry.target);
const why = ({ remarks }: Finds) => remarks.map((remark) => remark.why);

const ingress = (spec: object, annotations: Record<string, string> = {}, more: object = {}) =>
  ingressObject.parse({ metadata: meta(annotations, more), spec });
const rule = (host: string, ...paths: string[]) => ({ host, http: { paths: paths.map((path) => ({ path })) } });

test('ingress: each host with each of its paths, over TLS where the object covers the host', () => {
  const finds = ingressFinds(
    ingress({
      tls: [{ hosts: ['shop.example.com', '*.apps.example.com'] }],
      rules: [
        rule('shop.example.com', '/', '/api'),
        rule('a.apps.example.com'),
        rule('a.b.apps.example.com'),
        rule('plain.example.com', '/x'),
      ],
    }),
  );
  assert.deepEqual(targets(finds), [
    'https://shop.example.com',
    'https://shop.example.com/api',
    'https://a.apps.example.com',
    'http://a.b.apps.example.com',
    'http://plain.example.com/x',
  ]);
  assert.deepEqual(finds.found[0]?.entry.labels, { namespace: 'shop', ingress: 'web' });
  assert.equal(finds.found[0]?.origin, 'Ingress shop/web');
  const all = ingress({ tls: [{ secretName: 'default' }], rules: [rule('x.example.com')] });
  assert.deepEqual(targets(ingressFinds(all)), ['https://x.example.com']);
});

test('ingress: hosts that stand for many, and paths that are patterns, are not probed as they stand', () => {
  const finds = ingressFinds(
    ingress({ rules: [rule('*.example.com', '/'), { http: { paths: [] } }, rule('x.example.com', '/api(/|$)(.*)')] }),
  );
  assert.deepEqual(targets(finds), ['http://x.example.com']);
  assert.match(why(finds).join('\n'), /the host \*\.example\.com stands for many names[\s\S]*a rule without a host/);
});

test('annotations: module, interval, path and expectation are taken, skip skips, and a misspelt one is said', () => {
  const rules = { rules: [rule('x.example.com', '/a', '/b')] };
  const wishes = { module: 'api', interval: '15s', timeout: '2s', path: 'health', expect: 'ok', intervall: '1s' };
  const finds = ingressFinds(ingress(rules, wishes));
  assert.deepEqual(
    finds.found.map(({ entry }) => entry),
    [
      {
        target: 'http://x.example.com/health',
        labels: { namespace: 'shop', ingress: 'web' },
        module: 'api',
        interval: '15s',
        timeout: '2s',
        http: { fail_if_body_not_matches_regexp: ['ok'], body_match_limit: '64KB' },
      },
    ],
  );
  assert.deepEqual(why(finds), ['unknown annotation bothways.io/intervall; did you mean bothways.io/interval?']);
  for (const skip of [{ skip: 'true' }, { probe: 'false' }])
    assert.deepEqual(ingressFinds(ingress(rules, skip)), { found: [], remarks: [] });
});

const forAll = { allowedRoutes: { namespaces: { from: 'All' } } };
const gateway = (...listeners: object[]) => {
  const spec = { listeners: listeners.map((one) => ({ ...forAll, ...one })) };
  return {
    known: new Map([['infra/gw', gatewayObject.parse({ metadata: { name: 'gw', namespace: 'infra' }, spec })]]),
  };
};
const https = { name: 'https', protocol: 'HTTPS', port: 443 };
const plain = { name: 'http', protocol: 'HTTP', port: 80 };
const route = (spec: object, annotations: Record<string, string> = {}) =>
  httpRouteObject.parse({
    metadata: meta(annotations),
    spec: { parentRefs: [{ name: 'gw', namespace: 'infra' }], ...spec },
  });

test('httproute: its hostnames and those of its listeners meet, TLS goes before clear text', () => {
  const at = (spec: object, ...listeners: object[]) => targets(httpRouteFinds(route(spec), gateway(...listeners)));
  assert.deepEqual(at({ hostnames: ['a.example.com'] }, plain, https), ['https://a.example.com']);
  assert.deepEqual(at({ hostnames: ['a.example.com'] }, { ...https, port: 8443 }), ['https://a.example.com:8443']);
  assert.deepEqual(at({ hostnames: ['a.example.com', 'b.other'] }, { ...https, hostname: '*.example.com' }), [
    'https://a.example.com',
  ]);
  assert.deepEqual(at({ hostnames: ['*.example.com'] }, { ...https, hostname: 'x.y.example.com' }), [
    'https://x.y.example.com',
  ]);
  assert.deepEqual(at({}, { ...https, hostname: 'own.example.com' }), ['https://own.example.com']);
  const oneSection = {
    hostnames: ['a.example.com'],
    parentRefs: [{ name: 'gw', namespace: 'infra', sectionName: 'http' }],
  };
  assert.deepEqual(at(oneSection, plain, https), ['http://a.example.com']);
  const rules = [
    {
      matches: [
        { path: { type: 'PathPrefix', value: '/api' } },
        { path: { type: 'RegularExpression', value: '/x.*' } },
      ],
    },
  ];
  assert.deepEqual(at({ hostnames: ['a.example.com'], rules }, https), [
    'https://a.example.com/api',
    'https://a.example.com',
  ]);
});

test('httproute: a gateway that is not there and a listener that is not for HTTP are said', () => {
  assert.deepEqual(why(httpRouteFinds(route({ hostnames: ['a.b'] }), { known: new Map() })), [
    'the Gateway infra/gw is not there, or not to be seen',
  ]);
  const tls = gateway({ name: 'tls', protocol: 'TLS', port: 443 });
  assert.deepEqual(why(httpRouteFinds(route({ hostnames: ['a.b'] }), tls)), ['it is attached to no listener for HTTP']);
  assert.match(why(httpRouteFinds(route({ hostnames: ['*.b'] }), gateway(https)))[0] ?? '', /stands for many names/);
  assert.deepEqual(why(httpRouteFinds(route({ hostnames: ['ex_ample.com'] }), gateway(https))), [
    'the host ex_ample.com is no name that can be asked for; write a target in the list',
  ]);
  const mesh = route({ hostnames: ['a.b'], parentRefs: [{ kind: 'Service', name: 'pay' }] });
  assert.deepEqual(why(httpRouteFinds(mesh, gateway(https))), [
    'its parent pay is a Service and no Gateway; that is not looked at',
  ]);
  const other = gateway({ ...https, hostname: 'shop.example.com' });
  assert.deepEqual(why(httpRouteFinds(route({ hostnames: ['a.b'] }), other)), [
    'a.b has nothing in common with shop.example.com, which a listener of infra/gw is for',
  ]);
});

const service = (annotations: Record<string, string>, ...ports: object[]) =>
  serviceFinds(serviceObject.parse({ metadata: meta(annotations), spec: { ports } }));

test('service: it is probed when it asks for it, by its name in the cluster and what its port says', () => {
  const db = { name: 'pg', port: 5_432 };
  assert.deepEqual(targets(service({}, db)), []);
  assert.deepEqual(targets(service({ probe: 'true' }, db)), ['tcp://web.shop.svc:5432']);
  assert.deepEqual(targets(service({ probe: 'true' }, { name: 'http-web', port: 80 })), ['http://web.shop.svc:80']);
  assert.deepEqual(targets(service({ probe: 'true' }, { appProtocol: 'https', port: 443 })), [
    'https://web.shop.svc:443',
  ]);
  assert.deepEqual(targets(service({ probe: 'true', path: '/ok' }, db)), ['http://web.shop.svc:5432/ok']);
  assert.deepEqual(targets(service({ probe: 'https', path: '/ok', port: '8443' }, db)), [
    'https://web.shop.svc:8443/ok',
  ]);
  assert.deepEqual(targets(service({ probe: 'tls', port: 'pg' }, { port: 1 }, db)), ['tls://web.shop.svc:5432']);
  assert.deepEqual(targets(service({ probe: 'icmp' })), ['icmp://web.shop.svc']);
  const { found } = service({ probe: 'tcp', expect: '^220' }, db);
  assert.deepEqual(found[0]?.entry.tcp, { query_response: [{ expect: '^220' }] });
  assert.equal(found[0]?.entry.name, 'shop/web');
});

test('service: a port of UDP is not connected to over TCP', () => {
  const dns = [
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    { name: 'metrics', port: 9_153, protocol: 'TCP' },
  ];
  assert.deepEqual(targets(service({ probe: 'dns' }, ...dns)), ['dns://web.shop.svc:53']);
  assert.deepEqual(targets(service({ probe: 'dns' }, { port: 1 }, ...dns)), ['dns://web.shop.svc:53']);
  assert.deepEqual(targets(service({ probe: 'true', port: '53' }, ...dns)), ['tcp://web.shop.svc:53']);
  assert.deepEqual(targets(service({ probe: 'true' }, ...dns.slice(0, 1), { port: 80 })), ['tcp://web.shop.svc:80']);
  const only = service({ probe: 'true' }, ...dns.slice(0, 1));
  assert.deepEqual(targets(only), []);
  assert.match(
    why(only)[0] ?? '',
    /its port is one of UDP.*write how to probe it, for example bothways\.io\/probe: dns/,
  );
  assert.deepEqual(targets(service({ probe: 'true' }, { port: 9, protocol: 'SCTP' })), []);
});

test('annotations: true and false are read in any case, and what is neither is said', () => {
  const db = { port: 5_432 };
  assert.deepEqual(targets(service({ probe: 'True' }, db)), ['tcp://web.shop.svc:5432']);
  for (const off of [{ probe: 'False' }, { probe: 'true', skip: 'True' }])
    assert.deepEqual(targets(service(off, db)), []);
  const odd = service({ probe: 'true', skip: 'yes' }, db);
  assert.deepEqual([targets(odd).length, why(odd)], [1, ['bothways.io/skip: write true or false']]);
});

test('service: what cannot be probed as asked is said', () => {
  assert.match(why(service({ probe: 'true' }))[0] ?? '', /it has no port; name one/);
  assert.match(why(service({ probe: 'true', port: 'x' }, { name: 'y', port: 1 }))[0] ?? '', /no port x; it has y/);
  assert.match(why(service({ probe: 'a b' }, { port: 1 }))[0] ?? '', /write true, false, or a scheme/);
});

test('pod: it is probed by its address while it runs', () => {
  const pod = (status: object, more: object = {}) =>
    targets(
      podFinds(
        podObject.parse({
          metadata: meta({ probe: 'http' }, more),
          spec: { containers: [{ ports: [{ containerPort: 8_080 }] }] },
          status,
        }),
      ),
    );
  assert.deepEqual(pod({ phase: 'Running', podIP: '10.1.2.3' }), ['http://10.1.2.3:8080']);
  assert.deepEqual(pod({ phase: 'Running', podIP: 'fd00::7' }), ['http://[fd00::7]:8080']);
  const condition = (status: string) => ({
    phase: 'Running',
    podIP: '10.1.2.3',
    conditions: [
      { type: 'Initialized', status: 'True' },
      { type: 'Ready', status },
    ],
  });
  assert.deepEqual(pod(condition('True')), ['http://10.1.2.3:8080']);
  assert.deepEqual(pod(condition('False')), []);
  assert.deepEqual(pod({ phase: 'Pending' }), []);
  assert.deepEqual(pod({ phase: 'Succeeded', podIP: '10.1.2.3' }), []);
  assert.deepEqual(pod({ phase: 'Running', podIP: '10.1.2.3' }, { deletionTimestamp: 'now' }), []);
});

test('probe: static targets and selected Ingresses are taken with module, interval and labels', () => {
  const probe = (spec: object) => probeObject.parse({ metadata: meta(), spec });
  const none = { ingresses: [] };
  const common = { module: 'api', interval: '30s', scrapeTimeout: '5s', jobName: 'shops' };
  const fixed = { targets: { staticConfig: { static: ['https://a.example.com'], labels: { team: 'x', __y: 'z' } } } };
  assert.deepEqual(probeFinds(probe({ ...common, ...fixed }), none).found, [
    {
      origin: 'Probe shop/web',
      tenant: 'shop',
      entry: {
        target: 'https://a.example.com',
        labels: { team: 'x', namespace: 'shop', probe: 'web' },
        module: 'api',
        interval: '30s',
        timeout: '5s',
        job: 'shops',
      },
    },
  ]);
  const selectable = (one: IngressObject) => ({ ...one.metadata, finds: ingressFinds(one) });
  const near = ingress({ rules: [rule('near.example.com')] }, {}, { labels: { app: 'x' } });
  const far = ingress({ rules: [rule('far.example.com')] }, {}, { namespace: 'other', labels: { app: 'x' } });
  const chosen = (selection: object) =>
    targets(probeFinds(probe({ targets: { ingress: selection } }), { ingresses: [near, far].map(selectable) }));
  assert.deepEqual(chosen({ selector: { matchLabels: { app: 'x' } } }), ['http://near.example.com']);
  assert.deepEqual(chosen({ selector: { matchLabels: { app: 'y' } } }), []);
  assert.deepEqual(chosen({ selector: { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] } }), []);
  assert.deepEqual(chosen({ namespaceSelector: { any: true } }), ['http://near.example.com', 'http://far.example.com']);
  assert.deepEqual(chosen({ namespaceSelector: { matchNames: ['other'] } }), ['http://far.example.com']);
  for (const [operator, count] of [
    ['In', 1],
    ['NotIn', 0],
    ['Exists', 1],
    ['DoesNotExist', 0],
    ['Surprise', 0],
  ] as const)
    assert.equal(chosen({ selector: { matchExpressions: [{ key: 'app', operator, values: ['x'] }] } }).length, count);
  const relabelled = probe({ targets: { staticConfig: { static: ['a'], relabelingConfigs: [{}] } } });
  assert.deepEqual(why(probeFinds(relabelled, none)), ['its relabelingConfigs are not applied']);
});

test('probe: what it makes of an Ingress of another namespace is its own, and yields to what it has itself', () => {
  const one = ingress({ rules: [rule('far.example.com')] }, {}, { namespace: 'other' });
  const near = ingress({ rules: [rule('near.example.com')] });
  const spec = { targets: { ingress: { namespaceSelector: { any: true } } } };
  const probe = probeObject.parse({ metadata: meta(), spec });
  const ingresses = [one, near].map((each) => ({ ...each.metadata, finds: ingressFinds(each) }));
  const { found } = probeFinds(probe, { ingresses });
  assert.deepEqual(
    found.map(({ tenant, isForeign, entry: { target, labels } }) => [target, tenant, isForeign, labels]),
    [
      ['http://near.example.com', 'shop', undefined, { namespace: 'shop', ingress: 'web', probe: 'web' }],
      [
        'http://far.example.com',
        'shop',
        true,
        { namespace: 'shop', ingress: 'web', probe: 'web', ingress_namespace: 'other' },
      ],
    ],
  );
  const cut = probeFinds(probe, { ingresses, most: 1 });
  assert.deepEqual([targets(cut), cut.above], [['http://near.example.com'], new Map([['shop', 1]])]);
});

test('probe: labels that name a namespace or another object are not its to set', () => {
  const labels = { team: 'x', namespace: 'pay', exported_namespace: 'pay', pod: 'y' };
  const spec = { targets: { staticConfig: { static: ['https://a.example.com'], labels } } };
  const finds = probeFinds(probeObject.parse({ metadata: meta(), spec }), { ingresses: [] });
  assert.deepEqual(finds.found[0]?.entry.labels, { team: 'x', namespace: 'shop', probe: 'web' });
  assert.equal(finds.remarks.length, 3);
});

test('probe: without a module it asks by HTTP, as blackbox_exporter does, unless the block names a module', () => {
  const fixed = (target: string, more: object = {}) =>
    probeObject.parse({ metadata: meta(), spec: { ...more, targets: { staticConfig: { static: [target] } } } });
  const read = (...[probe, module]: [ReturnType<typeof fixed>, string?]) =>
    probeFinds(probe, { ingresses: [], module }).found.map(({ entry: { target, instance } }) => [target, instance])[0];
  assert.deepEqual(read(fixed('a.example.com')), ['http://a.example.com', 'a.example.com']);
  assert.deepEqual(read(fixed('tcp://a.example.com:1')), ['tcp://a.example.com:1', undefined]);
  assert.deepEqual(read(fixed('a.example.com', { module: 'icmp' })), ['a.example.com', undefined]);
  assert.deepEqual(read(fixed('a.example.com'), 'icmp'), ['a.example.com', undefined]);
});

test('probe: of static targets and Ingresses the static ones are taken, and a selection that finds nothing is said', () => {
  const one = ingress({ rules: [rule('near.example.com')] });
  const ingresses = [{ ...one.metadata, finds: ingressFinds(one) }];
  const read = (given: object, namespaces?: string[]) =>
    probeFinds(probeObject.parse({ metadata: meta(), spec: { module: 'api', targets: given } }), {
      ingresses,
      namespaces,
    });
  const both = read({ staticConfig: { static: ['https://a.example.com'] }, ingress: {} });
  assert.deepEqual(targets(both), ['https://a.example.com']);
  assert.deepEqual(why(both), [
    'it has staticConfig and ingress; only its staticConfig is used, as prometheus-operator does',
  ]);
  assert.deepEqual(why(read({ ingress: {} })), []);
  assert.deepEqual(why(read({ ingress: { selector: { matchLabels: { a: 'b' } } } })), [
    'it selects no Ingress with a host to probe',
  ]);
  const far = { ingress: { namespaceSelector: { matchNames: ['infra'] } } };
  assert.deepEqual(why(read(far, ['shop'])), ['it selects Ingresses of infra, which is not in `namespaces`']);
  assert.deepEqual(why(read({ ingress: { namespaceSelector: { any: true } } }, ['shop'])), []);
});

test('file_sd: the labels instance and name are those of the target, and an empty label is none', () => {
  const labels = { instance: 'shop', name: 'front', __param_module: '', empty: '' };
  const finds = fileSdFinds('/x.json', JSON.stringify([{ targets: ['https://a.example.com'], labels }]));
  if ('problem' in finds) assert.fail(finds.problem);
  assert.deepEqual(
    finds.found.map(({ entry }) => entry),
    [{ target: 'https://a.example.com', instance: 'shop', name: 'front', labels: {} }],
  );
});

test('file_sd: targets with their labels, and those that Prometheus gives a meaning', () => {
  const text = JSON.stringify([
    {
      targets: ['a.example.com', 'https://b.example.com'],
      labels: { __scheme__: 'https', __param_module: 'api', team: 'x', __meta: 'y', job: 'j' },
    },
    { targets: ['tcp://c:1'] },
  ]);
  const finds = fileSdFinds('/x.json', text);
  if ('problem' in finds) assert.fail(finds.problem);
  assert.deepEqual(
    finds.found.map(({ entry }) => entry),
    [
      { target: 'https://a.example.com', module: 'api', job: 'j', labels: { team: 'x' } },
      { target: 'https://b.example.com', module: 'api', job: 'j', labels: { team: 'x' } },
      { target: 'tcp://c:1', labels: {} },
    ],
  );
  const yaml = `- targets: [a, 10.0.0.1]
  labels: { port: 8080, version: 1.10, on: True, none: null, empty: "", __scheme__: }
- { targets: [tcp://c:1], labels: }
- { targets: }
`;
  const fromYaml = fileSdFinds('/x.yml', yaml);
  assert.deepEqual('found' in fromYaml && fromYaml.found.map(({ entry }) => entry), [
    { target: 'a', labels: { port: '8080', version: '1.10', on: 'True' } },
    { target: '10.0.0.1', labels: { port: '8080', version: '1.10', on: 'True' } },
    { target: 'tcp://c:1', labels: {} },
  ]);
  const problem = (name: string, content: string) => {
    const read = fileSdFinds(name, content);
    return 'problem' in read ? read.problem : 'none';
  };
  assert.equal(problem('/x.yml', 'targets: [a]'), '/x.yml is no file_sd list: it is no list of groups');
  assert.equal(problem('/x.json', '{"a":1}'), '/x.json is no file_sd list: it is no list of groups');
  assert.equal(problem('/x.json', '[{"targets":[7]}]'), '/x.json is no file_sd list: 0.targets.0 is wrong');
  assert.match(problem('/x.yml', '- targets: [a\n- b: ]'), /^\/x\.yml cannot be read as YAML: line \d: /);
  assert.equal(problem('/x.yml', ''), 'none');
  assert.deepEqual(fileSdFinds('/x.json', '{'), { problem: '/x.json cannot be read as JSON' });
  assert.deepEqual(fileSdFinds('/x.yml', '- targets: 7'), { problem: '/x.yml is no file_sd list: 0.targets is wrong' });
});

test('objects: nothing that a cluster or a file holds makes the readers throw', () => {
  const anything = fc.anything({ maxDepth: 5 });
  const odd = fc.record(
    {
      metadata: fc.record(
        {
          name: fc.string(),
          namespace: fc.string(),
          annotations: fc.oneof(
            anything,
            fc.dictionary(
              fc.constantFrom('bothways.io/probe', 'bothways.io/port', 'bothways.io/path', 'bothways.io/expect'),
              fc.string(),
            ),
          ),
        },
        { requiredKeys: ['name'] },
      ),
      spec: fc.oneof(
        anything,
        fc.record(
          {
            rules: anything,
            tls: anything,
            ports: anything,
            hostnames: anything,
            parentRefs: anything,
            targets: anything,
            containers: anything,
          },
          { requiredKeys: [] },
        ),
      ),
      status: anything,
    },
    { requiredKeys: ['metadata'] },
  );
  fc.assert(
    fc.property(odd, (object) => {
      const read = [ingressObject.safeParse(object).data].flatMap((one) =>
        one === undefined ? [] : ingressFinds(one).found,
      );
      for (const [schema, finds] of [
        [httpRouteObject, (one: never) => httpRouteFinds(one, gateway(https))],
        [serviceObject, serviceFinds],
        [podObject, podFinds],
        [probeObject, (one: never) => probeFinds(one, { ingresses: [] })],
      ] as const) {
        const parsed = schema.safeParse(object).data;
        // safe: each schema stands beside the function for what it gives
        if (parsed !== undefined) read.push(...finds(parsed as never).found);
      }
      for (const { entry } of read) assert.equal(typeof entry.target, 'string');
    }),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.json()),
      fc.constantFrom('a.json', 'a.yml'),
      (text, file) => void fileSdFinds(file, text),
    ),
  );
});
