import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { publisher } from '../../src/agent/publisher.ts';
import { loadValue } from '../../src/config/load.ts';
import { readPacked } from '../../src/config/packed.ts';
import { compileFound } from '../../src/discover/compile-found.ts';
import { nextPublication, publishable } from '../../src/discover/publication.ts';
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
const found = (targets: readonly (readonly [target: string, namespace?: string])[]) =>
  compileFound(
    listOf(),
    [
      {
        name: 'kubernetes[0]',
        found: targets.map(([target, namespace = 'shop']) => ({
          origin: `Ingress ${namespace}/x`,
          entry: { target, labels: { namespace } },
        })),
        maxTargets: 100,
        defaults: {},
        labels: {},
      },
    ],
    probers,
  ).checks;

test('publication: only public hosts of the namespaces that may, named after the cluster', () => {
  const checks = found([
    ['https://shop.example.com'],
    ['https://other.example.com', 'kube-system'],
    ['https://10.0.0.7'],
    ['https://admin.internal'],
    ['tcp://db.shop.svc:5432'],
  ]);
  const published = publishable(checks, publish);
  assert.deepEqual(
    published.map(({ id, target, labels }) => [id, target.name, labels.name]),
    [
      ['prod-a/shop.example.com@eu-west-1', 'prod-a/shop.example.com', 'prod-a/shop.example.com'],
      ['prod-a/shop.example.com@us-east-1', 'prod-a/shop.example.com', 'prod-a/shop.example.com'],
    ],
  );
});

test('publication: what vanishes stays for its grace, and for ever while it is not known what there is', () => {
  const checks = publishable(found([['https://a.example.com'], ['https://b.example.com']]), publish);
  const facts = { graceMs: 600_000, isComplete: true, maxTargets: 10 };
  const names = (one: ReturnType<typeof nextPublication>) => [
    ...new Set([...one.publication.values()].map(({ check }) => check.target.name)),
  ];
  const both = nextPublication(new Map(), { ...facts, checks, now: 0 });
  assert.deepEqual(names(both), ['prod-a/a.example.com', 'prod-a/b.example.com']);
  const left = checks.filter(({ target }) => target.name.includes('a.example'));
  const later = nextPublication(both.publication, { ...facts, checks: left, now: 600_000 });
  assert.equal(names(later).length, 2);
  const gone = nextPublication(later.publication, { ...facts, checks: left, now: 600_001 });
  assert.deepEqual(names(gone), ['prod-a/a.example.com']);
  const unknown = nextPublication(both.publication, { ...facts, checks: [], now: 9e9, isComplete: false });
  assert.equal(names(unknown).length, 2);
  const few = nextPublication(new Map(), { ...facts, checks, now: 0, maxTargets: 1 });
  assert.deepEqual([names(few), few.above], [['prod-a/a.example.com'], 1]);
});

/** A publisher that looks every few milliseconds, with a bucket. */
const world = async () => {
  const stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer());
  const lines: string[] = [];
  const start = () => {
    const kit = stack.use(makeKit({ environment: aws.environment }));
    return stack.use(publisher(kit.aws, (level, text) => void lines.push(`${level} ${text}`), 20));
  };
  const names = (vantage: string) => {
    const object = aws.objects.get(`lists/b/prod/clusters/prod-a/${vantage}.json`);
    const read = object === undefined ? undefined : readPacked(gunzipSync(object).toString());
    return read?.ok === true ? read.packed.checks.map(({ target }) => target.name) : undefined;
  };
  const until = async (holds: () => boolean, what: string) => {
    for (let tries = 0; tries < 300; tries += 1) {
      if (holds()) return;
      await wait(10);
    }
    assert.fail(`${what}: ${lines.join('\n')}`);
  };
  return { aws, lines, start, names, until, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('publisher: each Lambda vantage has an object with its checks, written when something changes', async () => {
  await using there = await world();
  const one = there.start();
  one.tell({ list: listOf(), checks: found([['https://a.example.com']]), isComplete: true });
  await there.until(() => there.names('us-east-1') !== undefined, 'the objects');
  assert.deepEqual(there.names('eu-west-1'), ['prod-a/a.example.com']);
  const puts = () => there.aws.calls.filter(({ action }) => action === 'PUT').length;
  await there.until(() => one.state()?.publishedAt !== undefined, 'the state');
  const before = puts();
  await wait(100);
  assert.equal(puts(), before);
  one.tell({ list: listOf(), checks: found([['https://a.example.com'], ['https://b.example.com']]), isComplete: true });
  await there.until(() => there.names('us-east-1')?.length === 2, 'a change');
  assert.equal(one.state()?.targets, 2);
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

test('publisher: a list that publishes without a bucket, or nothing, is refused when it is loaded', () => {
  const problems = (list: object) => {
    const loaded = loadValue({ vantages: { a: { kind: 'agent' } }, targets: ['tcp://a.svc:1'], ...list }, { probers });
    return loaded.ok ? '' : loaded.problems.map(({ message }) => message).join('\n');
  };
  const kubernetes = [{ kinds: ['ingress'] }];
  assert.match(problems({ discover: { kubernetes, publish } }), /there is no bucket to publish to/);
  const aws = { list: { bucket: 'lists', region: 'eu-central-1' } };
  assert.match(problems({ aws, discover: { publish } }), /there is nothing to publish/);
  const { namespaces: _, ...open } = publish;
  assert.match(problems({ aws, discover: { kubernetes, publish: open } }), /missing/);
});
