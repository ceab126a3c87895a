import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { loadTexts } from '../../src/config/load.ts';
import { demoList } from '../../src/demo/list.ts';
import { world } from '../../src/demo/world.ts';
import { kit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import type { Prober } from '../../src/net/prober.ts';
import { probers } from '../../src/probers/index.ts';
import { execute } from '../../src/run/execute.ts';

const clock = marks();
const table: Readonly<Record<string, Prober>> = probers;

const checksOf = (targets: readonly object[]) => {
  const text = demoList(targets, ['http://127.0.0.1:9/api/v1/write']);
  const loaded = loadTexts([{ file: 'targets.yaml', text }], { probers });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.compiled.checks;
};

/** The reason of each target, `good` for those that are well. */
const look = async (checks: ReturnType<typeof checksOf>) => {
  await using tools = kit();
  const runs = await Promise.all(
    checks.map(async (check) => {
      const prober = table[check.module.prober];
      if (prober === undefined) throw new Error(check.id);
      const { outcome } = await execute(check, prober, tools, { clock });
      return [check.target.name, outcome.failures[0]?.reason ?? 'good'] as const;
    }),
  );
  return Object.fromEntries(runs);
};

test('world: each target is as well or as ill as it should be', async () => {
  await using there = await world();
  const checks = checksOf(there.targets);
  assert.deepEqual(await look(checks), {
    shop: 'good',
    checkout: 'good',
    slow: 'good',
    legacy: 'tls_expired',
    partner: 'tls_incomplete_chain',
    soon: 'good',
    'old-address': 'good',
    'shop-svc': 'good',
    'orders-db': 'good',
    names: 'good',
    'partner-api': 'good',
  });
  const sides = new Set(checks.map(({ target, vantage }) => `${target.side} ${vantage.name}`));
  assert.deepEqual([...sides].sort(), ['inside cluster-a', 'outside eu-west-1', 'outside us-east-1']);
});

test('world: what breaks mends, and breaks again', async () => {
  await using there = await world({ speed: 25 });
  const checks = checksOf(there.targets).filter(
    ({ target, vantage }) => ['checkout', 'orders-db'].includes(target.name) && vantage.name !== 'us-east-1',
  );
  const seen = { checkout: new Set<string>(), 'orders-db': new Set<string>() };
  for (let tries = 0; tries < 80; tries += 1) {
    const now = await look(checks);
    seen.checkout.add(now.checkout ?? '');
    seen['orders-db'].add(now['orders-db'] ?? '');
    if (seen.checkout.size > 1 && seen['orders-db'].size > 1) break;
    await wait(50);
  }
  assert.deepEqual([...seen.checkout].sort(), ['good', 'http_status']);
  assert.ok(seen['orders-db'].has('good') && seen['orders-db'].size > 1, [...seen['orders-db']].join(' '));
});

test('world: nothing of it is left', async () => {
  const open = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    return process.getActiveResourcesInfo().filter((kind) => /TCP|UDP|TLS/i.test(kind));
  };
  const before = await open();
  await (await world())[Symbol.asyncDispose]();
  assert.deepEqual(await open(), before);
});
