import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
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
  const list = demoList(targets, ['http://127.0.0.1:9/api/v1/write']);
  const loaded = loadTexts([{ file: 'targets.yaml', text: list }], { probers });
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
    login: 'good',
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

test('world: each thing that breaks does so at its time, mends, and breaks again', async () => {
  let seconds = 0;
  await using there = await world({ now: () => seconds * 1_000 });
  const breaking = ['shop', 'checkout', 'login', 'orders-db'];
  const checks = checksOf(there.targets).filter(
    ({ target, vantage }) => breaking.includes(target.name) && vantage.name !== 'us-east-1',
  );
  /** What is seen at a time, once it is the expected; else the last that was seen. */
  const seenAt = async (time: number, expected: object) => {
    seconds = time;
    let seen = await look(checks);
    for (let tries = 0; tries < 40 && !isDeepStrictEqual(seen, expected); tries += 1) {
      await wait(25);
      seen = await look(checks);
    }
    return seen;
  };
  const well = { shop: 'good', checkout: 'good', login: 'good', 'orders-db': 'good' };
  for (const cycle of [0, 200]) {
    for (const [time, broken] of [
      [0, {}],
      [16, { login: 'connect_refused' }],
      [26, { shop: 'http_status', checkout: 'http_status' }],
      // The shop falls with the database that it stands on.
      [41, { shop: 'http_status', 'orders-db': 'connect_reset' }],
      [51, {}],
    ] as const) {
      const expected = { ...well, ...broken };
      assert.deepEqual(await seenAt(cycle + time, expected), expected, `second ${cycle + time}`);
    }
  }
});

test('world: the API of a partner is slow for a third of its time', async () => {
  let seconds = 0;
  await using there = await world({ now: () => seconds * 1_000 });
  const url = there.targets.find(({ name }) => name === 'partner-api')?.target;
  const took = async () => {
    const start = performance.now();
    const [response] = await once(request(String(url), { agent: false }).end(), 'response');
    await text(response);
    return performance.now() - start;
  };
  const first = await took();
  seconds = 45;
  const slow = await took();
  seconds = 61;
  const third = await took();
  assert.ok(slow > 590 && first < slow && third < slow, `${first} ${slow} ${third}`);
});

test('world: its time goes faster on request', async () => {
  await using there = await world({ speed: 40 });
  const checks = checksOf(there.targets).filter(
    ({ target, vantage }) => target.name === 'checkout' && vantage.name === 'eu-west-1',
  );
  const seen: (string | undefined)[] = [];
  for (let tries = 0; tries < 100 && seen.length < 3; tries += 1) {
    const { checkout } = await look(checks);
    if (checkout !== seen.at(-1)) seen.push(checkout);
    await wait(50);
  }
  assert.deepEqual([...new Set(seen)].sort(), ['good', 'http_status']);
  assert.equal(seen.length, 3);
});

test('world: the name server knows its name in any case, and no other', async () => {
  await using there = await world();
  const url = String(there.targets.find(({ name }) => name === 'names')?.target);
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  resolver.setServers([new URL(url).host]);
  assert.deepEqual(await resolver.resolve4('shop.demo.test'), ['192.0.2.10']);
  await assert.rejects(resolver.resolve6('shop.demo.test'), { code: 'ENODATA' });
  await assert.rejects(resolver.resolve4('other.demo.test'), { code: 'ENOTFOUND' });
  // Resolvers make names small; probes ask as they are told.
  const target = url.replace('shop.demo', 'SHOP.Demo');
  const checks = checksOf(there.targets.map((entry) => (entry.name === 'names' ? { ...entry, target } : entry)));
  const asked = checks.filter((check) => check.target.name === 'names');
  assert.deepEqual(await look(asked), { names: 'good' });
});

test('world: its servers are trusted by address too', async () => {
  await using there = await world();
  const shop = there.targets.find(({ name }) => name === 'shop');
  const target = String(shop?.target).replace('localhost', '127.0.0.1');
  const checks = checksOf(there.targets.map((entry) => (entry === shop ? { ...shop, target } : entry)));
  const probed = checks.filter((check) => check.target.name === 'shop' && check.vantage.name === 'eu-west-1');
  assert.deepEqual(await look(probed), { shop: 'good' });
});

test('world: nothing of it is left, not even when it ends while a server is away and another about to answer', async () => {
  const open = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    return process
      .getActiveResourcesInfo()
      .filter((kind) => /TCP|UDP|TLS|Timeout/i.test(kind))
      .sort();
  };
  const before = await open();
  let seconds = 0;
  const there = await world({ now: () => seconds * 1_000 });
  const urlOf = (wanted: string) => String(there.targets.find(({ name }) => name === wanted)?.target);
  seconds = 115;
  while ((await reach(urlOf('login'))) === 'reached') await wait(10);
  // A server that says `continue` has the request in its hands.
  const asked = request(urlOf('partner-api'), { agent: false, headers: { Expect: '100-continue' } });
  asked.on('error', () => {});
  asked.end();
  await once(asked, 'continue');
  const closed = new Promise((resolve) => asked.once('close', resolve));
  await there[Symbol.asyncDispose]();
  await closed;
  assert.deepEqual(await open(), before);
});

/** Whether something listens at the place of a URL. */
const reach = async (url: string): Promise<'reached' | 'refused'> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  try {
    await once(socket, 'connect');
    return 'reached';
  } catch {
    return 'refused';
  } finally {
    socket.destroy();
  }
};
