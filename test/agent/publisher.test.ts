// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Log } from '../../src/agent/log.ts';
import { publisher } from '../../src/agent/publisher.ts';
import { allowedFor } from '../../src/config/from-cluster.ts';
import { loadValue } from '../../src/config/load.ts';
import { readPacked } from '../../src/config/packed.ts';
import { compileFound } from '../../src/discover/compile-found.ts';
import { nextPublication, publishable } from '../../src/discover/publication.ts';
import type { Check } from '../../src/kernel/check.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { probers } from '../../src/probers/index.ts';
import { awsServer } from '../servers/aws.ts';

const publish = { cluster: 'prod-a', stage: 'prod', namespaces: ['shop'], max_targets: 3, grace: '10m' };
const listOf = (more: object = {}) => {
  const loaded = loadValue(
    {
      vantages: { 'eu-west-1': { kind: 'lambda' }, 'us-east-1': { kind: 'lambda' }, 'prod-a': { kind: 'agent' } },
      aws: { list: { bucket: 'lists', region: 'eu-central-1', prefix: 'b/' } },
      discover: { kubernetes: [{ kinds: ['ingress'] }], publish },
      ...more,
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  return loaded.list;
};
const found = (targets: readonly (readonly [target: string, namespace?: string])[], list = listOf(), defaults = {}) =>
  compileFound(
    list,
    [
      {
        name: 'kubernetes[0]',
        found: targets.map(([target, namespace = 'shop']) => ({
          origin: `Ingress ${namespace}/x`,
          tenant: namespace,
          entry: { target, labels: { namespace } },
        })),
        maxTargets: 100,
        tenancy: { share: 100, minInterval: '10s', expressions: false, jobs: false, cluster: '' },
        defaults,
        labels: {},
      },
    ],
    probers,
  ).checks;

/** What may be published where nothing that is written has a secret. */
const publishableOf = (checks: readonly Check[], cluster = publish.cluster) =>
  publishable(checks, { publish: { ...publish, cluster }, probers, allowed: () => allowedFor([], []) });

test('publication: only public hosts of the namespaces that may, named after the cluster', () => {
  const checks = found([
    ['https://shop.example.com'],
    ['https://other.example.com', 'kube-system'],
    ['https://10.0.0.7'],
    ['https://admin.internal'],
    ['tcp://db.shop.svc:5432'],
  ]);
  const { checks: published, remarks } = publishableOf(checks);
  assert.deepEqual(remarks, []);
  assert.deepEqual(
    published.map(({ id, target, labels }) => [id, target.name, labels.name]),
    [
      ['prod-a/shop/shop.example.com@eu-west-1', 'prod-a/shop/shop.example.com', 'prod-a/shop/shop.example.com'],
      ['prod-a/shop/shop.example.com@us-east-1', 'prod-a/shop/shop.example.com', 'prod-a/shop/shop.example.com'],
    ],
  );
});

test('publication: what receivers would refuse for its length is left out with a word', () => {
  const checks = found([[`https://shop.example.com/${'x'.repeat(990)}`], ['https://good.example.com']]);
  const { checks: published, remarks } = publishableOf(checks, 'a-cluster-of-a-long-name');
  assert.equal(published.length, 2);
  assert.deepEqual(
    remarks.map(({ why }) => why),
    ['its texts are too long or its labels too many'],
  );
});

test('publication: what is published belongs to the namespace of its writer, and files and other clusters have none', () => {
  const row = { name: 'kubernetes[0]', maxTargets: 100, defaults: {}, labels: {} };
  const tenancy = { share: 100, minInterval: '10s', expressions: false, jobs: false, cluster: '' };
  const one = (tenant: string, host: string, labels: object) => ({
    origin: `Probe ${tenant}/x`,
    tenant,
    entry: { target: `https://${host}.example.com`, labels },
  });
  const { checks } = compileFound(
    listOf(),
    [
      { ...row, found: [one('dev', 'a', { namespace: 'dev', ingress_namespace: 'shop' })], tenancy },
      {
        ...row,
        name: 'kubernetes[1]',
        found: [one('shop', 'b', { namespace: 'shop' })],
        tenancy: { ...tenancy, cluster: 'b:443/' },
      },
      { ...row, name: 'file_sd[0]', found: [one('', 'c', { namespace: 'shop' })], modules: 'any' },
    ],
    probers,
  );
  assert.equal(checks.length, 6);
  assert.deepEqual(publishableOf(checks).checks, []);
  const [good] = publishableOf(found([['https://d.example.com']])).checks;
  assert.deepEqual([good?.target.name, good?.reach], ['prod-a/shop/d.example.com', undefined]);
});

test('publication: each namespace has its part of it, whatever others have', () => {
  const rules = { publish: { ...publish, namespaces: ['shop', 'aaa'] }, probers, allowed: () => allowedFor([], []) };
  const of = (namespace: string, count: number) =>
    Array.from({ length: count }, (_, index) => [`https://${namespace}${index}.example.com`, namespace] as const);
  const namesIn = (targets: ReturnType<typeof of>, isComplete = true) => {
    const { checks } = publishable(found(targets), rules);
    const facts = { now: 0, graceMs: 0, isComplete, share: 3 };
    const { publication, above } = nextPublication(new Map(), { ...facts, checks });
    return { names: [...publication.values()].map(({ check }) => check.target.name), above };
  };
  const alone = namesIn(of('shop', 3)).names;
  const together = namesIn([...of('aaa', 9), ...of('shop', 3)]);
  assert.deepEqual(
    together.names.filter((name) => name.startsWith('prod-a/shop/')),
    alone,
  );
  assert.equal(together.above, 6);
});

test('publication: what vanishes stays for its grace, and for ever while it is not known what there is', () => {
  const { checks } = publishableOf(found([['https://a.example.com'], ['https://b.example.com']]));
  const facts = { graceMs: 600_000, isComplete: true, share: 10 };
  const names = (one: ReturnType<typeof nextPublication>) => [
    ...new Set([...one.publication.values()].map(({ check }) => check.target.name)),
  ];
  const both = nextPublication(new Map(), { ...facts, checks, now: 0 });
  assert.deepEqual(names(both), ['prod-a/shop/a.example.com', 'prod-a/shop/b.example.com']);
  const left = checks.filter(({ target }) => target.name.includes('a.example'));
  const later = nextPublication(both.publication, { ...facts, checks: left, now: 600_000 });
  assert.equal(names(later).length, 2);
  const gone = nextPublication(later.publication, { ...facts, checks: left, now: 600_001 });
  assert.deepEqual(names(gone), ['prod-a/shop/a.example.com']);
  const unknown = nextPublication(both.publication, { ...facts, checks: [], now: 9e9, isComplete: false });
  assert.equal(names(unknown).length, 2);
  const few = nextPublication(new Map(), { ...facts, checks, now: 0, share: 1 });
  assert.deepEqual([names(few), few.above], [['prod-a/shop/a.example.com'], 1]);
});

/** A publisher that looks every few milliseconds, with a bucket. */
const world = async (options: Parameters<typeof awsServer>[0] = {}) => {
  const stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer(options));
  const lines: string[] = [];
  const start = (refreshMs = 60_000) => {
    const kit = stack.use(makeKit({ environment: aws.environment }));
    const log: Log = (level, text) => void lines.push(`${level} ${text}`);
    return stack.use(publisher({ aws: kit.aws, log, probers, pauseMs: 20, refreshMs }));
  };
  const packed = (vantage: string, cluster = 'prod-a') => {
    const object = aws.objects.get(`lists/b/prod/clusters/${cluster}/${vantage}.json`);
    const read = object === undefined ? undefined : readPacked(gunzipSync(object).toString());
    return read?.ok === true ? read.packed : undefined;
  };
  const names = (vantage: string, cluster?: string) =>
    packed(vantage, cluster)?.checks.map(({ target }) => target.name);
  const until = async (holds: () => boolean, what: string) => {
    for (let tries = 0; tries < 300; tries += 1) {
      if (holds()) return;
      await wait(10);
    }
    assert.fail(`${what}: ${lines.join('\n')}`);
  };
  return { aws, lines, start, packed, names, until, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('publisher: each Lambda vantage has an object with its checks, written when something changes', async () => {
  await using there = await world();
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => there.names('us-east-1') !== undefined, 'the objects');
  assert.deepEqual(there.names('eu-west-1'), ['prod-a/shop/a.example.com']);
  const puts = () => there.aws.calls.filter(({ action }) => action === 'PUT').length;
  await there.until(() => one.state()?.publishedAt !== undefined, 'the state');
  const before = puts();
  await wait(100);
  assert.equal(puts(), before);
  one.tell({ list: listOf(), checks: found([['https://a.example.com'], ['https://b.example.com']]), isComplete: true });
  await there.until(() => there.names('us-east-1')?.length === 2, 'a change');
  assert.equal(one.state()?.targets, 2);
});

test('publisher: the first object is written also where a missing one looks forbidden', async () => {
  await using there = await world({ mayList: false });
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => one.state()?.publishedAt !== undefined, 'the first objects');
  assert.deepEqual([there.names('eu-west-1'), there.lines], [['prod-a/shop/a.example.com'], []]);
});

test('publisher: an object that is there and must not be read is said, and stays', async () => {
  await using there = await world();
  const key = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  const theirs = gzipSync('{"theirs":true}');
  there.aws.objects.set(key, theirs);
  there.aws.deny('GET');
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => there.lines.length > 0, 'a word');
  assert.match(there.lines[0] ?? '', /eu-west-1\.json cannot be read: status 403: AccessDenied.*; but it is there$/);
  assert.equal(there.aws.objects.get(key), theirs);
});

test('publisher: an object that somebody deletes is written anew', async () => {
  await using there = await world();
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => one.state()?.publishedAt !== undefined, 'published');
  there.aws.objects.clear();
  one.tell({ list: listOf(), checks: found([['https://b.example.com']]), isComplete: true });
  await there.until(() => there.names('us-east-1')?.includes('prod-a/shop/b.example.com') === true, 'it is back');
});

test('publisher: an agent that starts anew takes over what was published, and ends nothing that it has not looked for', async () => {
  await using there = await world();
  const first = there.start();
  first.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => there.names('us-east-1') !== undefined, 'the objects');
  await first[Symbol.asyncDispose]();
  const second = there.start();
  second.tell({ list: listOf(), checks: found([['https://b.example.com']]), isComplete: false });
  await there.until(() => there.names('us-east-1')?.length === 2, 'both');
});

test('publisher: somebody else under the same name is noticed and said, and a bucket that refuses too', async () => {
  await using there = await world();
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => one.state()?.publishedAt !== undefined, 'published');
  const key = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  there.aws.objects.set(key, gzipSync('{"theirs":true}'));
  one.tell({ list: listOf(), checks: found([['https://b.example.com']]), isComplete: true });
  await there.until(() => there.lines.length > 0, 'a word');
  assert.match(there.lines[0] ?? '', /^error .*was written by somebody else; does another agent publish as prod-a\?$/);
  await there.until(() => there.names('eu-west-1')?.length !== undefined, 'it goes on');
  there.aws.fail('PUT', 403, 99);
  one.tell({ list: listOf(), checks: found([['https://c.example.com']]), isComplete: true });
  await there.until(() => /403/.test(one.state()?.problem ?? ''), 'the refusal');
});

test('publisher: what refers to a secret that no written target has is left out, and said once', async () => {
  await using there = await world();
  const targets = [{ name: 'own', target: 'https://own.example.com', module: 'known' }];
  const header = (value: string) => ({ prober: 'http', http: { headers: { 'X-Probe': value } } });
  const list = listOf({
    modules: {
      known: header('${ssm:/waf}'),
      other: header('${ssm:/other}'),
      variable: header('${env:WAF}'),
      pushed: header('${ssm:/push}'),
      open: header('canary-open'),
      file: { prober: 'http', http: { tls_config: { ca_file: '/etc/ssl/certs/ca-certificates.crt' } } },
    },
    remote_write: [{ url: 'https://push.example.com', authorization: { credentials: '${ssm:/push}' } }],
    targets,
  });
  const by = (module: string) => found([[`https://${module}.example.com`]], list, { module });
  const modules = ['known', 'other', 'variable', 'pushed', 'file'];
  const one = there.start();
  one.tell({ list, checks: modules.flatMap(by), isComplete: true });
  await there.until(() => one.state()?.publishedAt !== undefined, 'published');
  assert.deepEqual(there.names('eu-west-1'), ['prod-a/shop/known.example.com']);
  await wait(100);
  const why = 'and no target that is written for the outside does';
  assert.deepEqual(there.lines, [
    `warn shop/other.example.com is not told outside: it refers to ssm:/other, ${why}`,
    `warn shop/variable.example.com is not told outside: it refers to env:WAF, ${why}`,
    `warn shop/pushed.example.com is not told outside: it refers to ssm:/push, ${why}`,
    `warn shop/file.example.com is not told outside: it needs the file /etc/ssl/certs/ca-certificates.crt, which functions need not have`,
  ]);
  assert.deepEqual([one.state()?.targets, one.state()?.leftOut], [1, 4]);
});

test('publisher: an object is written anew now and then without a change, and says when', async () => {
  await using there = await world();
  const one = there.start(50);
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => there.packed('eu-west-1') !== undefined, 'the object');
  const first = there.packed('eu-west-1')?.writtenAt ?? assert.fail('it does not say when it was written');
  assert.ok(Math.abs(Date.now() - first) < 60_000);
  await there.until(() => (there.packed('eu-west-1')?.writtenAt ?? 0) > first, 'a sign of life');
  assert.deepEqual([there.names('eu-west-1'), there.lines], [['prod-a/shop/a.example.com'], []]);
});

test('publisher: when the list publishes no more, or under another name, what is there is emptied once', async () => {
  await using there = await world();
  const one = there.start(1);
  const checks = found([['https://a.example.com']]);
  one.tell({ list: listOf(), checks, isComplete: true });
  await there.until(() => there.names('us-east-1')?.length === 1, 'the objects');
  const renamed = { ...publish, cluster: 'prod-b' };
  const list = listOf({ discover: { kubernetes: [{ kinds: ['ingress'] }], publish: renamed } });
  one.tell({ list, checks, isComplete: true });
  await there.until(() => there.names('us-east-1')?.length === 0, 'the old name is emptied');
  await there.until(() => there.names('us-east-1', 'prod-b') !== undefined, 'the new name');
  assert.deepEqual(there.names('eu-west-1', 'prod-b'), ['prod-b/shop/a.example.com']);
  one.nothing();
  await there.until(() => there.names('us-east-1', 'prod-b')?.length === 0, 'nothing is told any more');
  assert.equal(one.state(), undefined);
  await there.until(() => there.lines.length === 4, 'a word for each object');
  const puts = () => there.aws.calls.filter(({ action }) => action === 'PUT').length;
  const before = puts();
  await wait(100);
  assert.deepEqual([puts(), there.lines.length], [before, 4]);
  assert.match(
    there.lines.join('\n'),
    /^info nothing is told outside any more by s3:\/\/lists\/b\/prod\/clusters\/prod-a\//m,
  );
});

test('publisher: an agent that is stopped takes nothing back, since another one may follow', async () => {
  await using there = await world();
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => one.state()?.publishedAt !== undefined, 'published');
  await one[Symbol.asyncDispose]();
  assert.deepEqual(there.names('eu-west-1'), ['prod-a/shop/a.example.com']);
});

test('publisher: an object that somebody forged is not taken over, and is replaced', async () => {
  await using there = await world();
  const content = { vantages: [], checks: 7 };
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12);
  const key = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  there.aws.objects.set(key, gzipSync(JSON.stringify({ format: 2, hash, ...content })));
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => there.names('eu-west-1')?.length === 1, 'ours');
  assert.deepEqual(there.lines, []);
});

test('publisher: a list that publishes without a bucket, or nothing, is refused when it is loaded', () => {
  const problems = (list: object) => {
    const loaded = loadValue({ vantages: { a: { kind: 'agent' } }, targets: ['tcp://a.svc:1'], ...list }, { probers });
    return loaded.ok ? '' : loaded.problems.map(({ message }) => message).join('\n');
  };
  const kubernetes = [{ kinds: ['ingress'] }];
  assert.match(problems({ discover: { kubernetes, publish } }), /there is no bucket to publish to/);
  const aws = { list: { bucket: 'lists', region: 'eu-central-1' } };
  assert.match(problems({ aws, discover: { publish } }), /there is nothing to publish/);
  const many = { 'prod-a/*': { kind: 'agent' } };
  assert.match(
    problems({ aws, vantages: many, targets: ['tcp://a.svc:1'], discover: { kubernetes, publish } }),
    /the vantage "prod-a\/\*" stands for many agents, and each would publish in the place of the others/,
  );
  const { namespaces: _, ...open } = publish;
  assert.match(problems({ aws, discover: { kubernetes, publish: open } }), /missing/);
});
