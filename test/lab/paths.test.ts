import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PathOptions, PathTrace } from '../../src/net/icmp/trace-path.ts';
import { hopViews, pathOf } from '../../src/protocol/hop-table.ts';
import { needs } from '../servers/peers.ts';
import { addresses, inside, type Lab, labFor } from './lab.ts';

const families = [4, 6] as const;
const protocols = ['icmp', 'udp', 'tcp'] as const;
type Family = (typeof families)[number];
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

const everyWay = (number = 1) =>
  families.flatMap((family) =>
    protocols.map((protocol) => ({ family, protocol, options: path(addresses.target(family, number), protocol) })),
  );

const routers = (family: Family, ...hops: readonly (number | '*')[]) =>
  hops.map((hop) => (hop === '*' ? '*' : addresses.router(hop, family)));

/** Over IPv6 a closed port is told from the address of the interface. */
const end = (family: Family, protocol: Protocol) =>
  family === 6 && protocol === 'udp' ? 'fd20:0:0:6::2' : addresses.target(family);

const told = (trace: PathTrace | undefined) =>
  trace === undefined ? undefined : [trace.end, ...pathOf(hopViews(trace.hops))];

/** Runs the same paths as root and as nobody, who may nothing: both must see the same. */
const asBoth = async (
  lab: Lab,
  options: readonly PathOptions[],
  check: (paths: readonly PathTrace[], who: string) => void,
) => {
  for (const isNobody of [false, true]) {
    const { paths, stats } = await inside(lab, 'src', { traces: options }, isNobody);
    check(paths, isNobody ? 'nobody' : 'root');
    assert.deepEqual([stats.socketDrops, stats.clockSteps], [0, 0]);
  }
};

/** One expectation for each family and protocol. */
const scenario = (
  name: string,
  prepare: (lab: Lab) => Promise<unknown>,
  expected: (family: Family, protocol: Protocol) => readonly string[],
) => {
  void test(`path: ${name}`, async (t) => {
    await using lab = await labFor(t);
    if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
    await prepare(lab);
    const ways = everyWay();
    await asBoth(
      lab,
      ways.map(({ options }) => options),
      (paths, who) => {
        for (const [index, { family, protocol }] of ways.entries())
          assert.deepEqual(told(paths[index]), expected(family, protocol), `IPv${family} ${protocol} ${who}`);
      },
    );
  });
};

const route = (lab: Lab, kind: string) =>
  Promise.all([
    lab.ip('r5', 'route', 'replace', ...kind.split(' ').filter(Boolean), '10.99.0.0/21'),
    lab
      .ip('r5', '-6', 'route', 'del', 'fd99::/64')
      .then(() => lab.ip('r5', '-6', 'route', 'add', ...kind.split(' ').filter(Boolean), 'fd99::/64')),
  ]);

scenario(
  'seven hops by ICMP, UDP and TCP, over IPv4 and IPv6',
  async () => {},
  (family, protocol) => ['reached', ...routers(family, 1, 2, 3, 4, 5, 6), end(family, protocol)],
);

scenario(
  'a router that sends no errors is a gap, and the rest is complete',
  (lab) => lab.rules('r3', 'output', 'icmp type time-exceeded drop', 'icmpv6 type time-exceeded drop'),
  (family, protocol) => ['reached', ...routers(family, 1, 2, '*', 4, 5, 6), end(family, protocol)],
);

const rejects = {
  unreachable: { 4: [3, 1], 6: [1, 0] },
  prohibit: { 4: [3, 13], 6: [1, 1] },
  throw: { 4: [3, 0], 6: [1, 0] },
} as const;

for (const [kind, codes] of Object.entries(rejects))
  test(`path: a route that is ${kind} ends the path at its router, with the exact type and code`, async (t) => {
    // Linux sends few such errors a second, so each way has a lab of its own.
    await Promise.all(
      protocols.flatMap((protocol) =>
        [false, true].map(async (isNobody) => {
          await using lab = await labFor(t);
          if (lab === undefined) return;
          await route(lab, kind);
          const traces = families.map((family) => path(addresses.target(family), protocol));
          const { paths } = await inside(lab, 'src', { traces }, isNobody);
          for (const [index, family] of families.entries()) {
            const trace = paths[index] ?? assert.fail('no path');
            const who = `IPv${family} ${protocol} ${isNobody ? 'nobody' : 'root'}`;
            assert.deepEqual(told(trace), ['unreachable', ...routers(family, 1, 2, 3, 4, 5)], who);
            assert.deepEqual([trace.objection?.type, trace.objection?.code], [...codes[family]], who);
          }
        }),
      ),
    );
  });

scenario(
  'a black hole is silent, and the hop before it is the last that is known',
  (lab) => route(lab, 'blackhole'),
  (family) => ['silent', ...routers(family, 1, 2, 3, 4), '*'],
);

test('path: two routers that hand packets to each other are a loop', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.ip('r5', 'route', 'replace', '10.99.0.0/21', 'via', '10.20.4.1');
  await lab.ip('r5', '-6', 'route', 'replace', 'fd99::/64', 'via', 'fd20:0:0:4::1');
  const ways = everyWay();
  await asBoth(
    lab,
    ways.map(({ options }) => options),
    (paths) => {
      for (const trace of paths) assert.equal(trace.end, 'loop');
    },
  );
});

test('path: a target that drops echoes is silent by ICMP and reached by UDP and TCP', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules('dst', 'input', 'icmp type echo-request drop', 'icmpv6 type echo-request drop');
  const { paths } = await inside(lab, 'src', { traces: everyWay().map(({ options }) => options) }, true);
  assert.deepEqual(
    paths.map(({ end }) => end),
    ['silent', 'reached', 'reached', 'silent', 'reached', 'reached'],
  );
});

test('path: UDP that the target prohibits and TCP that it rejects end at the target, each in its way', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  await using _fault = await lab.rules(
    'dst',
    'input',
    'meta l4proto udp reject with icmpx type admin-prohibited',
    'tcp dport 8080 reject with icmpx type port-unreachable',
  );
  const ways = everyWay().filter(({ protocol }) => protocol !== 'icmp');
  const { paths } = await inside(lab, 'src', { traces: ways.map(({ options }) => options) }, true);
  assert.deepEqual(
    paths.map(({ end, hops }) => [end, hops.length]),
    [
      ['unreachable', 7],
      ['reached', 7],
      ['unreachable', 7],
      ['reached', 7],
    ],
  );
});

test('path: a host that is missing behind the last router is unreachable, after its neighbour search has failed', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const traces = families.map((family) =>
    path(addresses.missing(family), 'icmp', { finalTimeoutMs: 4_500, replyTimeoutMs: 1_000 }),
  );
  const { paths } = await inside(lab, 'src', { traces }, true);
  for (const [index, family] of families.entries()) {
    const { end, objection } = paths[index] ?? assert.fail('no path');
    assert.equal(end, 'unreachable');
    // IPv6 says it by the code "address unreachable".
    assert.deepEqual([objection?.type, objection?.code], family === 4 ? [3, 1] : [1, 3]);
  }
});

test('path: another way in mid-run shows both routers at its hop', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const running = inside(lab, 'src', { traces: [path(addresses.target(4), 'icmp', { count: 12, intervalMs: 200 })] });
  // As soon as some rounds have gone the first way, however long the process takes to start.
  const passed = async () => {
    const { stdout } = await lab.run('r3', ['cat', '/proc/net/dev']);
    return Number(/^ *to-r2: +\d+ +(\d+)/m.exec(stdout)?.[1]);
  };
  const before = await passed();
  while ((await passed()) < before + 20) await new Promise((resolve) => setTimeout(resolve, 50));
  await lab.ip('r2', 'route', 'replace', '10.99.0.0/21', 'via', '10.20.12.2');
  const { paths } = await running;
  const [trace = assert.fail('no path')] = paths;
  const [, , third = assert.fail('no hop')] = hopViews(trace.hops);
  assert.equal(trace.end, 'reached');
  assert.deepEqual([third.responder, ...third.others].sort(), [addresses.beside(4), addresses.router(3, 4)].sort());
});

test('path: balanced routes stay the same for each target by ICMP and UDP, and both are used', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.sysctl('r2', 'net.ipv4.fib_multipath_hash_policy', 1);
  await lab.ip('r2', 'route', 'replace', '10.99.0.0/21', 'nexthop', 'via', '10.20.2.2', 'nexthop', 'via', '10.20.12.2');
  const numbers = Array.from({ length: 12 }, (_, index) => index + 1);
  const traces = (['icmp', 'udp'] as const).flatMap((protocol) =>
    numbers.map((number) => path(addresses.target(4, number), protocol, { count: 5 })),
  );
  const { paths } = await inside(lab, 'src', { traces }, true);
  for (const [protocol, list] of [
    ['icmp', paths.slice(0, 12)],
    ['udp', paths.slice(12)],
  ] as const) {
    const third = list.map(({ hops }) => new Set(hops[2]?.answers.map(({ from }) => from)));
    assert.deepEqual([...new Set(third.map(({ size }) => size))], [1], protocol);
    assert.equal(new Set(third.flatMap((set) => [...set])).size, 2, protocol);
  }
});

test('path: a router that answers once a second loses nothing that it forwards', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await lab.sysctl('r3', 'net.ipv4.icmp_ratelimit', 1_000);
  const { paths } = await inside(lab, 'src', {
    traces: [path(addresses.target(4), 'icmp', { count: 30, intervalMs: 100 })],
  });
  const views = hopViews(paths[0]?.hops ?? []);
  const third = views[2] ?? assert.fail('no hop');
  assert.ok(third.loss > 0.5, `lost ${third.loss}`);
  assert.equal(third.forwardedLoss, 0);
  assert.equal(views.at(-1)?.loss, 0);
});

test('path: with ping sockets closed ICMP says what would help, UDP and TCP work', async (t) => {
  await using lab = await labFor(t, { ping: false });
  if (lab === undefined) return;
  const ways = everyWay();
  const { paths, capabilities } = await inside(lab, 'src', { traces: ways.map(({ options }) => options) }, true);
  assert.deepEqual(
    [capabilities.icmp4, capabilities.icmp6, capabilities.udp, capabilities.tcp],
    ['none', 'none', true, true],
  );
  assert.match(capabilities.why, /EACCES.*net\.ipv4\.ping_group_range.*\(65534\).*"0 65535".*NET_RAW/);
  for (const [index, { protocol, family }] of ways.entries()) {
    const trace = paths[index] ?? assert.fail('no path');
    if (protocol === 'icmp') assert.match(trace.engine ?? '', /ping_group_range/);
    else assert.equal(trace.end, 'reached', `IPv${family} ${protocol}`);
  }
  const root = await inside(lab, 'src', { traces: [path(addresses.target(4)), path(addresses.target(6))] });
  assert.deepEqual([root.capabilities.icmp4, root.capabilities.icmp6], ['raw', 'raw']);
  for (const trace of root.paths) assert.deepEqual([trace.end, trace.hops.length], ['reached', 7]);
});

test('path: hop lists are those of mtr and traceroute, by each protocol, with a gap and without', async (t) => {
  await using lab = await labFor(t);
  const [mtr, traceroute] = [await needs(t, 'mtr'), await needs(t, 'traceroute')];
  if (lab === undefined || mtr === undefined || traceroute === undefined || (await needs(t, 'nft')) === undefined)
    return;
  const withTraceroute = async ({ family, protocol, options }: ReturnType<typeof everyWay>[number]) => {
    const { paths } = await inside(lab, 'src', { traces: [options] }, true);
    const [, ...ours] = told(paths[0]) ?? [];
    const way = { icmp: ['-I'], udp: ['-U'], tcp: ['-T', '-p', '8080'] }[protocol];
    const words = [traceroute.path, `-${family}`, '-n', '-q', '1', '-w', '1', '-m', '12', ...way, options.address];
    const { stdout } = await lab.run('src', words);
    const lines = stdout.trimEnd().split('\n').slice(1);
    const theirs = lines.map((line) => line.trim().split(/\s+/)[1]);
    assert.deepEqual(ours, theirs, `traceroute, IPv${family} ${protocol}`);
  };
  const withMtr = async (family: Family) => {
    const { paths } = await inside(lab, 'src', { traces: [path(addresses.target(family))] }, true);
    const said = await lab.run('src', [mtr.path, '--json', '-n', '-c', '1', '-G', '1', addresses.target(family)]);
    // safe: what mtr 0.90 and newer print
    const { report } = JSON.parse(said.stdout) as { report: { hubs: { host: string }[] } };
    const theirs = report.hubs.map(({ host }) => host.replace('???', '*'));
    const [, ...ours] = told(paths[0]) ?? [];
    assert.deepEqual(ours, theirs, `mtr, IPv${family}`);
  };
  const compare = () => Promise.all([...everyWay().map(withTraceroute), ...families.map(withMtr)]);
  await compare();
  await using _fault = await lab.rules(
    'r3',
    'output',
    'icmp type time-exceeded drop',
    'icmpv6 type time-exceeded drop',
  );
  await compare();
});
