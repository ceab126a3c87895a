import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathOptions, PathTrace } from '../../src/net/icmp/trace-path.ts';
import { remember } from '../../src/probers/mtr/facts.ts';
import { hopViews, pathOf } from '../../src/protocol/hop-table.ts';
import { needs } from '../servers/peers.ts';
import { addresses, inside, type Lab, labFor, type Place } from './lab.ts';

const families = [4, 6] as const;
const protocols = ['icmp', 'udp', 'tcp'] as const;
type Protocol = (typeof protocols)[number];

const path = (address: string, protocol: Protocol = 'icmp', more: Partial<PathOptions> = {}): PathOptions => ({
  address,
  protocol,
  port: protocol === 'tcp' ? 8_080 : undefined,
  count: 3,
  intervalMs: 150,
  replyTimeoutMs: 400,
  finalTimeoutMs: 400,
  maxHops: 30,
  firstTtl: 1,
  ...more,
});

const silence = ['icmp type time-exceeded drop', 'icmpv6 type time-exceeded drop'];
const silent = (lab: Lab, places: readonly Place[]) =>
  Promise.all(places.map((place) => lab.rules(place, 'output', ...silence)));

const told = ({ end, hops }: PathTrace) => [end, ...pathOf(hopViews(hops))];

test('path: a target behind five silent hops is reached, by each protocol, with few packets', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await silent(lab, ['r2', 'r3', 'r4', 'r5', 'r6']);
  // An address of its own by which to refuse UDP; for the rest of its prefix it answers by another.
  await lab.ip('dst', 'addr', 'add', `${addresses.target(6)}/128`, 'dev', 'lo');
  const ways = families.flatMap((family) => protocols.map((protocol) => ({ family, protocol })));
  // Several paths would share the first hop; each is alone here, so that its packets can be counted.
  for (const { family, protocol } of ways) {
    const { paths } = await inside(lab, 'src', { traces: [path(addresses.target(family), protocol)] }, true);
    const [trace = assert.fail('no path')] = paths;
    const expected = ['reached', addresses.router(1, family), '*', '*', '*', '*', '*', addresses.target(family)];
    assert.deepEqual(told(trace), expected, `IPv${family} ${protocol}`);
    assert.ok(trace.sent <= 6 + 15 + 3 * 8, `${trace.sent} packets`);
  }
});

test('path: a target behind a silent network is found again from its known length, and when it is farther', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await silent(lab, ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
  const traces = [7, 2, 30].map((knownLength) => path(addresses.target(4), 'icmp', { knownLength }));
  const short = path(addresses.target(4), 'icmp', { maxHops: 7 });
  const { paths } = await inside(lab, 'src', { traces: [...traces, short] }, true);
  for (const trace of paths) assert.deepEqual(told(trace), ['reached', '*', '*', '*', '*', '*', '*', '10.99.0.1']);
});

test('path: a target that answers is reached although routers seem to hand its packets round in a circle', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  // All errors of r2 to r5 come from one address, as those of some clouds do.
  for (const place of ['r2', 'r3', 'r4', 'r5'] as const)
    await Promise.all([
      lab.ip(place, 'addr', 'add', '10.20.77.1/32', 'dev', 'lo'),
      lab.sysctl(place, 'net.ipv4.conf.all.accept_local', 1),
    ]);
  for (const [place, via] of [
    ['r2', '10.20.1.1'],
    ['r3', '10.20.2.1'],
    ['r4', '10.20.3.1'],
    ['r5', '10.20.4.1'],
  ] as const)
    await lab.ip(place, 'route', 'replace', '10.20.0.0/24', 'via', via, 'src', '10.20.77.1');
  const { paths } = await inside(lab, 'src', { traces: [path(addresses.target(4))] }, true);
  const one = '10.20.77.1';
  assert.deepEqual(paths.map(told), [
    ['reached', addresses.router(1, 4), one, one, one, one, '10.20.5.2', '10.99.0.1'],
  ]);
});

for (const family of families)
  test(`path: a firewall's refusal on the way is not the target's answer, over IPv${family}`, async (t) => {
    await using lab = await labFor(t);
    if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
    await using _fault = await lab.rules(
      'r5',
      'forward',
      'meta l4proto udp reject with icmpx type port-unreachable',
      'tcp dport 8080 reject with icmpx type port-unreachable',
    );
    for (const protocol of ['udp', 'tcp'] as const) {
      const { paths } = await inside(lab, 'src', { traces: [path(addresses.target(family), protocol)] }, true);
      const [trace = assert.fail('no path')] = paths;
      const firewall = addresses.router(5, family);
      assert.equal(trace.end, 'unreachable', protocol);
      const [type, code] = family === 4 ? [3, 3] : [1, 4];
      assert.deepEqual([trace.objection?.from, trace.objection?.type, trace.objection?.code], [firewall, type, code]);
    }
  });

test("path: a refusal before routing is not the target's answer, where the router is silent too", async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules('r5', 'forward', 'meta l4proto udp reject with icmpx type port-unreachable');
  await using _silence = await lab.rules('r5', 'output', ...silence);
  for (const family of families) {
    const { paths } = await inside(lab, 'src', { traces: [path(addresses.target(family), 'udp')] }, true);
    assert.equal(paths[0]?.end, 'unreachable', `IPv${family}`);
  }
});

test('path: five paths at once do not starve each other at routers that answer once a second', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  for (const place of ['r1', 'r2', 'r3'] as const)
    await lab.rules(place, 'output', 'icmp type time-exceeded limit rate over 1/second burst 1 packets drop');
  const more = { count: 8, intervalMs: 1_000, replyTimeoutMs: 1_000, finalTimeoutMs: 1_000 };
  const traces = [1, 2, 3, 4, 5].map((number) => path(addresses.target(4, number), 'icmp', more));
  const { paths } = await inside(lab, 'src', { traces }, true);
  let sent = 0;
  let answered = 0;
  for (const [index, trace] of paths.entries()) {
    const hops = hopViews(trace.hops);
    assert.deepEqual(told(trace), [
      'reached',
      ...[1, 2, 3, 4, 5, 6].map((hop) => addresses.router(hop, 4)),
      addresses.target(4, index + 1),
    ]);
    for (const hop of hops.slice(0, 3)) {
      sent += hop.sent;
      answered += hop.answers.length;
    }
  }
  // Each for itself, they lose 60 to 90 % there.
  assert.ok(answered / sent > 0.85, `${answered} of ${sent}`);
  const packets = paths.reduce((sum, trace) => sum + trace.sent, 0);
  assert.ok(packets < (5 * (6 + 6 + 8 * 7)) / 1.5, `${packets} packets`);
});

test('path: paths that part share the hops before, and each has its own behind', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r2', 'route', 'add', '10.99.0.128/25', 'via', '10.20.12.2');
  const numbers = [1, 2, 129, 130];
  const traces = numbers.map((number) => path(addresses.target(4, number), 'icmp', { count: 6, intervalMs: 200 }));
  const { paths } = await inside(lab, 'src', { traces }, true);
  for (const [index, trace] of paths.entries()) {
    const third = index < 2 ? addresses.router(3, 4) : addresses.beside(4);
    assert.deepEqual([...new Set(trace.hops[2]?.answers.map(({ from }) => from))], [third], `${numbers[index]}`);
    assert.equal(trace.hops[6]?.sent, 6);
    for (const { sent, answers } of trace.hops) assert.equal(answers.length, sent);
  }
});

test('path: a path that changes while its hops are shared is noticed, for it alone', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const more = { count: 30, intervalMs: 200 };
  const traces = [1, 2, 129].map((number) => path(addresses.target(4, number), 'icmp', more));
  const running = inside(lab, 'src', { traces }, true);
  const passed = async () => {
    const { stdout } = await lab.run('r3', ['cat', '/proc/net/dev']);
    return Number(/^ *to-r2: +\d+ +(\d+)/m.exec(stdout)?.[1]);
  };
  const before = await passed();
  while ((await passed()) < before + 25) await new Promise((resolve) => setTimeout(resolve, 50));
  await lab.ip('r2', 'route', 'add', '10.99.0.128/25', 'via', '10.20.12.2');
  const { paths } = await running;
  const thirds = paths.map(({ hops }) => [...new Set(hops[2]?.answers.map(({ from }) => from))].sort());
  const both = [addresses.router(3, 4), addresses.beside(4)].sort();
  assert.deepEqual(thirds, [[addresses.router(3, 4)], [addresses.router(3, 4)], both]);
});

test('path: balanced routes are a set of routers and no change, by each protocol, also where paths share them', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.sysctl('r2', 'net.ipv4.fib_multipath_hash_policy', 1);
  await lab.ip('r2', 'route', 'replace', '10.99.0.0/21', 'nexthop', 'via', '10.20.2.2', 'nexthop', 'via', '10.20.12.2');
  for (const protocol of protocols) {
    const traces = Array.from({ length: 6 }, () => path(addresses.target(4), protocol, { count: 10 }));
    const { paths } = await inside(lab, 'src', { traces }, true);
    let memory = remember(undefined, {});
    const seen = new Set<string>();
    for (const trace of paths) {
      for (const { from } of trace.hops[2]?.answers ?? []) seen.add(from);
      memory = remember(memory, { address: { ip: '10.99.0.1', family: 4, lookupSeconds: 0 }, path: trace, day: 1 });
      assert.deepEqual([trace.end, trace.hops.length], ['reached', 7], protocol);
    }
    assert.equal(memory.changes, 0, protocol);
    assert.equal(seen.size, protocol === 'tcp' ? 2 : 1, protocol);
  }
});

test('path: a loss behind a router shows in the forwarded loss of all hops behind it, and in none before', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules('r3', 'forward', 'icmp type echo-request numgen inc mod 5 == 0 drop');
  let memory = remember(undefined, {});
  for (let run = 0; run < 4; run += 1) {
    const { paths } = await inside(lab, 'src', { traces: [path(addresses.target(4), 'icmp', { count: 10 })] }, true);
    const [trace = assert.fail('no path')] = paths;
    memory = remember(memory, { address: { ip: '10.99.0.1', family: 4, lookupSeconds: 0 }, path: trace, day: 1 });
  }
  const losses = memory.hops.map(({ forwardedLoss }) => forwardedLoss);
  assert.deepEqual(losses.slice(0, 3), [0, 0, 0]);
  for (const loss of losses.slice(3)) assert.ok(loss > 0.1 && loss < 0.3, `${loss}`);
});
