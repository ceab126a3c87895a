import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import type { Run } from '../../src/kernel/run.ts';
import { noEngine } from '../../src/net/icmp/engine.ts';
import { pingMetrics, pingPoints } from '../../src/net/icmp/network-exporter.ts';
import { openEngine } from '../../src/net/icmp/open-engine.ts';
import { resolver } from '../../src/net/resolve.ts';
import { type IcmpFacts, type IcmpMemory, remember, sumOfTotals } from '../../src/probers/icmp/facts.ts';
import { icmp } from '../../src/probers/icmp/icmp.ts';
import { icmpPoints } from '../../src/probers/icmp/points.ts';
import { probers } from '../../src/probers/index.ts';
import { testContext } from '../servers/context.ts';
import { pointsOf } from '../servers/points.ts';

// What needs a network is in test/lab/probers.test.ts.

const engine = await openEngine();
await engine[Symbol.asyncDispose]();
const skip = engine.capabilities.icmp4 === 'none' ? engine.capabilities.why : false;

test('icmp: addresses: all pings each address of a name, and each has its series', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-hosts-'));
  await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  const hostsFile = join(folder, 'hosts');
  await writeFile(hostsFile, '127.0.0.2 many\n127.0.0.3 many\n127.0.0.4 many\n');
  await using context = testContext({ resolver: resolver({ hostsFile, servers: [] }), engine: openEngine });
  const settings = icmp.settings.parse({ preferred_ip_protocol: 'ip4', addresses: 'all' });
  const outcome = await icmp.probe('many', settings, context);
  assert.deepEqual([outcome.failures, outcome.stamped], [[], engine.capabilities.sendStamps]);
  assert.deepEqual(
    outcome.facts.bursts?.map(({ ip, sent, rtts }) => [ip, sent, rtts.length]),
    [
      ['127.0.0.2', 1, 1],
      ['127.0.0.3', 1, 1],
      ['127.0.0.4', 1, 1],
    ],
  );
});

test('icmp: where there is no engine at all the reason says why', async () => {
  await using context = testContext({ engine: async () => noEngine('ICMP and path probes need Linux') });
  const outcome = await icmp.probe('127.0.0.1', icmp.settings.parse({}), context);
  assert.deepEqual(
    outcome.failures.map(({ reason, detail }) => [reason, detail]),
    [['icmp_not_permitted', 'ICMP and path probes need Linux']],
  );
});

test('icmp: an engine that breaks down makes the run void, never a loss', async () => {
  const broken = { ...engine, probe: async () => ({ kind: 'engine', why: 'the engine was closed' }) as const };
  const capabilities = { icmp4: 'dgram', icmp6: 'dgram', udp: true, tcp: true, sendStamps: true, why: '' } as const;
  await using context = testContext({
    engine: async () => ({ ...broken, capabilities, [Symbol.asyncDispose]: async () => {} }),
  });
  const outcome = await icmp.probe('127.0.0.1', icmp.settings.parse({}), context);
  assert.deepEqual([outcome.failures, outcome.void], [[], 'the engine was closed']);
});

test('icmp: totals grow from run to run, late replies after their run among them', () => {
  const burst = (sent: number, rtts: number[]) => ({
    ip: '192.0.2.1',
    sent,
    rtts,
    hopLimit: 64,
    later: { late: 0, duplicates: 0 },
  });
  const first = burst(3, [0.1, 0.2]);
  const one = remember(undefined, { bursts: [first] });
  first.later.late = 1;
  const two = remember(one, { bursts: [burst(2, [0.1])] });
  const total = two.totals.get('192.0.2.1');
  assert.deepEqual([total?.sent, total?.received, total?.late, total?.duplicates], [5, 3, 1, 0]);
  assert.equal(remember(two, { bursts: [] }), two);
});

const onePing = (ip: string): Partial<IcmpFacts> => ({
  address: { ip, family: 4, lookupSeconds: 0 },
  bursts: [{ ip, sent: 1, rtts: [0.1], hopLimit: 64, later: { late: 1, duplicates: 0 } }],
});

test('icmp: totals grow although addresses take turns, and those of a thousand addresses are bounded', () => {
  let memory = remember(undefined, onePing('192.0.2.1'));
  for (let index = 0; index < 1_000; index += 1)
    memory = remember(memory, onePing(`10.0.${index >> 8}.${index & 255}`));
  memory = remember(memory, onePing('192.0.2.1'));
  const sum = sumOfTotals(memory);
  assert.deepEqual([sum.sent, sum.received, sum.late + sum.later.late], [1_002, 1_002, 1_002]);
  assert.equal(memory.totals.size, 64);
  assert.deepEqual([memory.ip, memory.latest], ['192.0.2.1', ['192.0.2.1']]);
});

test('icmp: a name keeps the address of the run before as long as it has it', { skip }, async () => {
  const answers = [
    ['127.0.0.2', '127.0.0.3'],
    ['127.0.0.3', '127.0.0.2'],
    ['127.0.0.4', '127.0.0.3'],
  ];
  const settings = icmp.settings.parse({ preferred_ip_protocol: 'ip4' });
  const used: (string | undefined)[] = [];
  let memory: IcmpMemory | undefined;
  for (const addresses of answers) {
    const folder = await mkdtemp(join(tmpdir(), 'bothways-hosts-'));
    await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
    const hostsFile = join(folder, 'hosts');
    await writeFile(hostsFile, addresses.map((ip) => `${ip} turns\n`).join(''));
    await using context = testContext<IcmpMemory>({
      resolver: resolver({ hostsFile, servers: [] }),
      engine: openEngine,
      ...(memory === undefined ? {} : { memory }),
    });
    const { facts } = await icmp.probe('turns', settings, context);
    memory = remember(memory, facts);
    used.push(facts.address?.ip);
  }
  assert.deepEqual(used, ['127.0.0.2', '127.0.0.2', '127.0.0.4']);
});

test('icmp: a name that does not resolve has a ping_status of 0 and a loss of 1, at the addresses that it had', () => {
  const failed = (memory: IcmpMemory | undefined) => {
    // safe: what the points of a run are made from
    const run = {
      outcome: { facts: { address: { lookupSeconds: 0 } }, failures: [] },
      check: { target: { address: 'host.example', names: ['network_exporter'] } },
    } as unknown as Run<IcmpFacts>;
    return icmpPoints(run, memory, false)
      .filter(({ metric }) => metric === pingMetrics.pingStatus || metric === pingMetrics.pingLoss)
      .map(({ labels, value }) => [labels.target_ip, value]);
  };
  assert.deepEqual(failed(undefined), [
    ['', 0],
    ['', 1],
  ]);
  assert.deepEqual(failed(remember(undefined, onePing('192.0.2.7'))), [
    ['192.0.2.7', 0],
    ['192.0.2.7', 1],
  ]);
});

test('icmp: network_exporter has 0 for all times, and a loss of 1, where nothing was answered', () => {
  const bursts = [{ ip: '192.0.2.1', sent: 4, rtts: [], hopLimit: undefined, later: { late: 0, duplicates: 0 } }];
  const facts = { address: { lookupSeconds: 0, ip: '192.0.2.1', family: 4 as const }, setupSeconds: 0, bursts };
  const points = new Map([
    ...pointsOf(
      {
        ...icmp,
        points: (run) =>
          icmp.points(
            {
              ...run,
              check: {
                ...run.check,
                module: { name: '', prober: 'icmp', timeoutMs: 1, settings: { addresses: 'one' } },
              },
            },
            undefined,
          ),
      },
      { facts, failures: [] },
      'host.example',
      ['network_exporter'],
    ),
  ]);
  const labels = 'target="host.example",target_ip="192.0.2.1"';
  assert.equal(points.get(`ping_status{${labels}}`), 0);
  assert.equal(points.get(`ping_loss_percent{${labels}}`), 1);
  assert.equal(points.get(`ping_rtt_seconds{${labels},type="mean"}`), 0);
  assert.equal(points.get('probe_icmp_loss_ratio'), 1);
});

test('icmp: network_exporter has a loss of 1 where nothing could be sent, and 8 of 10 are 0.2', () => {
  const later = { late: 0, duplicates: 0 };
  const bursts = [
    { ip: '192.0.2.1', sent: 0, rtts: [], hopLimit: undefined, later },
    { ip: '192.0.2.2', sent: 10, rtts: new Array<number>(8).fill(0.1), hopLimit: 64, later },
  ];
  const losses = pingPoints('host.example', bursts, undefined).filter(({ metric }) => metric === pingMetrics.pingLoss);
  assert.deepEqual(
    losses.map(({ value }) => value),
    [1, 0.2],
  );
});

const problemsOf = (target: Record<string, unknown>): string[] => {
  const loaded = loadValue(
    {
      vantages: { here: { kind: 'agent' }, there: { kind: 'lambda', region: 'eu-west-1' } },
      targets: [
        { name: 'it', from: ['here'], ...target },
        { name: 'other', target: 'https://www.example.com', from: ['here', 'there'] },
      ],
    },
    { probers },
  );
  return loaded.ok ? [] : loaded.problems.map(problemText);
};

test('icmp, mtr: what cannot work is refused when the list is loaded', () => {
  for (const [target, said] of [
    [{ target: 'icmp://host', from: ['there'] }, /Lambda \(vantage there\) has no ICMP/],
    [{ target: 'mtr+tcp://host:443', from: ['there'] }, /Lambda \(vantage there\) has no ICMP/],
    [{ target: 'mtr://host', interval: '10s' }, /interval 10s is below the time limit 20s/],
    [
      { target: 'icmp://host', icmp: { count: 20, interval: '1s' }, interval: '20s' },
      /interval 20s is below the time limit 25s/,
    ],
    [{ target: 'icmp://host', icmp: { ttl: 256 } }, /ttl/],
    [{ target: 'icmp://host', icmp: { payload_size: -1 } }, /payload_size/],
    [{ target: 'icmp://host', icmp: { max_loss_ratio: 0.5 } }, /max_loss_ratio: needs a count above 1/],
    [{ target: 'mtr://host', mtr: { max_hops: 31 }, interval: '5m' }, /max_hops/],
    [{ target: 'mtr://host', mtr: { first_ttl: 9, max_hops: 3 }, interval: '5m' }, /first_ttl is beyond max_hops/],
    [{ target: 'mtr://host', mtr: { reply_timeout: '0s' }, interval: '5m' }, /must be more than 0/],
    [{ target: 'icmp://host:80' }, /icmp/],
  ] as const)
    assert.match(problemsOf(target).join('\n'), said, JSON.stringify(target));
  assert.deepEqual(problemsOf({ target: 'mtr://host', interval: '20s' }), []);
  assert.deepEqual(problemsOf({ target: 'mtr://[2001:db8::1]', interval: '1m' }), []);
});
