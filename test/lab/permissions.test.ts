import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ProbeRequest } from '../../src/net/icmp/engine.ts';
import { needs } from '../servers/peers.ts';
import { addresses, inside, type Lab, labFor } from './lab.ts';
import { startWorker, type Worker } from './worker.ts';

const steadyFile = fileURLToPath(new URL('steady.ts', import.meta.url));

/** An engine that lives on in the source, without a privilege; each answer to the same question until one fits, at most so many. */
const steady = (lab: Lab, before: readonly string[] = []): Worker =>
  startWorker(lab.words('src', [...before, process.execPath, steadyFile], true));
const until = async (worker: Worker, question: object, fits: (answer: Record<string, unknown>) => boolean) => {
  const answers: Record<string, unknown>[] = [];
  for (let tries = 0; tries < 150; tries += 1) {
    const answer = await worker.ask(question);
    answers.push(answer);
    if (fits(answer)) return answers;
    await wait(200);
  }
  return assert.fail(JSON.stringify(answers.at(-1)));
};
const ping = (address: string, more: Partial<ProbeRequest> = {}): ProbeRequest => ({
  address,
  protocol: 'icmp',
  timeoutMs: 300,
  ...more,
});
const isReply = ({ kind }: Record<string, unknown>) => kind === 'reply';

test('permissions: what is odd about loopback locks out no probe', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined || (await needs(t, 'nft')) === undefined) return;
  const probes = [
    ping(addresses.peer(4)),
    ping(addresses.peer(6)),
    { ...ping(addresses.peer(4)), protocol: 'udp', port: 33_434 } as const,
    { ...ping(addresses.peer(4)), protocol: 'tcp', port: 9 } as const,
  ];
  const check = async (what: string, place: Lab) => {
    const { capabilities, outcomes } = await inside(place, 'src', { probes }, true);
    const { icmp4, icmp6, udp, tcp, why } = capabilities;
    assert.deepEqual([icmp4, icmp6, udp, tcp, why], ['dgram', 'dgram', true, true, ''], what);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['reply', 'reply', 'reply', 'reply'],
      what,
    );
  };
  {
    await using _rules = await lab.rules('src', 'output', 'oifname "lo" drop');
    await check('a filter on lo', lab);
  }
  await lab.sysctl('src', 'net.ipv4.icmp_echo_ignore_all', 1);
  await lab.sysctl('src', 'net.ipv6.icmp.echo_ignore_all', 1);
  await check('icmp_echo_ignore_all', lab);
  await lab.ip('src', 'link', 'set', 'lo', 'down');
  await check('lo down', lab);
});

test('permissions: a range that is opened later is noticed, and until then the message names it', async (t) => {
  await using lab = await labFor(t, { ping: false });
  if (lab === undefined) return;
  await using worker = steady(lab);
  const closed = await worker.ask({ capabilities: true });
  assert.deepEqual([closed.icmp4, closed.udp], ['none', true]);
  assert.match(
    String(closed.why),
    /^ICMP \(EACCES\): the sysctl net\.ipv4\.ping_group_range does not have a group .*\(65534\)/,
  );
  assert.equal((await worker.ask({ probe: ping(addresses.peer(4)) })).kind, 'engine');
  await lab.sysctl('src', 'net.ipv4.ping_group_range', '0 65535');
  await until(worker, { capabilities: true }, ({ icmp4 }) => icmp4 === 'dgram');
  assert.ok(isReply(await worker.ask({ probe: ping(addresses.peer(4)) })));
});

test('permissions: descriptors that are used up are said as such, and are no verdict for ever', async (t) => {
  await using lab = await labFor(t);
  if (lab === undefined) return;
  await using worker = steady(lab, ['sh', '-c', 'ulimit -n 60; exec "$@"', 'sh']);
  assert.ok(isReply(await worker.ask({ probe: ping(addresses.peer(4)) })));
  const said = await worker.ask({ descriptors: 'use up' });
  assert.equal(said.icmp4, 'dgram');
  // Packets that may not be cut have a socket of their own, which cannot be opened now; and so has each of TCP.
  const uncut = { probe: ping(addresses.peer(4), { dontFragment: true }) };
  const tcp = { probe: ping(addresses.peer(4), { protocol: 'tcp', port: 9 }) };
  for (const question of [uncut, tcp]) {
    const { kind, why } = await worker.ask(question);
    assert.equal(kind, 'engine');
    assert.match(String(why), /^open files: the process has reached its limit \(EMFILE\); raise it/);
  }
  assert.ok(isReply(await worker.ask({ probe: ping(addresses.peer(4)) })), 'open sockets go on');
  await worker.ask({ descriptors: 'give back' });
  for (const question of [uncut, tcp]) await until(worker, question, isReply);
});

test('renewal: after a failover behind a NAT that keeps its sessions, pings and UDP recover by a new identifier or port', async (t) => {
  await using lab = await labFor(t);
  const nft = await needs(t, 'nft');
  if (lab === undefined || nft === undefined) return;
  // Two ways from r2 to r4, each with an address of its own, which r2 puts in place of the source.
  for (const [place, back] of [
    ['r5', '10.20.4.1'],
    ['r6', '10.20.5.1'],
    ['dst', '10.20.6.1'],
  ] as const)
    for (const link of ['10.20.2.0/24', '10.20.12.0/24']) await lab.ip(place, 'route', 'add', link, 'via', back);
  await lab.ip('r4', 'route', 'add', '10.20.2.0/24', 'via', '10.20.3.1');
  await lab.ip('r4', 'route', 'add', '10.20.12.0/24', 'via', '10.20.13.1');
  const nat = [
    'table ip nat {',
    'chain out {',
    'type nat hook postrouting priority 100',
    // Not `masquerade`: that one ends a session whose packets leave by another interface.
    'oifname "to-r3" snat to 10.20.2.1',
    'oifname "to-r3b" snat to 10.20.12.1',
    '}',
    '}',
  ].join('\n');
  const made = await lab.feed('r2', [nft.path, '-f', '-'], `${nat}\n`);
  assert.equal(made.code, 0, made.stderr);
  await using worker = steady(lab);
  const questions = [
    { probe: ping(addresses.target(4)) },
    { probe: ping(addresses.target(4), { protocol: 'udp', port: 33_434 }) },
  ];
  for (const question of questions) assert.ok(isReply(await worker.ask(question)));
  // The first way fails, and r2 takes the other; sessions that it knows keep the address of the first.
  await lab.ip('r3', 'route', 'add', 'blackhole', '10.20.2.1/32');
  await lab.ip('r2', 'route', 'replace', '10.99.0.0/21', 'via', '10.20.12.2');
  for (const question of questions) {
    const answers = await until(worker, question, isReply);
    assert.ok(answers.length > 1, 'the old session leads nowhere');
  }
});
