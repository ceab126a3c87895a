// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import type { Check } from '../../src/kernel/check.ts';
import { takenFrom } from '../../src/lambda/cluster-checks.ts';
import { ownFirst } from '../../src/lambda/own-first.ts';
import { probers } from '../../src/probers/index.ts';
import { authorityFile } from '../servers/certificates.ts';

const packed = (list: object) => {
  const loaded = loadValue({ vantages: { 'eu-west-1': { kind: 'lambda' } }, ...list }, { probers });
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const { external_labels: externalLabels } = loaded.list;
  const read = readPacked(packList({ ...loaded.compiled, literals: loaded.literals, externalLabels }));
  return read.ok ? read.packed : assert.fail(read.why);
};

/** The list of the stage: one target with a secret, receivers with others. */
const own = packed({
  external_labels: { env: 'prod' },
  vantages: { 'eu-west-1': { kind: 'lambda', labels: { vantage_team: 'edge' } } },
  remote_write: [
    { url: 'https://push.example.com', authorization: { credentials: '${ssm:/push}' } },
    { url: 'https://both.example.com', authorization: { credentials: '${ssm:/both}' } },
  ],
  targets: [
    { name: 'shop', target: 'https://shop.example.com', http: { headers: { 'X-Probe': '${ssm:/waf}' } } },
    { name: 'push', target: 'https://push.example.com', http: { headers: { 'X-Probe': '${ssm:/both}' } } },
    { name: 'open', target: 'https://open.example.com', http: { headers: { 'X-Probe': '${env:OPEN}' } } },
    { name: 'prod-a/taken', target: 'https://taken.example.com' },
  ],
});

/** The checks of a list, as a cluster publishes them. */
const found = (targets: readonly object[], more: object = {}): readonly Check[] => packed({ targets, ...more }).checks;
const good = (name = 'prod-a/found'): Check =>
  found([{ name, target: 'https://found.example.com' }])[0] ?? assert.fail();
const take = (checks: readonly unknown[], mostTargets = 100) =>
  takenFrom(checks, { cluster: 'prod-a', own, vantage: 'eu-west-1', probers, mostTargets });
const withSettings = (settings: object): Check => {
  const check = good();
  // safe: settings of HTTP are an object
  return { ...check, module: { ...check.module, settings: { ...(check.module.settings as object), ...settings } } };
};

test('cluster checks: external labels of the deployed list win, and a job is one that a written target has', () => {
  const check = good();
  const theirs = {
    ...check,
    target: { ...check.target, labels: { env: 'dev', team: 'x' } },
    labels: { ...check.labels, job: 'payments' },
  };
  const [one] = take([theirs]).checks;
  assert.deepEqual([one?.labels.env, one?.labels.team, one?.labels.job], ['prod', 'x', 'bothways']);
  assert.deepEqual(one?.target.labels, { team: 'x' });
  const withJob = packed({ targets: [{ name: 'shop', target: 'https://shop.example.com', job: 'payments' }] });
  const parts = { cluster: 'prod-a', own: withJob, vantage: 'eu-west-1', probers, mostTargets: 9 };
  assert.equal(takenFrom([theirs], parts).checks[0]?.labels.job, 'payments');
});

test('cluster checks: another method than GET and HEAD is taken only where a written target has it', () => {
  const post = withSettings({ method: 'POST' });
  const { checks, remark } = take([post, withSettings({ method: 'HEAD' })]);
  assert.equal(checks.length, 1);
  assert.match(remark ?? '', /it asks by POST, and no target that is written for the outside does/);
  const posting = packed({ targets: [{ name: 'a', target: 'https://a.example.com', http: { method: 'POST' } }] });
  const parts = { cluster: 'prod-a', own: posting, vantage: 'eu-west-1', probers, mostTargets: 9 };
  assert.equal(takenFrom([post], parts).checks.length, 1);
});

test('cluster checks: no namespace of a cluster crowds out another', () => {
  const of = (namespace: string, count: number) =>
    found(
      Array.from({ length: count }, (_, index) => ({
        name: `prod-a/${namespace}/${index}`,
        target: `https://${namespace}${index}.example.com`,
        labels: { namespace },
      })),
    );
  const [many, few] = [of('aaa', 20), of('shop', 3)];
  const alone = take(few, 6).checks;
  const { checks, leftOut } = take([...many, ...few], 6);
  assert.deepEqual(
    checks.filter(({ target }) => target.labels.namespace === 'shop'),
    alone,
  );
  assert.deepEqual([checks.length, leftOut], [6, 17]);
});

test('cluster checks: a check of its own name is taken, with vantage and labels as the list of the stage has them', () => {
  const check = good();
  const foreign = { ...check, vantage: { ...check.vantage, labels: { vantage_team: 'theirs' } } };
  const { checks, leftOut, remark } = take([foreign]);
  assert.deepEqual([leftOut, remark], [0, undefined]);
  const [one] = checks;
  assert.deepEqual(one?.vantage, own.vantages[0]);
  assert.deepEqual(one?.labels, {
    env: 'prod',
    instance: 'https://found.example.com',
    job: 'bothways',
    name: 'prod-a/found',
    vantage: 'eu-west-1',
    vantage_kind: 'lambda',
    vantage_region: 'eu-west-1',
    vantage_team: 'edge',
  });
  assert.equal(one?.reach, 'public');
});

test('cluster checks: link-local addresses are the business of the list alone', () => {
  const check = good();
  const [one] = take([{ ...check, target: { ...check.target, linkLocal: true } }]).checks;
  assert.ok(one !== undefined && !('linkLocal' in one.target));
});

test('cluster checks: nothing that is forged is taken, and the first is named', () => {
  const check = good();
  const { target, module, labels } = check;
  const forged: readonly (readonly [value: unknown, why: RegExp])[] = [
    [{ ...check, target: { ...target, name: 'shop' } }, /shop: its name does not begin with prod-a\//],
    [{ ...check, target: { ...target, name: 'prod-ab/x' } }, /prod-ab\/x: its name does not begin with prod-a\//],
    [{ ...check, labels: { ...labels, name: 'shop' } }, /its name does not begin with/],
    [{ ...check, id: 'shop@eu-west-1' }, /its name does not begin with/],
    [{ ...check, vantage: { ...check.vantage, name: 'us-east-1' } }, /it is for another vantage/],
    [{ ...check, target: { ...target, labels: { name: 'shop' } } }, /the label "name" is set by its own key/],
    [{ ...check, target: { ...target, labels: { vantage: 'x' } } }, /labels that begin with vantage/],
    [{ ...check, target: { ...target, labels: { __name__: 'x' } } }, /it is no check/],
    [{ ...check, target: { ...target, address: 'https://10.0.0.7' } }, /the world cannot reach its host/],
    [
      { ...check, target: { ...target, address: 'https://a.example.com@10.0.0.7/' } },
      /the world cannot reach its host/,
    ],
    [{ ...check, target: { ...target, address: 'http://169.254.169.254/' } }, /the world cannot reach its host/],
    [{ ...check, target: { ...target, address: 'http://db.svc' } }, /the world cannot reach its host/],
    [{ ...check, target: { ...target, intervalMs: 1_000 } }, /its interval is below a minute/],
    [{ ...check, module: { ...module, timeoutMs: 3_600_000 } }, /its time limit is longer than its interval/],
    [{ ...check, module: { ...module, prober: 'none' } }, /this version cannot read its settings/],
    [{ ...check, module: { ...module, prober: 'constructor' } }, /this version cannot read its settings/],
    [{ ...check, instance: 'x'.repeat(2_000) }, /it is no check/],
    [
      {
        ...check,
        target: { ...target, labels: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`l${index}`, 'x'])) },
      },
      /it is no check/,
    ],
    [withSettings({ unheard: 1 }), /this version cannot read its settings/],
    [{ ...check, target: null }, /it is no check/],
    [{ ...check, target: { ...target, intervalMs: 0 } }, /it is no check/],
    ['check', /it is no check/],
  ];
  for (const [value, why] of forged) {
    const { checks, leftOut, remark } = take([value, good('prod-a/other')]);
    assert.deepEqual([checks.length, leftOut], [1, 1], String(why));
    assert.match(remark ?? '', why);
  }
  const all = take(forged.map(([value]) => value));
  assert.equal(all.leftOut, forged.length);
  assert.match(all.remark ?? '', new RegExp(`, and ${forged.length - 1} more$`));
});

test('cluster checks: a secret is sent only if a target of the list refers to it, and no receiver does', () => {
  const names = (secret: string) => {
    const { checks, remark } = take([withSettings({ headers: { 'X-Probe': { secret } } })]);
    return checks.length === 1 ? 'taken' : remark;
  };
  assert.equal(names('ssm:/waf'), 'taken');
  for (const secret of ['ssm:/push', 'ssm:/both', 'ssm:/bothways/remote-write-token', 'env:AWS_SECRET_ACCESS_KEY'])
    assert.match(
      names(secret) ?? '',
      new RegExp(`it refers to ${secret}, and no target that is written for the outside does`),
    );
  const literal = withSettings({ headers: { 'X-Probe': { secret: 'literal:targets[0]' } } });
  assert.match(take([literal]).remark ?? '', /it has a secret that stands in the open in a list/);
});

test('cluster checks: no file of the function is read for a cluster, such as its environment', () => {
  for (const settings of [
    { body_file: '/proc/self/environ' },
    { authorization: { type: 'Bearer', credentials_file: '/proc/self/environ' } },
    { http_headers: { 'X-Probe': { files: ['/proc/self/environ'] } } },
    { authorization: { type: 'Bearer', credentials: { secret: 'file:/proc/self/environ' } } },
  ]) {
    const { checks, remark } = take([withSettings(settings)]);
    assert.equal(checks.length, 0, JSON.stringify(settings));
    assert.match(
      remark ?? '',
      /\/proc\/self\/environ, (?:and no target that is written for the outside does|which functions need not have)/,
    );
  }
});

test('cluster checks: the authorities of the list are those of its clusters too', async () => {
  await using authority = await authorityFile();
  const authorities = { ca_file: authority.path };
  const list = packed({
    ...authorities,
    remote_write: [{ url: 'https://push.example.com', tls_config: {} }],
    targets: ['tcp://shop.example.com:443'],
  });
  const checks = found([{ name: 'prod-a/found', target: 'https://found.example.com' }], authorities);
  assert.match(JSON.stringify(checks), /extra_ca_file/);
  const parts = { cluster: 'prod-a', vantage: 'eu-west-1', probers, mostTargets: 9 };
  assert.equal(takenFrom(checks, { ...parts, own: list }).remark, undefined);
  assert.match(takenFrom(checks, { ...parts, own }).remark ?? '', /it needs the file .*ca\.pem/);
});

test('cluster checks: a name that the list has stays as it is there, of twins one is taken, and of too many the first by name', () => {
  const taken = take([good('prod-a/taken'), good('prod-a/b'), good('prod-a/b'), good('prod-a/a'), good('prod-a/c')], 2);
  assert.deepEqual(taken.checks.map(({ target }) => target.name).sort(), ['prod-a/a', 'prod-a/b']);
  assert.equal(taken.leftOut, 2);
  assert.equal(
    taken.remark,
    'not all checks of the cluster prod-a are taken: prod-a/b: it is there twice; 1 are above the 2 targets that it may have',
  );
});

test('cluster checks: settings that checks share are read once and stay shared, and have a longest length', () => {
  const check = withSettings({ fail_if_body_matches_regexp: ['x'.repeat(4_000), 'y'.repeat(4_000)] });
  const same = ['prod-a/x', 'prod-a/y', 'prod-a/z'].map((name) => ({ ...good(name), module: check.module }));
  const { checks, remark } = take(same);
  assert.deepEqual([checks.length, remark], [3, undefined]);
  assert.equal(new Set(checks.map(({ module }) => module.settings)).size, 1);
  const long = take([withSettings({ fail_if_body_matches_regexp: Array(5).fill('x'.repeat(4_000)) })]);
  assert.match(long.remark ?? '', /its settings are longer than 16384 characters/);
});

test('cluster checks: what takes too long to look at is refused whole, whatever the clock says', () => {
  let cpu = 0;
  const parts = { cluster: 'prod-a', own, vantage: 'eu-west-1', probers, mostTargets: 100 };
  const each = (ms: number) => () => {
    cpu += ms;
    return cpu;
  };
  const many = Array.from({ length: 50 }, (_, index) => good(`prod-a/${index}`));
  assert.throws(() => takenFrom(many, { ...parts, cpuMs: each(10) }), /^Error: takes more than 325 ms to read$/);
  assert.equal(takenFrom(many, { ...parts, cpuMs: each(1) }).checks.length, 50);
});

test('cluster checks: those that were not looked at are counted with those above the most', () => {
  const { leftOut, remark } = takenFrom([good('prod-a/x')], {
    ...{ cluster: 'prod-a', own, vantage: 'eu-west-1', probers, mostTargets: 1, more: 7 },
  });
  assert.equal(leftOut, 7);
  assert.match(remark ?? '', /7 are above the 1 targets that it may have$/);
});

test('cluster checks: they start after all checks of the list, so that their cost does not leave those out', () => {
  const { checks } = take([good('prod-a/b'), good('prod-a/a')]);
  const [first, second] = own.checks;
  const mixed = [checks[1], first, checks[0], second].flatMap((check) => check ?? []);
  assert.deepEqual(ownFirst(mixed), [first, second, checks[1], checks[0]]);
});
