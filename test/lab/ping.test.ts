import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProbeOutcome, ProbeRequest } from '../../src/net/icmp/engine.ts';
import { needs } from '../servers/peers.ts';
import { addresses, badHosts, inside, type Lab, labFor, listNamespaces } from './lab.ts';

const ping = (address: string, more: Partial<ProbeRequest> = {}): ProbeRequest => ({
  address,
  protocol: 'icmp',
  timeoutMs: 300,
  ...more,
});
const many = (count: number, request: ProbeRequest) => Array.from({ length: count }, () => request);
const kinds = (outcomes: readonly ProbeOutcome[]) => {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};
const bad = (host: number) => `10.97.0.${host}`;

/** As nobody with ping sockets, and as root with raw ones: what is true must not depend on how it is asked. */
const modes = [
  { mode: 'dgram', hasPing: true, isNobody: true },
  { mode: 'raw', hasPing: false, isNobody: false },
] as const;

for (const { mode, hasPing, isNobody } of modes)
  test(`ping: late, repeated, foreign, forged and cut answers are told apart (${mode})`, async (t) => {
    await using lab = await labFor(t, { ping: hasPing });
    if (lab === undefined) return;
    await using _hosts = await badHosts(lab, {
      1: {},
      2: { times: 3 },
      3: { delayMs: 500 },
      4: { isForged: true },
      5: { from: 99 },
      6: { cutTo: 4 },
      7: { dropEvery: 10 },
      8: { delayMs: 20 },
    });
    const probe = (host: number, count: number) =>
      inside(lab, 'src', { probes: many(count, ping(bad(host))), lingerMs: 400 }, isNobody);
    const good = await probe(1, 5);
    assert.equal(isNobody ? good.capabilities.icmp4 : mode, mode);
    assert.deepEqual([kinds(good.outcomes), good.later], [{ reply: 5 }, { late: 0, duplicate: 0 }]);
    const tripled = await probe(2, 5);
    assert.deepEqual([kinds(tripled.outcomes), tripled.later], [{ reply: 5 }, { late: 0, duplicate: 10 }]);
    const late = await probe(3, 5);
    assert.deepEqual(
      [kinds(late.outcomes), late.later, late.stats.late],
      [{ timeout: 5 }, { late: 5, duplicate: 0 }, 5],
    );
    for (const host of [4, 5, 6]) {
      const stray = await probe(host, 5);
      assert.deepEqual([kinds(stray.outcomes), stray.stats.stray], [{ timeout: 5 }, 5], bad(host));
      assert.deepEqual(stray.later, { late: 0, duplicate: 0 });
    }
    const lossy = await probe(7, 100);
    assert.deepEqual(kinds(lossy.outcomes), { reply: 90, timeout: 10 });
    const slow = await probe(8, 10);
    for (const outcome of slow.outcomes)
      assert.ok(outcome.kind === 'reply' && outcome.rtt >= 0.019, JSON.stringify(outcome));
  });

test('ping: a round trip above the time limit is loss and late, never a short one', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await using _hosts = await badHosts(lab, { 3: { delayMs: 450 } });
  // One after the other on one socket: the answer to each comes while a later one is waited for.
  const { outcomes, later } = await inside(lab, 'src', { probes: many(20, ping(bad(3))), lingerMs: 600 }, true);
  assert.deepEqual([kinds(outcomes), later.late], [{ timeout: 20 }, 20]);
});

test('ping: a router that quotes only the first bytes is known by ICMP, and by UDP while one packet is under way', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await using _hosts = await badHosts(lab, { 10: { quoted: 8, delayMs: 50 } });
  const udp = (host: number): ProbeRequest => ({ address: bad(host), protocol: 'udp', timeoutMs: 300 });
  const echo = await inside(lab, 'src', { probes: [ping(bad(10)), ping(bad(10))] }, true);
  assert.deepEqual(kinds(echo.outcomes), { hop: 2 });
  const tcp = await inside(lab, 'src', { probes: [{ address: bad(10), protocol: 'tcp', timeoutMs: 300 }] }, true);
  assert.deepEqual(kinds(tcp.outcomes), { hop: 1 });
  const one = await inside(lab, 'src', { probes: [udp(10)] }, true);
  assert.deepEqual([kinds(one.outcomes), one.stats.unattributed], [{ hop: 1 }, 0]);
  const two = await inside(lab, 'src', { probes: [udp(10), udp(10)] }, true);
  assert.deepEqual([kinds(two.outcomes), two.stats.unattributed], [{ timeout: 2 }, 2]);
});

test('ping: every tenth packet dropped is ten of a hundred lost, in both families', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules(
    'peer',
    'input',
    'icmp type echo-request numgen inc mod 10 == 0 drop',
    'icmpv6 type echo-request numgen inc mod 10 == 0 drop',
  );
  for (const family of [4, 6] as const) {
    const { outcomes } = await inside(lab, 'src', { probes: many(100, ping(addresses.peer(family))) }, true);
    assert.deepEqual(kinds(outcomes), { reply: 90, timeout: 10 });
  }
});

test('ping: a link that is too small is named with its size and router, by each packet', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r3', 'link', 'set', 'to-r4', 'mtu', '1400');
  await lab.ip('r4', 'link', 'set', 'to-r3', 'mtu', '1400');
  for (const family of [4, 6] as const) {
    const big = ping(addresses.target(family), { payloadBytes: 1_440, dontFragment: true });
    const { outcomes } = await inside(lab, 'src', { probes: many(3, big) }, true);
    const said = { kind: 'too_big', mtu: 1_400, from: addresses.router(3, family) };
    assert.deepEqual(outcomes, [said, said, said]);
    const own = await inside(
      lab,
      'src',
      { probes: [ping(addresses.target(family), { payloadBytes: 1_600, dontFragment: true })] },
      true,
    );
    assert.deepEqual(own.outcomes, [{ kind: 'too_big', mtu: 1_500 }]);
    // Routers cut IPv4 only; over IPv6 the first packet is lost for the sender to learn the size (RFC 8201).
    if (family === 6) continue;
    const cut = await inside(lab, 'src', { probes: [ping(addresses.target(family), { payloadBytes: 1_600 })] }, true);
    assert.deepEqual(kinds(cut.outcomes), { reply: 1 });
  }
});

test('ping: dead neighbours are unreachable by our own word, and a live one beside them loses nothing', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const dead = Array.from({ length: 480 }, (_, index) => ping(addresses.nobody(4, index + 1), { timeoutMs: 4_500 }));
  const live = many(100, ping(addresses.peer(4), { timeoutMs: 1_000 }));
  const { outcomes } = await inside(lab, 'src', { probes: [...dead, ...live] }, true);
  assert.deepEqual(kinds(outcomes.slice(480)), { reply: 100 });
  for (const outcome of outcomes.slice(0, 480))
    assert.ok(
      outcome.kind === 'timeout' || outcome.kind === 'engine' || (outcome.kind === 'unreachable' && outcome.own),
      JSON.stringify(outcome),
    );
  assert.ok((kinds(outcomes).unreachable ?? 0) > 0, JSON.stringify(kinds(outcomes)));
});

test('ping: the own host that refuses to send is told as such, and is no loss', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  const send = async (place: Lab) => (await inside(place, 'src', { probes: [ping(addresses.peer(4))] }, true)).outcomes;
  {
    await using _fault = await lab.rules('src', 'output', 'ip daddr 10.98.0.0/16 drop');
    assert.deepEqual(await send(lab), [{ kind: 'local', code: 'EPERM' }]);
  }
  await lab.ip('src', 'link', 'set', 'to-peer', 'down');
  assert.deepEqual(await send(lab), [{ kind: 'local', code: 'ENETUNREACH' }]);
  const broadcast = await inside(lab, 'src', { probes: [ping('10.20.0.255')] }, true);
  assert.deepEqual(broadcast.outcomes, [{ kind: 'local', code: 'EACCES' }]);
});

test('ping: a process that is busy itself for a fifth of its time loses nothing and measures no longer', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const probes = Array.from({ length: 3_000 }, (_, index) => ping(addresses.peer(4, index + 1), { timeoutMs: 1_000 }));
  const { outcomes, stats } = await inside(lab, 'src', { probes, spreadMs: 2_000, blockMs: 50 }, true);
  assert.deepEqual(kinds(outcomes), { reply: 3_000 });
  const rtts = outcomes.map((outcome) => (outcome.kind === 'reply' ? outcome.rtt : 0)).sort((a, b) => a - b);
  const own = outcomes.filter((outcome) => outcome.kind === 'reply' && outcome.clock === 'kernel');
  assert.ok(own.length > 2_900, `${own.length} by the kernel's clock`);
  // Blocks last 50 ms: without the kernel's stamps a fifth of all round trips would show them.
  assert.ok((rtts[2_700] ?? 1) < 0.02, `p90 ${rtts[2_700]}`);
  assert.equal(stats.socketDrops, 0);
});

test('ping: the traffic class is on the wire, and is changed from packet to packet', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules(
    'peer',
    'input',
    'icmp type echo-request ip dscp != 46 drop',
    'icmpv6 type echo-request ip6 dscp != 46 drop',
  );
  for (const family of [4, 6] as const) {
    const marked = ping(addresses.peer(family), { trafficClass: 46 << 2 });
    const { outcomes } = await inside(lab, 'src', { probes: [marked, ping(addresses.peer(family)), marked] }, true);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['reply', 'timeout', 'reply'],
    );
  }
});

test('ping: answers that this host had no room for are its own doing, never loss', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const probes = Array.from({ length: 1_000 }, (_, index) => ping(addresses.peer(4, index + 1), { timeoutMs: 500 }));
  // Room for a few answers, and a process that looks seldom.
  const errand = { probes, spreadMs: 900, blockMs: 120, receiveBufferBytes: 4_096 };
  const { outcomes, stats } = await inside(lab, 'src', errand, true);
  assert.ok(stats.socketDrops > 0, JSON.stringify([stats, kinds(outcomes)]));
  assert.deepEqual([...new Set(outcomes.map(({ kind }) => kind))].sort(), ['engine', 'reply']);
});

test('ping: a thousand at once do not overflow a small socket', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const probes = Array.from({ length: 1_000 }, (_, index) => ping(addresses.peer(4, index + 1), { timeoutMs: 1_000 }));
  const { outcomes } = await inside(lab, 'src', { probes, receiveBufferBytes: 212_992 / 2 }, true);
  assert.deepEqual(kinds(outcomes), { reply: 1_000 });
});

test('lab: nothing of a lab is left when it is over', () => {
  assert.deepEqual(
    listNamespaces().filter((name) => name.startsWith(`bw${process.pid}x`)),
    [],
  );
});
