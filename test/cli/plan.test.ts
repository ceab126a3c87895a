import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { costsOf } from '../../src/generate/costs.ts';
import { usedPrices } from '../../src/generate/prices.ts';
import { probers } from '../../src/probers/index.ts';
import { plan } from './planned.ts';

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
  const { unit } = usedPrices();
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
  const free = costsOf(costed, usedPrices(Object.fromEntries(Object.keys(unit).map((name) => [name, 0]))).unit);
  assert.equal(free.usd, 0);
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

test('plan: over a budget the exit code is 1, and it is said by how much; flags win over the list', async () => {
  const tight = listOf('  - https://www.example.com', 'budget: { usd: 0.5, series: 10 }');
  const { code, stderr } = await plan(tight);
  assert.equal(code, 1);
  assert.match(stderr, /^bothways: \$\d+\.\d\d a month is \$\d+\.\d\d over the budget of \$0\.5$/m);
  assert.match(stderr, /^bothways: \d+ series are \d+ over the budget of 10$/m);
  assert.equal((await plan(tight, '--budget-usd', '1000', '--budget-series', '100000')).code, 0);
  assert.equal((await plan(small, '--budget-series', '5')).code, 1);
});

test('plan: what clusters may publish is counted as if all were there, and said to be an upper bound', async () => {
  const listening = (clusters: string) =>
    listOf(
      '  - { name: shop, target: "https://shop.example.com" }',
      `aws: { list: { bucket: lists, region: eu-west-1, clusters: ${clusters} } }`,
    );
  const costsOfList = async (list: string) => JSON.parse((await plan(list, '--json')).stdout).costs;
  const [none, some] = [
    await costsOfList(listening('[]')),
    await costsOfList(listening('[{ name: a, max_targets: 250 }]')),
  ];
  const [before, after] = [none.vantages[0], some.vantages[0]];
  assert.deepEqual([before.found, before.shards, after.checks, after.found, after.shards], [0, 1, 1, 250, 3]);
  assert.ok(after.series - before.series > 250 * 30, `${after.series}`);
  assert.ok(after.gbSeconds > before.gbSeconds * 3);
  assert.ok(some.usd > none.usd);
  const { stdout } = await plan(listening('[a]'));
  assert.match(stdout, /^ {2}eu-west-1 +1 \+ 100 +2 /m);
  assert.match(stdout, /^What stands behind \+ is an upper bound: as many targets as clusters may publish/m);
  assert.match((await plan(listening('[a]'), '--markdown')).stdout, /is an upper bound/);
  assert.doesNotMatch((await plan(small)).stdout, /upper bound/);
  const over = await plan(listening('[{ name: a, max_targets: 10000 }]'), '--budget-series', '100000');
  assert.match(over.stderr, /series are \d+ over the budget/);
});

test('plan: hostile flags, broken lists and lists too large are refused', async () => {
  for (const budget of ['-1', 'NaN', '1e9', 'Infinity', '1 000'])
    assert.match((await plan(small, '--budget-usd', budget)).stderr, /--budget-usd: write dollars a month/, budget);
  for (const budget of ['1.5', '-1', '1e9', '0x1'])
    assert.match(
      (await plan(small, '--budget-series', budget)).stderr,
      /--budget-series: write a whole number/,
      budget,
    );
  assert.match((await plan(small, '--json', '--markdown')).stderr, /not both/);
  const many = Array.from({ length: 45_001 }, (_, index) => `  - https://w${index}.example.com`).join('\n');
  assert.match(
    (await plan(listOf(many))).stderr,
    /has 45001 checks, and one stack holds the schedules for 45000; add a second/,
  );
});

test('plan: what will not fit or needs a quota is a warning', async () => {
  const many = Array.from({ length: 1_500 }, (_, index) => `  - https://w${index}.example.com`).join('\n');
  const { stderr } = await plan(listOf(many));
  assert.match(stderr, /warning: eu-west-1: 15 shards start in the same second; new accounts may run no more than 10/);
  const slow = await plan(listOf(many, 'aws: { memory: 128 }'));
  assert.doesNotMatch(slow.stderr, /checks will be left out/);
});

test('plan: names are measured with the shortest stage; one that is too long for any is refused', async () => {
  const named = (letters: number) => `
vantages: { ${'v'.repeat(letters)}: { kind: lambda, region: ap-southeast-1 } }
remote_write: [{ url: "https://push.example.com/" }]
targets: ["https://www.example.com"]
`;
  const fits = await plan(named(26));
  assert.equal(fits.code, 0, fits.stderr);
  const tooLong = await plan(named(31));
  assert.equal(tooLong.code, 2);
  assert.match(tooLong.stderr, /^bothways: the name bothways-x-v+-schedule-ap-southeast-1 has 66 letters, .*\n$/);
});
