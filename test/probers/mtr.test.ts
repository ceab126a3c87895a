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

test('mtr: a hop that is silent for once changes neither the path nor its hash, another router does', () => {
  const one = remember(undefined, run(['a', 'b', 'c']));
  const two = remember(one, run(['a', undefined, 'c']));
  assert.deepEqual([two.changes, two.hash, two.path], [0, one.hash, ['a', 'b', 'c']]);
  const three = remember(two, run(['a', 'x', 'c']));
  assert.deepEqual([three.changes, three.path], [1, ['a', 'x', 'c']]);
  assert.notEqual(three.hash, one.hash);
  assert.equal(remember(three, run(['a', 'x'])).changes, 2);
});

test('mtr: a run that found no path leaves all as it was', () => {
  const one = remember(undefined, run(['a']));
  assert.equal(remember(one, {}), one);
  assert.equal(remember(one, run([])), one);
});

test('mtr: a target shows 64 addresses a day; those beyond are called other, and counted', () => {
  let memory = remember(undefined, run(['first']));
  for (let index = 0; index < 100; index += 1) memory = remember(memory, run([`10.0.0.${index}`]));
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
  const pair = (key: string) => memory.pairs.get(key);
  assert.deepEqual(
    [pair('1 a')?.sent, pair('1 a')?.failed, pair('2 b')?.sent, pair('2 unknown')?.failed],
    [4, 2, 2, 2],
  );
  for (let index = 0; index < 101; index += 1) memory = remember(memory, run(['a', 'z']));
  assert.equal(memory.pairs.has('2 b'), false);
  assert.equal(memory.pairs.get('1 a')?.sent, 2 * 103);
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
