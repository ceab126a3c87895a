import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ProbeOutcome } from '../../../src/net/icmp/engine.ts';
import { noEngine } from '../../../src/net/icmp/engine.ts';
import { loadLibc } from '../../../src/net/icmp/libc.ts';
import { openEngine } from '../../../src/net/icmp/open-engine.ts';

// Loopback alone; what routers and misbehaving peers do is shown in the lab.
const opened = await openEngine();
const { icmp4, icmp6, why } = opened.capabilities;
const skipIcmp = icmp4 === 'none' ? why : false;
const skipIcmp6 = icmp6 === 'none' ? why : false;
await opened[Symbol.asyncDispose]();

const rttOf = (outcome: ProbeOutcome): number =>
  'rtt' in outcome ? outcome.rtt : assert.fail(JSON.stringify(outcome));

for (const [address, skip] of [
  ['127.0.0.1', skipIcmp],
  ['::1', skipIcmp6],
] as const) {
  test(`icmp-engine: an echo to ${address} comes back with the kernel's times and a hop limit`, { skip }, async () => {
    await using engine = await openEngine();
    const outcome = await engine.probe({ address, protocol: 'icmp', timeoutMs: 1_000 });
    assert.equal(outcome.kind, 'reply');
    assert.deepEqual([outcome.from, outcome.via, outcome.clock, outcome.hopLimit], [address, 'echo', 'kernel', 64]);
    assert.ok(outcome.rtt > 0 && outcome.rtt < 1);
    assert.deepEqual([engine.stats().inFlight, engine.stats().stray], [0, 0]);
  });

  test(`icmp-engine: a closed UDP port of ${address} is an answer`, async () => {
    await using engine = await openEngine();
    const outcome = await engine.probe({ address, protocol: 'udp', port: 9, timeoutMs: 1_000 });
    assert.equal(outcome.kind, 'reply');
    assert.equal(outcome.via, 'port_unreachable');
  });

  test(`icmp-engine: a TCP port of ${address} accepts or refuses, and both are answers`, async () => {
    const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, address);
    await new Promise((resolve) => server.once('listening', resolve));
    const place = server.address();
    assert.ok(typeof place === 'object' && place !== null);
    await using engine = await openEngine();
    const request = { address, protocol: 'tcp', port: place.port, timeoutMs: 1_000 } as const;
    const accepted = await engine.probe(request);
    await new Promise((resolve) => server.close(resolve));
    const refused = await engine.probe(request);
    assert.ok(accepted.kind === 'reply' && refused.kind === 'reply');
    assert.deepEqual([accepted.via, accepted.clock, refused.via], ['accepted', 'kernel', 'refused']);
    assert.ok(rttOf(accepted) < 1 && rttOf(refused) < 1);
  });
}

test('icmp-engine: five thousand at once are all answered, in batches', { skip: skipIcmp }, async () => {
  await using engine = await openEngine();
  const addresses = Array.from({ length: 5_000 }, (_, index) => `127.1.${index >> 8}.${index & 255}`);
  const outcomes = await Promise.all(
    addresses.map((address) => engine.probe({ address, protocol: 'icmp', timeoutMs: 5_000 })),
  );
  assert.deepEqual([...new Set(outcomes.map(({ kind }) => kind))], ['reply']);
  const { sent, socketDrops, stray, inFlight } = engine.stats();
  assert.deepEqual([sent >= 5_000, socketDrops, stray, inFlight], [true, 0, 0, 0]);
});

test('icmp-engine: payloads from none to the largest come back', { skip: skipIcmp }, async () => {
  await using engine = await openEngine();
  for (const payloadBytes of [0, 1, 7, 8, 9, 56, 1_472, 65_507]) {
    const outcome = await engine.probe({ address: '127.0.0.1', protocol: 'icmp', timeoutMs: 1_000, payloadBytes });
    assert.equal(outcome.kind, 'reply', `${payloadBytes}: ${JSON.stringify(outcome)}`);
  }
});

test('icmp-engine: a request that cannot be is refused in words, and nothing is sent', async () => {
  await using engine = await openEngine();
  const before = engine.stats().sent;
  const request = { address: '127.0.0.1', protocol: 'icmp', timeoutMs: 1_000 } as const;
  for (const [wrong, said] of [
    [{ ttl: 0 }, 'a time to live of 0'],
    [{ ttl: 256 }, 'a time to live of 256'],
    [{ trafficClass: 256 }, 'a traffic class of 256'],
    [{ payloadBytes: 65_508 }, 'a payload of 65508 bytes'],
    [{ payloadBytes: -1 }, 'a payload of -1 bytes'],
    [{ port: 0 }, 'port 0'],
    [{ timeoutMs: 0 }, 'a time limit of 0 ms'],
    [{ timeoutMs: Number.NaN }, 'a time limit of NaN ms'],
    [{ address: 'localhost' }, 'localhost is no address'],
  ] as const) {
    assert.deepEqual(await engine.probe({ ...request, ...wrong }), { kind: 'engine', why: said });
  }
  assert.equal(engine.stats().sent, before);
});

test('icmp-engine: a source address that is not ours is told as such', { skip: skipIcmp }, async () => {
  await using engine = await openEngine();
  const request = { address: '127.0.0.1', timeoutMs: 1_000, source: '192.0.2.1' } as const;
  assert.deepEqual(await engine.probe({ ...request, protocol: 'icmp' }), { kind: 'local', code: 'ENETUNREACH' });
  assert.deepEqual(await engine.probe({ ...request, protocol: 'tcp' }), { kind: 'local', code: 'EADDRNOTAVAIL' });
  const own = await engine.probe({ ...request, protocol: 'icmp', source: '127.0.0.5' });
  assert.equal(own.kind, 'reply');
});

test('icmp-engine: closing and stopping end what is under way, never as loss', { skip: skipIcmp }, async () => {
  const engine = await openEngine();
  const request = { address: '127.0.0.1', protocol: 'icmp', timeoutMs: 60_000 } as const;
  // Not read while the loop is not turned, so these are still under way when they are ended.
  const stop = new AbortController();
  const stopped = engine.probe(request, stop.signal);
  stop.abort();
  assert.deepEqual(await stopped, { kind: 'engine', why: 'stopped' });
  assert.deepEqual(await engine.probe(request, stop.signal), { kind: 'engine', why: 'stopped' });
  const waiting = Array.from({ length: 50 }, () => engine.probe(request));
  const tcp = engine.probe({ ...request, protocol: 'tcp', port: 9 });
  await engine[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
  for (const outcome of await Promise.all([...waiting, tcp]))
    assert.deepEqual(outcome, { kind: 'engine', why: 'the engine was closed' });
  assert.deepEqual(await engine.probe(request), { kind: 'engine', why: 'the engine was closed' });
});

test('icmp-engine: opening and closing a hundred times leaves no descriptor behind', async () => {
  const open = () => readFileSync('/proc/self/status', 'utf8').match(/^FDSize:\s*(\d+)/m)?.[1];
  const before = open();
  for (let round = 0; round < 100; round += 1) await (await openEngine())[Symbol.asyncDispose]();
  assert.equal(open(), before);
});

test('icmp-engine: opening sends nothing, so that loopback and its ports are left alone', async () => {
  await using engine = await openEngine();
  assert.equal(engine.stats().sent, 0);
});

test('icmp-engine: of pings that may wait for an hour and were answered next to nothing is kept', {
  skip: skipIcmp,
}, async () => {
  v8.setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  await using engine = await openEngine();
  const held = async (count: number) => {
    for (let done = 0; done < count; done += 500)
      await Promise.all(
        Array.from({ length: 500 }, () =>
          engine.probe({ address: '127.0.0.1', protocol: 'icmp', timeoutMs: 3_600_000, payloadBytes: 28 }),
        ),
      );
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = await held(2_000);
  const grown = (await held(40_000)) - before;
  // As objects they would be some 350 bytes each.
  assert.ok(grown < 40_000 * 80, `${grown} bytes`);
  assert.equal(engine.stats().inFlight, 0);
});

test('icmp-engine: where there is none, each probe says why', async () => {
  await using engine = noEngine('there is no ICMP here');
  assert.deepEqual(await engine.probe({ address: '127.0.0.1', protocol: 'icmp', timeoutMs: 1 }), {
    kind: 'engine',
    why: 'there is no ICMP here',
  });
});

test('libc: no call takes a buffer that is shorter than what the kernel would touch', async () => {
  const libc = await loadLibc();
  const small = libc.area(8);
  assert.throws(() => libc.send(-1, small, 0), RangeError);
  assert.throws(() => libc.receive(-1, small, 1, 0), RangeError);
  assert.throws(() => libc.option(-1, 1, 4, 257), RangeError);
  assert.throws(() => libc.setOption(-1, 1, 4, new Uint8Array(257)), RangeError);
  assert.throws(() => libc.bind(-1, new Uint8Array(257)), RangeError);
  // A descriptor that is none is refused by the kernel, with its number.
  assert.equal(libc.bind(-1, new Uint8Array(16)), -9);
  assert.deepEqual([libc.ready(-1), libc.watchIn(-1, 0, 1), libc.leave(-1, 0)], [-9, -9, -9]);
});
