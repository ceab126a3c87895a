import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { costsOf } from '../../src/generate/costs.ts';
import { prices, unitPrices } from '../../src/generate/prices.ts';
import { probers } from '../../src/probers/index.ts';
import { cli } from './console.ts';
import { listFile } from './world.ts';

const listOf = (targets: string, more = '') => `
vantages: { eu-west-1: { kind: lambda }, us-east-1: { kind: lambda }, prod-a: { kind: agent } }
remote_write:
  - { url: "https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write", from: [kind=lambda] }
  - { url: "http://mimir.svc/api/v1/push", from: [kind=agent], authorization: { credentials: canary-open } }
${more}
targets:
  - { name: db, target: "tcp://db.svc:5432", interval: 15s }
${targets}`;
const small = listOf('  - { name: shop, target: "https://shop.example.com", http: { headers: { X: "${ssm:/a}" } } }');
const large = listOf(
  '  - { name: shop, target: "https://shop.example.com", profile: lean, http: { headers: { X: "${ssm:/b}" } } }\n  - https://new.example.com',
);

const plan = async (list: string, ...words: string[]) => {
  await using file = await listFile(list);
  return await cli(['plan', '--config', file.path, ...words]);
};
const planFrom = async (older: string, newer: string, ...words: string[]) => {
  await using file = await listFile(older);
  return await plan(newer, '--from', file.path, ...words);
};

test('plan: money is time, calls and samples at their prices', () => {
  const loaded = loadValue(
    {
      vantages: { 'eu-west-1': { kind: 'lambda' } },
      remote_write: [{ url: 'https://aps-workspaces.eu-west-1.amazonaws.com/x' }],
      targets: Array.from({ length: 250 }, (_, index) => `https://www${index}.example.com`),
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const costed = { list: loaded.list, ...loaded.compiled };
  const unit = unitPrices();
  const { vantages, receivers, usd } = costsOf(costed, unit);
  const [one] = vantages;
  const [receiver] = receivers;
  if (one === undefined || receiver === undefined) assert.fail('nothing');
  assert.deepEqual([one.shards, one.invocations], [3, 3 * 43_800]);
  assert.equal(one.gbSeconds, one.invocations * one.secondsPerRun * 0.5);
  assert.equal(one.usd.lambda, one.gbSeconds * 0.0000133334);
  assert.equal(one.usd.scheduler, one.invocations / 1e6);
  assert.ok(Math.abs((receiver.usd ?? 0) - (receiver.samples * 0.9) / 1e7) < 1e-6);
  const sum = one.usd.lambda + one.usd.requests + one.usd.scheduler + (receiver.usd ?? 0);
  assert.ok(Math.abs(usd - sum) < 1e-9);
  const free = costsOf(costed, unitPrices(Object.fromEntries(Object.keys(prices).map((name) => [name, 0]))));
  assert.equal(free.usd, 0);
});

test('plan: each price says where it is from and what it was compared with', () => {
  for (const { source, checked, usd } of Object.values(prices)) {
    assert.match(source, /^https:\/\/aws\.amazon\.com\//);
    assert.ok(checked.length > 5 && usd > 0);
  }
});

test('plan: people get vantages, receivers and a sum; a receiver of their own costs no money here', async () => {
  const { code, stdout } = await plan(small);
  assert.equal(code, 0);
  assert.match(stdout, /^ {2}eu-west-1 +1 +1 +1\.0 s +43,800 /m);
  assert.match(stdout, /^ {2}prod-a +1 +- +- /m);
  assert.match(stdout, /^ {2}mimir\.svc +\d+ .*your own$/m);
  assert.match(stdout, /^Together \d+ series and \$\d+\.\d\d a month\.$/m);
  assert.doesNotMatch(stdout, /canary/);
});

test('plan: what changes is said target by target, key by key, in series and in money', async () => {
  const { code, stdout } = await planFrom(small, large);
  assert.equal(code, 0);
  assert.match(stdout, /^ {2}added +new\.example\.com$/m);
  assert.match(stdout, /^ {2}changed +shop +http\.headers\.X: \$\{ssm:\/a\} -> \$\{ssm:\/b\}$/m);
  assert.match(stdout, /^ {2}changed +shop +profile: standard -> lean$/m);
  assert.match(stdout, /^Series: \d+ -> \d+ \(\+\d+\)$/m);
  assert.match(stdout, /^Money: \$\d.*a month$/m);
  const same = await planFrom(small, small);
  assert.match(same.stdout, /^No target changes\.$/m);
  const { changes } = JSON.parse((await planFrom(large, small, '--json')).stdout);
  assert.deepEqual(
    changes.map(({ what, target, key }: Record<string, string>) => [what, target, key]),
    [
      ['removed', 'new.example.com', undefined],
      ['changed', 'shop', 'http.headers.X'],
      ['changed', 'shop', 'profile'],
    ],
  );
  assert.doesNotMatch(stdout + same.stdout, /canary/);
});

test('plan: Markdown for a comment holds the same, and nothing that breaks out of its table', async () => {
  const odd = listOf('  - { name: "a|b<img>", target: "https://odd.example.com" }');
  const { code, stdout } = await planFrom(small, odd, '--markdown');
  assert.equal(code, 0);
  assert.match(stdout, /^### Bothways plan\n\n\*\*Series \d+ -> \d+/);
  assert.match(stdout, /^\| added \| a\\\|b&lt;img> \| {2}\|$/m);
});

test('plan: over a budget the exit code is 1, and it is said by how much; flags win over the list', async () => {
  const tight = listOf('  - https://www.example.com', 'budget: { usd: 0.5, series: 10 }');
  const { code, stderr } = await plan(tight);
  assert.equal(code, 1);
  assert.match(stderr, /^bothways: \$\d+\.\d\d a month is \$\d+\.\d\d over the budget of \$0\.5$/m);
  assert.match(stderr, /^bothways: \d+ series are \d+ over the budget of 10$/m);
  assert.equal((await plan(tight, '--budget-usd', '1000', '--budget-series', '100000')).code, 0);
  assert.equal((await plan(small, '--budget-series', '5')).code, 1);
});

test('plan: own prices are taken as they are, and wrong ones refused with their key', async () => {
  await using own = await listFile('lambda_gb_second: 0\nlambda_request: 0\nscheduler_invocation: 0\namp_sample: 1\n');
  const { receivers, usd } = JSON.parse((await plan(small, '--json', '--prices', own.path)).stdout).costs;
  assert.equal(usd, receivers[0].samples);
  for (const [text, why] of [
    ['lambda: 1', /unknown key lambda; known are lambda_gb_second, /],
    ['lambda_request: -1', /lambda_request: write dollars for one unit/],
    ['lambda_request: .nan', /lambda_request: write dollars for one unit/],
    ['- 1', /write a mapping of prices/],
    ['{', /write a mapping of prices/],
  ] as const) {
    await using wrong = await listFile(text);
    const { code, stdout, stderr } = await plan(small, '--prices', wrong.path);
    assert.deepEqual([code, stdout], [2, ''], text);
    assert.match(stderr, why);
  }
  assert.match((await plan(small, '--prices', '/nonexistent')).stderr, /--prices: \/nonexistent cannot be read/);
});

test('plan: hostile flags, broken lists and lists too large are refused', async () => {
  for (const budget of ['-1', 'NaN', '1e9', 'Infinity', '1 000'])
    assert.match((await plan(small, '--budget-usd', budget)).stderr, /--budget-usd: write dollars a month/, budget);
  const broken = await planFrom('targets: [', small);
  assert.deepEqual([broken.code, broken.stdout], [2, '']);
  assert.match((await plan(small, '--json', '--markdown')).stderr, /not both/);
  const many = Array.from({ length: 45_001 }, (_, index) => `  - https://w${index}.example.com`).join('\n');
  assert.match((await plan(listOf(many))).stderr, /has 45001 checks, more than one stack holds schedules for/);
});

test('plan: what will not fit or needs a quota is a warning', async () => {
  const many = Array.from({ length: 1_500 }, (_, index) => `  - https://w${index}.example.com`).join('\n');
  const { stderr } = await plan(listOf(many));
  assert.match(stderr, /warning: eu-west-1: 15 shards start in the same second; new accounts may run no more than 10/);
  const slow = await plan(listOf(many, 'aws: { memory: 128 }'));
  assert.doesNotMatch(slow.stderr, /checks will be left out/);
});
