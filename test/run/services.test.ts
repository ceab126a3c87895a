import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import type { Check } from '../../src/kernel/check.ts';
import { resolver } from '../../src/net/resolve.ts';
import { probers } from '../../src/probers/index.ts';
import { encodeName } from '../../src/protocol/dns-message.ts';
import { serviceOf, services } from '../../src/run/services.ts';
import { type Answer, dnsServer, zone } from '../servers/dns.ts';

const srv = (host: string, port: number): Answer => ({
  type: 33,
  data: Buffer.concat([Buffer.from([0, 1, 0, 1, port >> 8, port & 0xff]), encodeName(host) ?? Buffer.alloc(0)]),
});

const checksOf = (targets: readonly unknown[]): readonly Check[] => {
  const loaded = loadValue({ vantages: { here: { kind: 'agent' } }, targets }, { probers });
  return loaded.ok ? loaded.compiled.checks : assert.fail(JSON.stringify(loaded.problems));
};

const mail = { name: 'mail', target: 'tcp://_imap._tcp.example.com', labels: { team: 'post' } };

test('services: each host of a service is a target of its own, named after it', async () => {
  const names = { '_imap._tcp.example.com': [srv('one.example.com.', 143), srv('two.example.com.', 1_143)] };
  await using server = await dnsServer({ reply: zone(names) });
  await using dns = resolver({ servers: [`127.0.0.1:${server.port}`], search: [], hostsFile: '/dev/null' });
  const expand = services(dns);
  const checks = checksOf([
    mail,
    { name: 'pings', target: 'icmp://_imap._tcp.example.com' },
    { name: 'paths', target: 'mtr+tcp://_imap._tcp.example.com' },
    { name: 'plain', target: 'tcp://db.example.com:5432' },
  ]);
  const all = await expand(checks);
  assert.deepEqual(
    all.map(({ target, labels, instance }) => [target.name, target.address, labels.name, instance]),
    [
      ['one.example.com', 'one.example.com:143', 'one.example.com', 'tcp://one.example.com:143'],
      ['two.example.com', 'two.example.com:1143', 'two.example.com', 'tcp://two.example.com:1143'],
      ['one.example.com', 'one.example.com', 'one.example.com', 'icmp://one.example.com'],
      ['two.example.com', 'two.example.com', 'two.example.com', 'icmp://two.example.com'],
      ['one.example.com', 'one.example.com:143', 'one.example.com', 'mtr+tcp://one.example.com:143'],
      ['two.example.com', 'two.example.com:1143', 'two.example.com', 'mtr+tcp://two.example.com:1143'],
      ['plain', 'db.example.com:5432', 'plain', 'tcp://db.example.com:5432'],
    ],
  );
  assert.equal(all[0]?.labels.team, 'post');
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
});

test('services: a host that stays is the same object, and one that leaves the answer is gone', async () => {
  let hosts = [srv('one.example.com.', 143), srv('two.example.com.', 143)];
  await using server = await dnsServer({ reply: (asked) => zone({ '_imap._tcp.example.com': hosts })(asked) });
  await using dns = resolver({ servers: [`127.0.0.1:${server.port}`], search: [], hostsFile: '/dev/null' });
  const expand = services(dns);
  const checks = checksOf([mail]);
  const [first, second] = await expand(checks);
  hosts = [srv('two.example.com.', 143), srv('three.example.com.', 143)];
  const after = await expand(checks);
  assert.equal(after[0], second);
  assert.equal(after[1]?.target.name, 'three.example.com');
  assert.ok(first !== undefined && !after.includes(first));
});

test('services: while a name cannot be looked up its hosts are those known last, or the check stays and fails', async () => {
  let isUp = true;
  const names = zone({ '_imap._tcp.example.com': [srv('one.example.com.', 143)] });
  await using server = await dnsServer({ reply: (asked) => (isUp ? names(asked) : { rcode: 2 }) });
  const options = {
    servers: [`127.0.0.1:${server.port}`],
    search: [],
    hostsFile: '/dev/null',
    attempts: 1,
    timeoutMs: 200,
  };
  await using dns = resolver(options);
  const expand = services(dns);
  const checks = checksOf([mail, { name: 'other', target: 'tcp://_ldap._tcp.example.com' }]);
  const before = await expand(checks);
  assert.deepEqual(
    before.map(({ target }) => target.name),
    ['one.example.com', 'other'],
  );
  isUp = false;
  const after = await expand(checks);
  assert.ok(after.every((check, index) => check === before[index]));
});

test('services: only names whose first two parts begin with an underscore are services', () => {
  const [service, host, dotted] = checksOf([
    mail,
    { name: 'host', target: 'icmp://db.example.com' },
    { name: 'dotted', target: 'icmp://_dmarc.example.com' },
  ]);
  assert.ok(service !== undefined && host !== undefined && dotted !== undefined);
  assert.deepEqual([service, host, dotted].map(serviceOf), ['_imap._tcp.example.com', undefined, undefined]);
});

test('services: one that was found has at most ten hosts, under its own name; one of the list has no such name before it', async () => {
  const hosts = Array.from({ length: 300 }, (_, index) => srv(`shop${index}.example.com.`, 1));
  await using server = await dnsServer({ reply: zone({ '_x._tcp.example.com': hosts }) });
  await using dns = resolver({ servers: [`127.0.0.1:${server.port}`], search: [], hostsFile: '/dev/null' });
  const told: (readonly [string, number])[] = [];
  const expand = services(dns, ({ target }, count) => void told.push([target.name, count]));
  const [written] = checksOf([{ name: 'x', target: 'tcp://_x._tcp.example.com' }]);
  if (written === undefined) assert.fail('there is no check');
  const found: Check = {
    ...written,
    target: { ...written.target, name: 'evil/x' },
    id: 'evil/x@here',
    reach: 'kubernetes[0]/evil',
  };
  const all = await expand([found]);
  assert.equal(all.length, 10);
  for (const { target, labels, reach, id } of all) {
    assert.match(target.name, /^evil\/x \(shop\d+\.example\.com:1\)$/);
    assert.deepEqual([labels.name, reach], [target.name, 'kubernetes[0]/evil']);
    assert.match(id, /^evil\/x@here/);
  }
  assert.equal((await expand([written])).length, 250);
  await expand([found, written]);
  assert.deepEqual(told, [
    ['evil/x', 290],
    ['x', 50],
    ['evil/x', 290],
  ]);
});
