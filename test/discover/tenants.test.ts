import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { publishedShareOf } from '../../src/config/discover.ts';
import { allowedFor } from '../../src/config/from-cluster.ts';
import { loadValue } from '../../src/config/load.ts';
import type { CompiledFound } from '../../src/discover/compile-found.ts';
import { openDiscovery } from '../../src/discover/discovery.ts';
import { nextPublication, publishable } from '../../src/discover/publication.ts';
import { takenFrom } from '../../src/lambda/cluster-checks.ts';
import { probers } from '../../src/probers/index.ts';
import { type KubernetesServer, kubernetesServer } from '../servers/kubernetes.ts';

/** Where the API server has the objects of each kind. */
const collections = {
  Ingress: '/apis/networking.k8s.io/v1/ingresses',
  HTTPRoute: '/apis/gateway.networking.k8s.io/v1/httproutes',
  Gateway: '/apis/gateway.networking.k8s.io/v1/gateways',
  Service: '/api/v1/services',
  Pod: '/api/v1/pods',
  Probe: '/apis/monitoring.coreos.com/v1/probes',
} as const;

type Manifest = {
  readonly kind: keyof typeof collections;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
};

/** Mostly the first of some values: one bad value is enough to have an object refused. */
const mostly = <T>(good: readonly [T, ...T[]], bad: readonly [T, ...T[]]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });

const hosts = mostly(
  ['shop.example.com', 'pay.example.com', 'shop', 'web.shop.svc', 'web.pay.svc', '10.0.0.7'],
  ['known.example.com', '127.0.0.1', '169.254.169.254', '*.example.com', 'x y'],
);
const paths = mostly(['/', '/web', '/health'], ['/api(/|$)', '/${env:TOKEN}', `/${'x'.repeat(2_000)}`]);
const names = fc.constantFrom('web', 'api', 'shop', 'pay', 'a');
const modules = mostly(['http_2xx', 'api', 'env_a', 'env_b'], ['http_post_2xx', 'partner', 'nowhere', 'icmp']);
const intervals = mostly(['15s', '1m', '1d', '1s'], ['soon', '0s']);
const labels = fc.dictionary(
  mostly(['team', 'env', 'pod', '__x'], ['job', 'namespace', 'exported_namespace', 'phase', 'vantage_x', 'a-b']),
  mostly(['shop', 'pay', 'x'], ['', 'y'.repeat(1_100)]),
  { maxKeys: 2 },
);
const annotations = fc
  .record(
    {
      probe: mostly(['true', 'http', 'https'], ['false', 'x y', 'gopher']),
      skip: mostly(['false'], ['true', 'perhaps']),
      module: modules,
      interval: intervals,
      timeout: mostly(['5s', '1ms'], ['2d', 'x']),
      path: mostly(['health', '/web'], ['/${file:/x}']),
      port: mostly(['80', 'http'], ['70000', 'nothing']),
      expect: mostly(['ok', '1[01]{1000}2'], ['(']),
      modle: fc.constant('api'),
    },
    { requiredKeys: [] },
  )
  .map((all) =>
    Object.fromEntries(
      Object.entries(all)
        .slice(0, 3)
        .map(([key, value]) => [`bothways.io/${key}`, value]),
    ),
  );
const backend = fc.array(paths, { maxLength: 3 }).map((all) => ({ paths: all.map((path) => ({ path })) }));
const ports = fc.array(
  fc.record({
    name: fc.constantFrom('http', 'db'),
    port: fc.constantFrom(80, 5_432),
    containerPort: fc.constantFrom(80, 5_432),
  }),
  { minLength: 1, maxLength: 2 },
);
const selector = fc.constantFrom(
  { matchLabels: {} },
  { matchLabels: { team: 'shop' } },
  { matchExpressions: [{ key: 'team', operator: 'Exists' }] },
);
const address = mostly(['10.0.0.7', '192.0.2.1'], ['127.0.0.1']);

/** What an object may be besides its name and namespace. */
const bodies: fc.Arbitrary<{ readonly kind: Manifest['kind'] } & Record<string, unknown>> = fc.oneof(
  fc.record({
    kind: fc.constant('Ingress' as const),
    spec: fc.record({
      rules: fc.array(fc.record({ host: hosts, http: backend }, { requiredKeys: ['host'] }), {
        minLength: 1,
        maxLength: 3,
      }),
      tls: fc.array(fc.record({ hosts: fc.array(hosts, { maxLength: 2 }) }), { maxLength: 2 }),
    }),
    status: fc.record({ loadBalancer: fc.record({ ingress: fc.array(fc.record({ ip: address }), { maxLength: 1 }) }) }),
  }),
  fc.record({
    kind: fc.constant('HTTPRoute' as const),
    spec: fc.record({
      parentRefs: fc.constantFrom([{ name: 'gw' }], [{ name: 'gw', namespace: 'infra' }]),
      hostnames: fc.array(hosts, { maxLength: 2 }),
    }),
  }),
  fc.record({
    kind: fc.constant('Gateway' as const),
    spec: fc.constant({ listeners: [{ name: 'https', protocol: 'HTTPS', port: 443 }] }),
  }),
  fc.record({
    kind: fc.constant('Service' as const),
    spec: fc.record({ ports, selector: fc.constantFrom({}, { app: 'x' }), clusterIP: address }),
  }),
  fc.record({
    kind: fc.constant('Pod' as const),
    spec: fc.record({ containers: fc.array(fc.record({ ports }), { maxLength: 1 }) }),
    status: fc.record({ phase: fc.constant('Running'), podIP: address, hostIP: fc.constant('10.0.0.1') }),
  }),
  fc.record({
    kind: fc.constant('Probe' as const),
    spec: fc.record(
      {
        module: modules,
        interval: intervals,
        scrapeTimeout: mostly(['1s'], ['1d']),
        jobName: fc.constantFrom('shop', 'bothways'),
        targets: fc.oneof(
          fc.record({
            staticConfig: fc.record({
              static: fc.array(
                fc.oneof(
                  hosts,
                  hosts.map((host) => `http://${host}/web`),
                  fc.constant('_x._tcp.example.com'),
                ),
                { maxLength: 3 },
              ),
              labels,
            }),
          }),
          fc.record({ ingress: fc.record({ selector }) }),
        ),
      },
      { requiredKeys: ['targets'] },
    ),
  }),
);

/** Objects of one namespace. */
const objectsIn = (namespace: string): fc.Arbitrary<readonly Manifest[]> =>
  fc
    .uniqueArray(
      fc.tuple(
        names,
        bodies,
        fc.oneof(
          fc.constant({}),
          annotations,
          annotations.map((all) => ({ 'bothways.io/probe': 'true', ...all })),
        ),
        labels,
      ),
      { minLength: 3, maxLength: 8, selector: ([name, { kind }]) => `${kind} ${name}` },
    )
    .map((all) =>
      all.map(([name, body, notes, own]) => ({
        ...body,
        metadata: { name: body.kind === 'Gateway' ? 'gw' : name, namespace, annotations: notes, labels: own },
      })),
    );

const list = (server: string, more: object = {}, block: object = {}, discover: object = {}) => {
  const loaded = loadValue(
    {
      external_labels: { env: 'prod' },
      vantages: { 'eu-west-1': { kind: 'lambda' }, prod: { kind: 'agent' } },
      modules: {
        api: { prober: 'http', timeout: '3s' },
        partner: { prober: 'http', http: { headers: { Authorization: '${env:TOKEN}' } } },
        // Two variables that would be one parameter of a function: together they are wrong, alone each is right.
        env_a: { prober: 'http', http: { headers: { A: '${env:PUSH_TOKEN}' } } },
        env_b: { prober: 'http', http: { headers: { B: '${env:PUSH__TOKEN}' } } },
      },
      targets: ['https://known.example.com'],
      discover: {
        kubernetes: [
          {
            kinds: ['ingress', 'httproute', 'service', 'pod', 'probe'],
            server,
            modules: ['api', 'http_2xx', 'icmp', 'tcp_connect', 'env_a', 'env_b'],
            ...block,
          },
        ],
        ...discover,
      },
      ...more,
    },
    { probers },
  );
  return loaded.ok ? loaded.list : assert.fail(JSON.stringify(loaded.problems));
};

/** What a list finds in a cluster that has these objects and no others. */
const foundIn = async (
  kubernetes: KubernetesServer,
  objects: readonly Manifest[],
  rows = list(kubernetes.url),
): Promise<CompiledFound> => {
  for (const object of objects) kubernetes.put(collections[object.kind], object);
  try {
    await using discovery = openDiscovery({
      settings: rows.discover ?? assert.fail(),
      probers,
      environment: {},
      file: (path) => readFile(path),
      changed: () => {},
    });
    await discovery.first;
    return discovery.compile(rows);
  } finally {
    for (const { kind, metadata } of objects) kubernetes.remove(collections[kind], metadata.namespace, metadata.name);
  }
};

const checksOf = ({ checks }: CompiledFound, namespace: string) =>
  checks.filter(({ target }) => target.name.startsWith(`${namespace}/`));
const remarksOf = ({ remarks }: CompiledFound, namespace: string) =>
  remarks.filter(({ tenant }) => tenant === namespace);

test('tenants: what a namespace gets does not depend on the objects of others', async () => {
  await using kubernetes = await kubernetesServer();
  let [found, remarked] = [0, 0];
  await fc.assert(
    fc.asyncProperty(objectsIn('shop'), objectsIn('aaa'), objectsIn('zzz'), async (shop, before, after) => {
      const alone = await foundIn(kubernetes, shop);
      const together = await foundIn(kubernetes, [...before, ...shop, ...after]);
      assert.deepEqual(checksOf(together, 'shop'), alone.checks);
      assert.deepEqual(remarksOf(together, 'shop'), remarksOf(alone, 'shop'));
      assert.equal(new Set(together.checks.map(({ id }) => id)).size, together.checks.length);
      found += alone.checks.length;
      remarked += alone.remarks.length;
    }),
    { numRuns: 150 },
  );
  assert.ok(found > 50 && remarked > 50, `${found} checks, ${remarked} remarks`);
});

/** A publication of three namespaces, and what the functions of a vantage take of it. */
const takenOf = (compiled: CompiledFound, rows: ReturnType<typeof list>) => {
  const publish = rows.discover?.publish ?? assert.fail();
  const { checks } = publishable(compiled.checks, { publish, probers, allowed: () => allowedFor([], []) });
  const facts = { now: 0, graceMs: 0, isComplete: true, share: publishedShareOf(publish) };
  const { publication } = nextPublication(new Map(), { ...facts, checks });
  const vantages = [{ name: 'eu-west-1', kind: 'lambda' as const, labels: {} }];
  const own = {
    checks: [],
    endpoints: [],
    literals: new Map(),
    vantages,
    externalLabels: { env: 'prod' },
    hash: '',
    writtenAt: 0,
  };
  const values = [...publication.values()].map(({ check }) => check);
  return takenFrom(values, { cluster: 'a', own, vantage: 'eu-west-1', probers, mostTargets: publish.max_targets })
    .checks;
};

test('tenants: what functions take of a namespace does not depend on the objects of others', async () => {
  await using kubernetes = await kubernetesServer();
  const rows = list(
    kubernetes.url,
    { aws: { list: { bucket: 'example-lists', region: 'eu-west-1' } } },
    {},
    { publish: { cluster: 'a', stage: 'prod', namespaces: ['shop', 'aaa', 'zzz'], max_targets: 30 } },
  );
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(objectsIn('shop'), objectsIn('aaa'), objectsIn('zzz'), async (shop, before, after) => {
      const alone = takenOf(await foundIn(kubernetes, shop, rows), rows);
      const together = takenOf(await foundIn(kubernetes, [...before, ...shop, ...after], rows), rows);
      assert.deepEqual(
        together.filter(({ target }) => target.labels.namespace === 'shop'),
        alone,
      );
      taken += alone.length;
    }),
    { numRuns: 60 },
  );
  assert.ok(taken > 3, `${taken} checks`);
});

test('tenants: what files name does not change what a namespace gets, nor the other way round', async () => {
  await using kubernetes = await kubernetesServer();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-tenants-'));
  try {
    const file = join(folder, 'sd.json');
    const targets = [
      'http://shop.example.com',
      'http://shop/web',
      'http://shop.example.com/web',
      'http://10.0.0.7/web',
    ];
    const group = (name: string) => ({ targets: ['http://x.example.com'], labels: { name, namespace: 'shop' } });
    await writeFile(file, JSON.stringify([{ targets }, ...['shop/web', 'shop/shop.example.com', 'shop'].map(group)]));
    const withFile = list(kubernetes.url, {}, {}, { file_sd: [{ files: [file] }] });
    const files = (await foundIn(kubernetes, [], withFile)).checks;
    assert.equal(new Set(files.map(({ target }) => target.name)).size, 7);
    await fc.assert(
      fc.asyncProperty(objectsIn('shop'), async (shop) => {
        const alone = await foundIn(kubernetes, shop);
        const together = await foundIn(kubernetes, shop, withFile);
        assert.deepEqual(checksOf(together, 'shop'), alone.checks);
        assert.deepEqual(
          together.checks.filter((check) => !checksOf(together, 'shop').includes(check)),
          files,
        );
        assert.equal(new Set(together.checks.map(({ id }) => id)).size, together.checks.length);
      }),
      { numRuns: 40 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
