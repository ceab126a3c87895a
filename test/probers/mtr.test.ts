import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MtrFacts } from '../../src/probers/mtr/facts.ts';
import { remember } from '../../src/probers/mtr/facts.ts';
import { mtr } from '../../src/probers/mtr/mtr.ts';

// What needs a network is in test/lab.

const run = (addresses: readonly (string | undefined)[], day = 1): Pick<MtrFacts, 'path' | 'day'> => ({
  day,
  path: {
    end: 'reached',
    isStamped: true,
    sent: addresses.length * 2,
    hops: addresses.map((from, index) => ({
      ttl: index + 1,
      sent: 2,
      late: 0,
      found: undefined,
      answers: from === undefined ? [] : [{ from, rtt: 0.01 }],
    })),
  },
});

const tenRounds = (addresses: readonly (string | undefined)[], ip = '192.0.2.1'): MtrFacts => {
  const { path, day } = run(addresses);
  const hops = path.hops.map((hop) => ({
    ...hop,
    sent: 10,
    answers: hop.answers.flatMap((answer) => new Array<typeof answer>(10).fill(answer)),
  }));
  return { address: { ip, family: 4, lookupSeconds: 0 }, path: { ...path, hops }, day };
};

test('mtr: a hop that is silent for once changes neither the path nor its hash, another router does', () => {
  const one = remember(undefined, tenRounds(['a', 'b', 'c']));
  const two = remember(one, tenRounds(['a', undefined, 'c']));
  assert.deepEqual([two.changes, two.hash, two.history.path], [0, one.hash, ['a', 'b', 'c']]);
  const three = remember(two, tenRounds(['a', 'x', 'c']));
  assert.deepEqual([three.changes, three.history.path], [1, ['a', 'x', 'c']]);
  assert.notEqual(three.hash, one.hash);
  assert.equal(remember(three, tenRounds(['a', 'c'])).changes, 2);
});

test('mtr: balanced routes keep hash and label of their hop, and are no change', () => {
  const mixed = (order: readonly string[]): MtrFacts => {
    const facts = tenRounds(['a', 'b', 't']);
    const hops = facts.path.hops.map((hop, index) =>
      index === 1 ? { ...hop, answers: hop.answers.map((_, at) => ({ from: order[at] ?? 'b', rtt: 0.01 })) } : hop,
    );
    return { ...facts, path: { ...facts.path, hops } };
  };
  const routers = ['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  let memory = remember(undefined, mixed([...routers, 'b', 'b']));
  const { hash } = memory;
  for (let shift = 0; shift < 15; shift += 1) {
    const order = Array.from({ length: 10 }, (_, at) => routers[(at * 3 + shift) % 8] ?? 'b');
    memory = remember(memory, mixed(order));
    assert.deepEqual([memory.changes, memory.hash, memory.hops[1]?.label], [0, hash, 'b']);
  }
});

test('mtr: the path to another address of a name is no change, and its packets are counted apart', () => {
  const one = remember(undefined, tenRounds(['a', 'b', 't']));
  const two = remember(one, tenRounds(['a', 'x', 'y', 'u'], '192.0.2.2'));
  assert.deepEqual([two.changes, two.ip, two.history.path], [0, '192.0.2.2', ['a', 'x', 'y', 'u']]);
  assert.equal(two.pairs.get('192.0.2.2 1 a')?.sent, 10);
  const back = remember(two, tenRounds(['a', 'b', 't']));
  assert.equal(back.pairs.get('192.0.2.1 1 a')?.sent, 20);
});

test('mtr: a forwarded loss is that of the hops behind, over runs', () => {
  const lossy = (): MtrFacts => {
    const facts = tenRounds(['a', 'b', 'c', 't']);
    const received = [10, 8, 6, 10];
    const hops = facts.path.hops.map((hop, index) => ({ ...hop, answers: hop.answers.slice(0, received[index]) }));
    return { ...facts, path: { ...facts.path, hops } };
  };
  const memory = remember(undefined, lossy());
  assert.equal(memory.hops[0]?.forwardedLoss, 0);
  assert.equal(memory.hops[3]?.forwardedLoss, 0);
  assert.deepEqual(
    memory.hops.map(({ loss }) => loss),
    [0, 0.2, 0.4, 0],
  );
});

test('mtr: a run that found no path leaves all as it was', () => {
  const one = remember(undefined, run(['a']));
  assert.equal(remember(one, {}), one);
  assert.equal(remember(one, run([])), one);
});

test('mtr: a target shows 64 addresses a day; those beyond are called other, and counted', () => {
  let memory = remember(undefined, tenRounds(['first']));
  for (let index = 0; index < 100; index += 1) memory = remember(memory, tenRounds([`10.0.0.${index}`]));
  assert.equal(memory.seen.addresses.size, 64);
  assert.equal(memory.hops[0]?.label, 'other');
  assert.equal(memory.unnamed, 100 - 63);
  assert.ok(memory.pairs.size <= 65);
  const next = remember(memory, run(['10.0.0.99'], 2));
  assert.equal(next.hops[0]?.label, '10.0.0.99');
});

test('mtr: what was sent to an address is counted on, and forgotten a hundred runs after it left the path', () => {
  let memory = remember(undefined, run(['a', 'b']));
  memory = remember(memory, run(['a', undefined]));
  const pair = (key: string) => memory.pairs.get(` ${key}`);
  assert.deepEqual(
    [pair('1 a')?.sent, pair('1 a')?.failed, pair('2 b')?.sent, pair('2 unknown')?.failed],
    [4, 2, 2, 2],
  );
  for (let index = 0; index < 101; index += 1) memory = remember(memory, run(['a', 'z']));
  assert.equal(memory.pairs.has(' 2 b'), false);
  assert.equal(memory.pairs.get(' 1 a')?.sent, 2 * 103);
});

test('mtr: targets are hosts, with a port by TCP and UDP alone', () => {
  const place = (text: string) => mtr.locate(text);
  assert.deepEqual(place('mtr://host.example'), { address: 'host.example', host: 'host.example' });
  assert.deepEqual(place('mtr+tcp://host.example:443'), {
    address: 'host.example:443',
    host: 'host.example',
    port: 443,
    settings: { protocol: 'tcp' },
  });
  assert.deepEqual(place('mtr+udp://[2001:db8::1]:33434')?.settings, { protocol: 'udp' });
  assert.equal(place('mtr://host.example:443'), undefined);
  assert.equal(place('mtr://'), undefined);
});
