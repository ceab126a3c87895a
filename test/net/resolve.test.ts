import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseResolvConf } from '../../src/net/resolv-conf.ts';
import type { Lookup, ResolverOptions } from '../../src/net/resolve.ts';
import { resolver } from '../../src/net/resolve.ts';
import { testContext } from '../servers/context.ts';
import { a, aaaa, type DnsServer, dnsServer, named, zone } from '../servers/dns.ts';

const ask = async (
  server: DnsServer | number,
  host: string,
  options: ResolverOptions = {},
  timeoutMs = 3_000,
): Promise<Lookup> => {
  const port = typeof server === 'number' ? server : server.port;
  await using stub = resolver({
    servers: [`127.0.0.1:${port}`],
    search: [],
    ndots: 1,
    hostsFile: '/nonexistent',
    ...options,
  });
  await using context = testContext({ timeoutMs });
  return await stub.lookup(host, [4, 6], context);
};

const ips = (lookup: Lookup): string[] => (lookup.ok ? lookup.addresses.map(({ ip }) => ip) : [lookup.failure.reason]);

const six = '20010db8000000000000000000000001';

test('resolve: a name with both families gives both', async () => {
  await using server = await dnsServer({ reply: zone({ 'shop.test': [a('192.0.2.1'), aaaa(six)] }) });
  assert.deepEqual(ips(await ask(server, 'shop.test')), ['192.0.2.1', '2001:db8::1']);
});

test('resolve: CNAMEs inside an answer are followed', async () => {
  await using server = await dnsServer({
    reply: zone({ 'www.test': [named(5, 'edge.test')], 'edge.test': [a('192.0.2.7')] }),
  });
  assert.deepEqual(ips(await ask(server, 'WWW.test')), ['192.0.2.7']);
});

test('resolve: a loop of CNAMEs ends with reason dns_no_address', async () => {
  const loop = { answers: [named(5, 'b.test'), { ...named(5, 'a.test'), name: 'b.test' }] };
  await using server = await dnsServer({ reply: () => loop });
  assert.deepEqual(ips(await ask(server, 'a.test')), ['dns_no_address']);
});

test('resolve: a name that does not exist gives reason dns_no_such_name', async () => {
  await using server = await dnsServer({ reply: zone({}) });
  assert.deepEqual(ips(await ask(server, 'missing.test')), ['dns_no_such_name']);
});

test('resolve: a name without addresses gives reason dns_no_address', async () => {
  await using server = await dnsServer({ reply: zone({ 'mail.test': [named(15, 'x')] }) });
  assert.deepEqual(ips(await ask(server, 'mail.test')), ['dns_no_address']);
});

test('resolve: SERVFAIL gives reason dns_server_failure', async () => {
  await using server = await dnsServer({ reply: () => ({ rcode: 2 }) });
  assert.deepEqual(ips(await ask(server, 'shop.test')), ['dns_server_failure']);
});

test('resolve: rubbish gives reason dns_server_failure', async () => {
  await using server = await dnsServer({ reply: ({ id }) => Buffer.from([id >> 8, id & 0xff, 0x81]) });
  assert.deepEqual(ips(await ask(server, 'shop.test')), ['dns_server_failure']);
});

test('resolve: a silent server gives reason dns_timeout when the probe ends', async () => {
  await using server = await dnsServer({ reply: () => undefined });
  assert.deepEqual(ips(await ask(server, 'shop.test', {}, 120)), ['dns_timeout']);
});

test('resolve: a server that is not there gives reason dns_unreachable', async () => {
  const gone = await dnsServer();
  await gone[Symbol.asyncDispose]();
  assert.deepEqual(ips(await ask(gone.port, 'shop.test')), ['dns_unreachable']);
});

test('resolve: when the first server is silent the second is asked after its time', async () => {
  await using silent = await dnsServer({ reply: () => undefined });
  await using server = await dnsServer();
  const servers = [`127.0.0.1:${silent.port}`, `127.0.0.1:${server.port}`];
  assert.deepEqual(ips(await ask(server, 'shop.test', { servers, timeoutMs: 50 })), ['192.0.2.1']);
});

test('resolve: a truncated answer is asked for again over TCP', async () => {
  const reply = (_: unknown, over: string) => (over === 'udp' ? { truncated: true } : { answers: [a('192.0.2.9')] });
  await using server = await dnsServer({ reply });
  assert.ok(ips(await ask(server, 'big.test')).includes('192.0.2.9'));
  await server.allClosed();
});

test('resolve: answers to other questions are not believed', async () => {
  const first = ({ id, question }: { id: number; question: Buffer }) => {
    const header = Buffer.from('000081800001000100000000', 'hex');
    header.writeUInt16BE((id + 1) & 0xffff, 0);
    return Buffer.concat([header, question, Buffer.from('c00c000100010000003c0004c6336401', 'hex')]);
  };
  await using server = await dnsServer({ first });
  assert.deepEqual(ips(await ask(server, 'shop.test')), ['192.0.2.1']);
});

test('resolve: a short name is tried with the search list first, a long one by itself first', async () => {
  await using server = await dnsServer({
    reply: zone({ 'db.prod.svc': [a('10.0.0.1')], 'api.partner.example': [a('192.0.2.3')] }),
  });
  const options = { search: ['prod.svc', 'svc'], ndots: 2 };
  assert.deepEqual(ips(await ask(server, 'db', options)), ['10.0.0.1']);
  assert.deepEqual([...new Set(server.asked.map(({ name }) => name))], ['db.prod.svc']);
  assert.deepEqual(ips(await ask(server, 'api.partner.example', options)), ['192.0.2.3']);
  assert.ok(!server.asked.some(({ name }) => name === 'api.partner.example.prod.svc'));
});

test('resolve: a server that fails for one name of the search list does not end the search', async () => {
  const known = zone({ 'db.prod.svc': [a('10.0.0.1')] });
  await using server = await dnsServer({
    reply: (asked) => (asked.name === 'db' || asked.name === 'db.cut.test' ? { rcode: 2 } : known(asked)),
  });
  const options = { search: ['cut.test', 'prod.svc'], ndots: 2 };
  assert.deepEqual(ips(await ask(server, 'db', options)), ['10.0.0.1']);
  assert.deepEqual(ips(await ask(server, 'db', { search: ['cut.test', 'else.test'], ndots: 2 })), [
    'dns_server_failure',
  ]);
});

test('resolve: a name whose bytes are escaped in an answer is the name that was asked for', async () => {
  await using server = await dnsServer({ reply: zone({ 'a$b.test': [a('192.0.2.9')] }) });
  assert.deepEqual(ips(await ask(server, 'a$b.test')), ['192.0.2.9']);
});

test('resolve: a dot at the end keeps the search list out', async () => {
  await using server = await dnsServer({ reply: zone({ 'db.prod.svc': [a('10.0.0.1')] }) });
  assert.deepEqual(ips(await ask(server, 'db.', { search: ['prod.svc'], ndots: 2 })), ['dns_no_such_name']);
});

test('resolve: the hosts file is believed first, and read again when it changes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  t.after(() => rm(folder, { recursive: true }));
  const hostsFile = join(folder, 'hosts');
  await writeFile(hostsFile, '# comment\n198.51.100.1 Shop.test alias # more\n2001:db8::2 shop.test\n');
  await using server = await dnsServer();
  assert.deepEqual(ips(await ask(server, 'shop.test', { hostsFile })), ['198.51.100.1', '2001:db8::2']);
  assert.equal(server.asked.length, 0);
});

test('resolve: localhost never leaves the machine', async () => {
  await using server = await dnsServer();
  assert.deepEqual(ips(await ask(server, 'localhost')), ['127.0.0.1', '::1']);
  assert.deepEqual(ips(await ask(server, 'db.localhost')), ['127.0.0.1', '::1']);
  assert.equal(server.asked.length, 0);
});

test('resolve: international names are asked for in ASCII', async () => {
  await using server = await dnsServer();
  await ask(server, 'bücher.test');
  assert.deepEqual([...new Set(server.asked.map(({ name }) => name))], ['xn--bcher-kva.test']);
});

test('resolve: a dead server delays only its own probe: many lookups at it do not hold up another', async () => {
  await using silent = await dnsServer({ reply: () => undefined });
  await using server = await dnsServer();
  await using context = testContext({ timeoutMs: 10_000 });
  await using dead = resolver({
    servers: [`127.0.0.1:${silent.port}`],
    search: [],
    timeoutMs: 20_000,
    hostsFile: '/nonexistent',
  });
  const stuck = Array.from({ length: 64 }, (_, index) => dead.lookup(`a${index}.test`, [4], context));
  assert.deepEqual(ips(await ask(server, 'shop.test')), ['192.0.2.1']);
  context.abort();
  const ended = await Promise.all(stuck);
  assert.ok(ended.every((lookup) => ips(lookup)[0] === 'dns_timeout'));
});

test('resolve: a TCP server that closes in the middle of its answer gives reason dns_server_failure', async () => {
  await using server = await dnsServer({
    reply: (_asked, over) => ({ truncated: over === 'udp', answers: [a('192.0.2.1')] }),
    cutAfter: 9,
  });
  assert.deepEqual(ips(await ask(server, 'shop.test')), ['dns_server_failure']);
});

test('resolve: a resolv.conf is read as its manual says', () => {
  const text =
    '; a comment\nnameserver 192.0.2.53 # first\nnameserver nonsense\nnameserver 2001:db8::53\nsearch a.test b.test.\noptions ndots:5 timeout:2 attempts:1 edns0\n';
  assert.deepEqual(parseResolvConf(text), {
    servers: ['192.0.2.53', '2001:db8::53'],
    search: ['a.test', 'b.test'],
    ndots: 5,
    timeoutMs: 2_000,
    attempts: 1,
  });
  assert.deepEqual(parseResolvConf(''), {
    servers: ['127.0.0.1'],
    search: [],
    ndots: 1,
    timeoutMs: 5_000,
    attempts: 2,
  });
  const { ndots, timeoutMs, attempts } = parseResolvConf('options ndots:99 timeout:99 attempts:99');
  assert.deepEqual({ ndots, timeoutMs, attempts }, { ndots: 15, timeoutMs: 30_000, attempts: 5 });
});
