// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { compileFound, type FoundBlock } from '../../src/discover/compile-found.ts';
import { probers } from '../../src/probers/index.ts';

const base = (more: object = {}) => {
  const loaded = loadValue(
    {
      vantages: { 'eu-west-1': { kind: 'lambda' }, prod: { kind: 'agent' } },
      modules: { api: { prober: 'http', http: { method: 'HEAD' } } },
      discover: { kubernetes: [{ kinds: ['ingress'] }] },
      targets: ['https://known.example.com'],
      ...more,
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  return loaded.list;
};
const block = (entries: readonly (string | object)[], more: Partial<FoundBlock> = {}): FoundBlock => ({
  name: 'kubernetes[0]',
  found: entries.map((entry, index) => ({
    origin: `Ingress shop/${String(index).padStart(5, '0')}`,
    entry: typeof entry === 'string' ? { target: entry } : { target: '', ...entry },
  })),
  maxTargets: 1_000,
  defaults: {},
  labels: {},
  ...more,
});
const names = (compiled: ReturnType<typeof compileFound>) => compiled.checks.map(({ id }) => id).sort();

test('found targets: they are compiled as if the list had them, with the labels and defaults of their block', () => {
  const compiled = compileFound(
    base(),
    [
      block(['https://new.example.com', 'tcp://db.shop.svc:5432'], {
        labels: { cluster: 'a' },
        defaults: { profile: 'lean' },
      }),
    ],
    probers,
  );
  assert.deepEqual(names(compiled), ['db.shop.svc:5432@prod', 'new.example.com@eu-west-1']);
  assert.equal(compiled.checks[0]?.labels.cluster, 'a');
  assert.equal(compiled.checks[0]?.target.profile, 'lean');
  assert.deepEqual(compiled.remarks, []);
});

test('found targets: the list wins, then the first by name of its object', () => {
  const compiled = compileFound(
    base(),
    [block(['https://known.example.com', 'https://twice.example.com', 'http://twice.example.com'])],
    probers,
  );
  assert.deepEqual(names(compiled), ['twice.example.com@eu-west-1']);
  assert.deepEqual(compiled.remarks, [
    { origin: 'Ingress shop/00002', why: 'twice.example.com is a target of Ingress shop/00001 already' },
  ]);
});

test('found targets: what the list would refuse is left out with its words, and the rest is used', () => {
  const compiled = compileFound(
    base(),
    [
      block([
        { target: 'https://a.example.com', interval: 'soon' },
        { target: 'https://b.example.com', module: 'apii' },
        { target: 'https://c.example.com', http: { fail_if_body_not_matches_regexp: ['('] } },
        { target: 'http://169.254.169.254/latest' },
        { target: 'nonsense' },
        { target: 'https://user:canary@d.example.com' },
        { target: 'https://e.example.com', labels: { phase: 'x' } },
        'https://good.example.com',
      ]),
    ],
    probers,
  );
  assert.deepEqual(names(compiled), ['good.example.com@eu-west-1']);
  const said = compiled.remarks.map(({ origin, why }) => `${origin.slice(-1)} ${why}`).join('\n');
  assert.match(said, /^0 interval: .*; saw "soon"$/m);
  assert.match(said, /^1 module: no module "apii"; did you mean "api"\?$/m);
  assert.match(said, /^2 http\.fail_if_body_not_matches_regexp/m);
  assert.match(said, /^3 .*metadata service/m);
  assert.match(said, /^5 .*user name or password/m);
  assert.equal(compiled.remarks.length, 7);
  assert.doesNotMatch(said, /canary/);
});

test('found targets: of thousands each one that is refused is named, and the others are all used', () => {
  const many = Array.from({ length: 2_000 }, (_, index) =>
    index % 777 === 3 ? { target: `https://w${index}.example.com`, interval: 'soon' } : `https://w${index}.example.com`,
  );
  const compiled = compileFound(
    base(),
    [block(many)].map((one) => ({ ...one, maxTargets: 1_900 })),
    probers,
  );
  assert.deepEqual(
    compiled.remarks.map(({ origin }) => origin),
    ['Ingress shop/00003', 'Ingress shop/00780', 'Ingress shop/01557'],
  );
  assert.deepEqual([compiled.checks.length, new Set(names(compiled)).size], [1_897, 1_897]);
  assert.deepEqual(
    [...compiled.counts, ...compiled.above].map(([, count]) => count),
    [1_897, 100],
  );
  assert.equal(compiled.groups()[0]?.targets.length, 1_897);
});

test('found targets: defaults that fit nothing are said once, and only their block is left out', () => {
  const bad = block(
    Array.from({ length: 600 }, (_, index) => `https://bad${index}.example.com`),
    {
      name: 'kubernetes[1]',
      defaults: { from: ['nowhere'] },
    },
  );
  const compiled = compileFound(base(), [block(['https://good.example.com']), bad], probers);
  assert.deepEqual(names(compiled), ['good.example.com@eu-west-1']);
  assert.equal(compiled.remarks.length, 1);
  assert.match(compiled.remarks[0]?.why ?? '', /"nowhere" matches no vantage/);
});

test('found targets: a reference to a secret is a text like any other', () => {
  const compiled = compileFound(
    base(),
    [block([{ target: 'https://a.example.com', http: { headers: { X: '${env:HOME}' } } }])],
    probers,
  );
  assert.match(JSON.stringify(compiled.checks[0]?.module.settings), /"headers":\{"X":"\$\{env:HOME\}"\}/);
});

test('found targets: those above max_targets are left out and counted', () => {
  const many = Array.from({ length: 30 }, (_, index) => `https://w${index}.example.com`);
  const compiled = compileFound(base(), [block(many, { maxTargets: 10 })], probers);
  assert.deepEqual([compiled.checks.length, compiled.above.get('kubernetes[0]')], [10, 20]);
});

test('discover: defaults that fit nothing are refused when the list is loaded', () => {
  const problems = (discover: object) => {
    const loaded = loadValue(
      { vantages: { prod: { kind: 'agent' } }, discover, targets: ['tcp://a.svc:1'] },
      { probers },
    );
    return loaded.ok ? [] : loaded.problems.map(({ path, message }) => `${path}: ${message}`);
  };
  const kubernetes = (defaults: object) => problems({ kubernetes: [{ kinds: ['pod'], defaults }] });
  assert.deepEqual(kubernetes({ from: ['prod'] }), []);
  assert.match(
    kubernetes({ from: ['prdo'] })[0] ?? '',
    /kubernetes\[0\]\.defaults\.from\[0\]: "prdo" matches no vantage; did you/,
  );
  assert.match(kubernetes({ module: 'http_2xy' })[0] ?? '', /defaults\.module: no module "http_2xy"; did you mean/);
  assert.match(problems({ kubernetes: [{ kinds: ['deployment'] }] })[0] ?? '', /kinds\[0\]/);
  assert.match(problems({ file_sd: [{ files: ['x.toml'] }] })[0] ?? '', /ends with \.json, \.yml or \.yaml/);
  assert.deepEqual(problems({ file_sd: [{ files: ['/nowhere/*.json'] }] }), []);
});
