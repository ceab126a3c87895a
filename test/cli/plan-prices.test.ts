import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costOfUnits, type Price, prices } from '../../src/generate/prices.ts';
import { plan } from './planned.ts';
import { listFile } from './world.ts';

const amp = (region: string, from: string) =>
  `{ url: "https://aps-workspaces.${region}.amazonaws.com/workspaces/ws-${from}/api/v1/remote_write", from: [${from}] }`;
const listOf = (receivers: string, targets = '[https://www.example.com]') =>
  `vantages: { eu-west-1: { kind: lambda }, us-east-1: { kind: lambda } }\nremote_write: [${receivers}]\ntargets: ${targets}`;
const list = listOf(amp('eu-west-1', 'kind=lambda'));

test('plan: each price says where it is from, when it was read and what it was compared with', () => {
  for (const { source, checked, date } of Object.values<Price>(prices)) {
    assert.match(source, /^https:\/\/aws\.amazon\.com\//);
    assert.match(date, /^20\d\d-\d\d-\d\d$/);
    assert.ok(checked.length > 20);
  }
});

test('plan: tiers count from the first unit on', () => {
  const tiers = [{ usd: 3, up_to: 10 }, { usd: 2, up_to: 30 }, { usd: 1 }];
  assert.deepEqual(
    [0, 5, 10, 20, 30, 100].map((count) => costOfUnits(count, tiers)),
    [0, 15, 30, 50, 70, 140],
  );
  assert.equal(costOfUnits(4, 0.5), 2);
});

test('plan: samples beyond a tier of the managed service cost less, all receivers of a region together', async () => {
  await using own = await listFile('amp_sample: [{ usd: 1, up_to: 1000000 }, { usd: 0 }]');
  const receiversOf = async (...receivers: string[]) =>
    JSON.parse((await plan(listOf(receivers.join(', ')), '--json', '--prices', own.path)).stdout).costs.receivers;
  const [one] = await receiversOf(amp('eu-west-1', 'kind=lambda'));
  assert.ok(one.samples > 1e6);
  assert.equal(Math.round(one.usd), 1e6);
  const same = await receiversOf(amp('eu-west-1', 'eu-west-1'), amp('eu-west-1', 'us-east-1'));
  assert.deepEqual(
    same.map(({ usd }: { usd: number }) => Math.round(usd)),
    [5e5, 5e5],
  );
  const two = await receiversOf(amp('eu-west-1', 'eu-west-1'), amp('us-east-1', 'us-east-1'));
  assert.deepEqual(
    two.map(({ usd }: { usd: number }) => Math.round(usd)),
    [1e6, 1e6],
  );
});

test('plan: a text says whose prices it reckons with, and JSON gives them', async () => {
  assert.match((await plan(list)).stdout, /^List prices of us-east-1 as of 20\S+ to 20\S+, without free tiers; /m);
  await using own = await listFile('lambda_request: 0.5\n');
  const mixed = await plan(list, '--prices', own.path);
  assert.match(
    mixed.stdout,
    /^Prices of \S+targets\.yaml; lambda_gb_second, scheduler_invocation, .* at list prices of us-east-1 as of /m,
  );
  const names = Object.keys(prices);
  await using all = await listFile(names.map((name) => `${name}: 0\n`).join(''));
  const { stdout } = await plan(list, '--prices', all.path);
  assert.match(stdout, /^Prices of \S+targets\.yaml; runs are paced/m);
  assert.doesNotMatch(stdout, /us-east-1 as of/);
  const used = JSON.parse((await plan(list, '--prices', own.path, '--json')).stdout).prices;
  assert.deepEqual(
    used.map(({ name }: { name: string }) => name),
    names,
  );
  assert.deepEqual([used[1].usd, used[1].source, used[1].date], [0.5, own.path, undefined]);
  assert.deepEqual(used.at(-1).usd, [
    { usd: 0.9 / 1e7, up_to: 2e9 },
    { usd: 0.35 / 1e7, up_to: 252e9 },
    { usd: 0.16 / 1e7 },
  ]);
  assert.match(used.at(-1).checked, /price list/);
});

test('plan: own prices are taken as they are, and wrong ones refused with their line and key', async () => {
  await using own = await listFile('lambda_gb_second: 0\nlambda_request: 0\nscheduler_invocation: 0\namp_sample: 1\n');
  const { receivers, usd } = JSON.parse((await plan(list, '--json', '--prices', own.path)).stdout).costs;
  assert.equal(usd, receivers[0].samples);
  for (const [text, why] of [
    ['lambda: 1', /targets\.yaml:1 unknown key lambda; known are lambda_gb_second, /],
    ['amp_sample: 1\nlambda_request: -1', /targets\.yaml:2 lambda_request: write dollars for one unit/],
    ['lambda_request: .nan', /:1 lambda_request: write dollars for one unit/],
    ['amp_sample: [{ usd: 1 }, { usd: 2 }]', /:1 amp_sample: write dollars for one unit, or tiers/],
    ['amp_sample: [{ usd: 1, up_to: 5 }, { usd: 2, up_to: 3 }, { usd: 1 }]', /:1 amp_sample: /],
    ['lambda_request: 1e308', /:1 lambda_request: write dollars for one unit, no more than 1,000$/m],
    [
      '\namp_sample: [{ usd: 1, up_to: 5 }, { usd: 1001 }]',
      /:2 amp_sample: write dollars for one unit, no more than 1,000$/m,
    ],
    ['amp_sample: []', /:1 amp_sample: /],
    ['- 1', /write a mapping of prices/],
    ['amp_sample: 1\nlambda_request: [', /targets\.yaml:\d+ .*bracket/],
    ['amp_sample: 1\nlambda_request: 1\namp_sample: 2', /targets\.yaml:3 the key "amp_sample" stands here twice/],
  ] as const) {
    await using wrong = await listFile(text);
    const { code, stdout, stderr } = await plan(list, '--prices', wrong.path);
    assert.deepEqual([code, stdout], [2, ''], text);
    assert.match(stderr, why);
  }
  assert.match((await plan(list, '--prices', '/nonexistent')).stderr, /--prices: \/nonexistent cannot be read/);
});
