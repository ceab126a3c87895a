import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ingressFinds } from '../../src/discover/ingress.ts';
import { namespaceBudget } from '../../src/discover/namespace-budget.ts';
import { ingressObject, probeObject } from '../../src/discover/objects.ts';
import { boundedProbe, probeFinds } from '../../src/discover/probes.ts';
import { fairShare, inTurns } from '../../src/protocol/fair-share.ts';
import { kubernetesServer } from '../servers/kubernetes.ts';

const ingresses = '/apis/networking.k8s.io/v1/ingresses';
const probes = '/apis/monitoring.coreos.com/v1/probes';

type Counted = {
  readonly counts: Readonly<Record<string, number>>;
  readonly remarks: number;
  readonly above: number;
  readonly problem?: string;
  readonly mebibytes: number;
};

/** What a process of little memory finds. It ends with an error when that is not enough. */
const foundBySmallProcess = async (url: string): Promise<Counted> => {
  const script = new URL('../servers/discovery-process.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=128', script, url]);
  return JSON.parse(stdout);
};

const honest = { metadata: { name: 'web', namespace: 'shop' }, spec: { rules: [{ host: 'shop.example.com' }] } };
const paths = (count: number) => Array.from({ length: count }, (_, index) => ({ path: `/${'x'.repeat(70)}${index}` }));
const large = (name: string, count = 10_000) => ({
  metadata: { name, namespace: 'evil' },
  spec: { rules: [{ host: 'evil.example.com', http: { paths: paths(count) } }] },
});
const selecting = (name: string, selector: object = {}) => ({
  metadata: { name, namespace: 'evil' },
  spec: { targets: { ingress: { selector, namespaceSelector: { any: true } } } },
});

test('bounds: one Ingress of ten thousand paths and forty Probes that select it fit into a small process', async () => {
  await using kubernetes = await kubernetesServer();
  kubernetes.put(ingresses, honest);
  kubernetes.put(ingresses, large('large'));
  for (let index = 0; index < 40; index += 1) kubernetes.put(probes, selecting(`p${index}`));
  const { counts, remarks, above, problem, mebibytes } = await foundBySmallProcess(kubernetes.url);
  assert.deepEqual([counts, problem], [{ evil: 100, shop: 1 }, undefined]);
  assert.ok(above >= 9_900, `${above} left out`);
  assert.ok(remarks <= 12, `${remarks} remarks`);
  assert.ok(mebibytes < 300, `${mebibytes} MiB`);
});

test('bounds: objects of other kinds that multiply, or are as large as can be, cost their namespace alone', async () => {
  await using kubernetes = await kubernetesServer();
  kubernetes.put(ingresses, honest);
  // Larger together than a page of an answer may be.
  for (let index = 0; index < 25; index += 1) kubernetes.put(ingresses, large(`large${index}`));
  const hosts = Array.from({ length: 4_000 }, (_, index) => `h${index}.example.com`);
  kubernetes.put(ingresses, {
    metadata: { name: 'a-cross', namespace: 'evil' },
    spec: { tls: [{ hosts }], rules: Array.from({ length: 4_000 }, () => ({ http: { paths: paths(2) } })) },
  });
  const annotations = { 'bothways.io/path': 'x'.repeat(200_000) };
  for (let index = 0; index < 50; index += 1)
    kubernetes.put(ingresses, {
      metadata: { name: `long${index}`, namespace: 'long', annotations },
      spec: { rules: [{ host: 'long.example.com' }] },
    });
  const statics = Array.from({ length: 50_000 }, (_, index) => `s${index}.example.com`);
  for (let index = 0; index < 5; index += 1)
    kubernetes.put(probes, {
      metadata: { name: `s${index}`, namespace: 'static' },
      spec: { targets: { staticConfig: { static: statics } } },
    });
  for (let index = 0; index < 1_000; index += 1)
    kubernetes.put(probes, selecting(`p${index}`, { matchLabels: { a: 'b' } }));
  const { counts, remarks, problem, mebibytes } = await foundBySmallProcess(kubernetes.url);
  assert.deepEqual([counts, problem], [{ evil: 100, shop: 1, static: 100 }, undefined]);
  assert.ok(remarks <= 40, `${remarks} remarks`);
  assert.ok(mebibytes < 400, `${mebibytes} MiB`);
});

test('bounds: of an object no more is made than asked for, and the others are counted', () => {
  const { found, above } = ingressFinds(ingressObject.parse(large('large', 500)), 20);
  assert.deepEqual([found.length, above], [20, new Map([['evil', 480]])]);
});

test('bounds: a selector of too many terms is not used, and what is kept of a Probe has a bound', () => {
  const values = Array.from({ length: 200 }, (_, index) => String(index));
  const spec = { targets: { ingress: { selector: { matchExpressions: [{ key: 'a', operator: 'In', values }] } } } };
  const finds = probeFinds(probeObject.parse({ metadata: { name: 'x', namespace: 'evil' }, spec }), { ingresses: [] });
  assert.deepEqual(
    finds.remarks.map(({ why }) => why),
    ['its selector has more than 100 terms; it is not used'],
  );
  const fixed = { targets: { staticConfig: { static: ['a', 'b', 'c'], labels: { a: 'x'.repeat(9_999) } } } };
  const { probe, above } = boundedProbe(
    probeObject.parse({ metadata: { name: 'x', namespace: 'evil' }, spec: fixed }),
    2,
  );
  assert.deepEqual([probe.spec.targets.staticConfig?.static, above], [['a', 'b'], 1]);
  assert.equal(probe.spec.targets.staticConfig?.labels.a?.length, 1_025);
});

test('bounds: a namespace has a budget of its own, which what is gone gives back', () => {
  const budget = namespaceBudget<number>(10, (cost) => cost);
  assert.deepEqual(
    [
      budget.admit('a/1', 6),
      budget.admit('a/2', 6),
      budget.admit('b/1', 10),
      budget.admit('a/3', 4),
      budget.admit('a/0', 0),
    ],
    [true, false, true, true, true],
  );
  assert.deepEqual([budget.left(), budget.isPartial()], [new Map([['a', 6]]), false]);
  assert.equal(budget.admit('a/1', undefined), false);
  assert.equal(budget.isPartial(), true);
  assert.equal(budget.admit('a/2', 6), true);
  assert.deepEqual([budget.left(), budget.isPartial()], [new Map(), false]);
  assert.equal(budget.admit('a/2', 7), false);
  assert.equal(budget.admit('a/2', 5), true);
});

test('bounds: a tenant with no more than an equal share is not cut', () => {
  const all = ['a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2'];
  const share = (most: number) => fairShare(all, most, (one) => one.slice(0, 1)).join(' ');
  assert.equal(inTurns(all, (one) => one.slice(0, 1)).join(' '), 'a1 b1 c1 a2 c2 a3 a4');
  assert.deepEqual([share(7), share(5), share(3), share(0)], [all.join(' '), 'a1 a2 b1 c1 c2', 'a1 b1 c1', '']);
});
