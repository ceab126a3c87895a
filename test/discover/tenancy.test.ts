import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { compileFound, type FoundBlock } from '../../src/discover/compile-found.ts';
import { probers } from '../../src/probers/index.ts';

const list = (more: object = {}) => {
  const loaded = loadValue(
    {
      external_labels: { env: 'prod', empty: '' },
      defaults: { inside: { labels: { side: 'in' } } },
      vantages: { prod: { kind: 'agent' } },
      discover: { kubernetes: [{ kinds: ['probe'] }] },
      targets: [],
      ...more,
    },
    { probers },
  );
  return loaded.ok ? loaded.list : assert.fail(JSON.stringify(loaded.problems));
};
const usual = { share: 100, minInterval: '10s', expressions: false, jobs: false, cluster: '' };
type More = { readonly tenancy?: Partial<typeof usual>; readonly block?: Partial<FoundBlock>; readonly list?: object };
const compiled = (entries: readonly object[], { tenancy = {}, block = {}, list: rows = {} }: More = {}) =>
  compileFound(
    list(rows),
    [
      {
        name: 'kubernetes[0]',
        found: entries.map((entry, index) => ({
          origin: `Probe shop/${index}`,
          tenant: 'shop',
          entry: { target: `tcp://host${index}.example.com:1`, ...entry },
        })),
        maxTargets: 1_000,
        defaults: {},
        labels: {},
        tenancy: { ...usual, ...tenancy },
        ...block,
      },
    ],
    probers,
  );
const whyOf = ({ remarks }: ReturnType<typeof compiled>) => remarks.map(({ why }) => why);

test('tenancy: labels of the list and of the block are not replaced by those of an object', () => {
  const theirs = { env: 'dev', team: 'mine', source: 'x', side: 'out', empty: 'e', own: 'kept' };
  const block = { labels: { source: 'cluster' }, defaults: { labels: { team: 'shop' } } };
  const all = compiled([{ labels: { namespace: 'shop', ...theirs } }], { block });
  const { env, team, source, side, empty, own, namespace } = all.checks[0]?.labels ?? {};
  assert.deepEqual(
    [env, team, source, side, empty, own, namespace],
    ['prod', 'shop', 'cluster', undefined, 'e', 'kept', 'shop'],
  );
  assert.deepEqual(whyOf(all), [
    'the label env, team, source, side is set by the list; that of the object is not used',
  ]);
});

test('tenancy: the job is set by an object only where its block allows it', () => {
  const entry = { job: 'payments' };
  const refused = compiled([entry]);
  assert.equal(refused.checks[0]?.labels.job, 'bothways');
  assert.match(whyOf(refused).join(), /may not set the label job here; write `jobs: true`/);
  assert.equal(compiled([entry], { tenancy: { jobs: true } }).checks[0]?.labels.job, 'payments');
});

test('tenancy: an interval below the shortest is that one, and what the block itself says is not bounded', () => {
  const intervals = ['1s', '9999ms', '10s', '1m'].map((interval) => ({ interval, timeout: '1s' }));
  const all = compiled(intervals);
  assert.deepEqual(
    all.checks.map(({ target }) => target.intervalMs),
    [10_000, 10_000, 10_000, 60_000],
  );
  assert.equal(all.remarks.length, 2);
  const lower = compiled(intervals, { tenancy: { minInterval: '1s' } });
  assert.equal(lower.checks[0]?.target.intervalMs, 1_000);
  const block = { defaults: { interval: '2s', timeout: '1s' } };
  assert.equal(compiled([{}], { block }).checks[0]?.target.intervalMs, 2_000);
});

test('tenancy: a time limit above a minute is a minute', () => {
  const all = compiled([{ interval: '1d', timeout: '12h' }, { timeout: '20s' }]);
  assert.deepEqual(
    all.checks.map(({ module }) => module.timeoutMs),
    [60_000, 20_000],
  );
  assert.deepEqual(whyOf(all), ['its timeout 12h is above 1m, which is used']);
});

test('tenancy: an expression is compared only where the block allows it, and the target is probed all the same', () => {
  const entry = { target: 'http://a.example.com', http: { fail_if_body_not_matches_regexp: ['ok'] } };
  const wished = (expressions: boolean) => compiled([entry], { tenancy: { expressions } });
  const settings = (all: ReturnType<typeof compiled>) => JSON.stringify(all.checks[0]?.module.settings);
  assert.equal(wished(false).checks.length, 1);
  assert.doesNotMatch(settings(wished(false)), /ok/);
  assert.match(whyOf(wished(false)).join(), /bothways\.io\/expect is ignored; write `expressions: true`/);
  assert.match(settings(wished(true)), /"ok"/);
  assert.deepEqual(whyOf(wished(true)), []);
});

test('tenancy: a module that asks by another method than GET and HEAD is for objects only where the block names it', () => {
  const entry = { target: 'https://a.example.com', module: 'http_post_2xx' };
  const refused = compiled([entry]);
  assert.equal(refused.checks.length, 0);
  assert.match(
    whyOf(refused).join(),
    /http_post_2xx asks by POST, which may change something; write it into `modules`/,
  );
  assert.equal(compiled([entry], { block: { modules: ['http_post_2xx'] } }).checks.length, 1);
  const { module, ...rest } = entry;
  assert.equal(compiled([rest], { block: { defaults: { module } } }).checks.length, 1);
  // A default of the list is not meant for hosts that objects choose.
  assert.equal(compiled([rest], { list: { defaults: { outside: { module } } } }).checks.length, 0);
});

test('tenancy: the name of a service counts as the hosts that it may have', () => {
  const service = (index: number) => ({ target: `tcp://_x._tcp.s${index}.example.com` });
  const all = compiled([service(0), service(1), service(2), {}, {}], { tenancy: { share: 21 } });
  assert.deepEqual(
    all.checks.map(({ target }) => target.name),
    ['shop/_x._tcp.s0.example.com', 'shop/_x._tcp.s1.example.com', 'shop/host3.example.com:1'],
  );
  assert.equal(all.above.get('kubernetes[0]'), 2);
});

test('tenancy: remarks on a namespace are kept as examples and counted', () => {
  const all = compiled(Array.from({ length: 90 }, () => ({ interval: 'soon' })));
  assert.equal(all.remarks.length, 11);
  assert.deepEqual(all.remarks.at(-1), { origin: 'namespace shop', why: '80 more remarks', tenant: 'shop' });
});

test('tenancy: namespaces of one name in two clusters are two tenants', () => {
  const row = (tenant: string, origin: string) => ({ origin, tenant, entry: { target: 'tcp://a.example.com:1' } });
  const block = (index: number, cluster: string) => ({
    name: `kubernetes[${index}]`,
    found: [row('shop', `Probe shop/${index}`)],
    maxTargets: 10,
    defaults: {},
    labels: {},
    tenancy: { ...usual, cluster },
  });
  const file = { name: 'file_sd[0]', maxTargets: 10, defaults: {}, labels: {}, modules: 'any' as const };
  const found = ['shop/a.example.com:1', 'b:6443/shop/a.example.com:1'].map((name) => ({
    ...row('', '/sd.json'),
    entry: { target: 'tcp://a.example.com:1', name },
  }));
  const { checks, remarks } = compileFound(list(), [block(0, ''), block(1, 'b:6443/'), { ...file, found }], probers);
  assert.deepEqual(remarks, []);
  assert.deepEqual(
    checks.map(({ target, reach }) => [target.name, reach]),
    [
      ['shop/a.example.com:1', 'kubernetes[0]/shop'],
      ['b:6443/shop/a.example.com:1', 'kubernetes[1]/shop'],
      ['file_sd/b:6443/shop/a.example.com:1', undefined],
      ['file_sd/shop/a.example.com:1', undefined],
    ],
  );
});
