import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import type { Reason } from '../../src/kernel/reason.ts';
import { dns } from '../../src/probers/dns/dns.ts';
import { encodeName } from '../../src/protocol/dns-message.ts';
import { chain } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { type Asked, a, type DnsOptions, dnsServer, named, zone } from '../servers/dns.ts';
import { needs } from '../servers/peers.ts';
import { pointsOf } from '../servers/points.ts';
import { freePort, startProgram } from '../servers/program.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';
import { tlsServer } from '../servers/tls.ts';

const settingsOf = (given: z.input<typeof dns.settings>) => dns.settings.parse(given);
const query = { query_name: 'shop.test', query_type: 'A' } as const;

const ask = async (target: string, given: Partial<z.input<typeof dns.settings>> = {}, timeoutMs = 3_000) => {
  await using context = testContext({ timeoutMs });
  const outcome = await dns.probe(target, settingsOf({ ...query, ...given }), context);
  return {
    outcome,
    points: pointsOf(dns, outcome),
    reasons: outcome.failures.map(({ reason }): Reason => reason),
    detail: outcome.failures[0]?.detail ?? '',
  };
};

const at = async (options: DnsOptions, given: Partial<z.input<typeof dns.settings>> = {}, timeoutMs?: number) => {
  await using server = await dnsServer(options);
  const asked = await ask(`127.0.0.1:${server.port}`, given, timeoutMs);
  await server.allClosed();
  return asked;
};

const shop = { reply: zone({ 'shop.test': [a('192.0.2.1'), a('192.0.2.2')] }) };

for (const transport_protocol of ['udp', 'tcp'] as const) {
  test(`dns: an answer over ${transport_protocol} succeeds, with its counts and phases`, async () => {
    const { reasons, points } = await at(shop, { transport_protocol });
    assert.deepEqual(reasons, []);
    assert.equal(points.get('probe_dns_answer_rrs'), 2);
    assert.equal(points.get('probe_dns_authority_rrs'), 0);
    assert.equal(points.get('probe_dns_query_succeeded'), 1);
    assert.equal(points.get('probe_ip_protocol'), 4);
    assert.ok((points.get('probe_dns_duration_seconds{phase="request"}') ?? 0) > 0);
    assert.ok((points.get('probe_dns_duration_seconds{phase="connect"}') ?? 0) > 0);
  });

  test(`dns: a silent server over ${transport_protocol} gives reason timeout, and no socket is left`, async () => {
    const { reasons, points } = await at({ reply: () => undefined }, { transport_protocol }, 120);
    assert.deepEqual(reasons, ['timeout']);
    assert.equal(points.get('probe_dns_query_succeeded'), 0);
    assert.ok((points.get('probe_dns_duration_seconds{phase="request"}') ?? 0) > 0.05);
  });

  test(`dns: a closed port over ${transport_protocol} gives reason connect_refused`, async () => {
    assert.deepEqual((await ask(`127.0.0.1:${await unusedPort()}`, { transport_protocol })).reasons, [
      'connect_refused',
    ]);
  });

  test(`dns: rubbish over ${transport_protocol} gives reason protocol_error`, async () => {
    const reply = ({ id, question }: Asked) =>
      Buffer.concat([
        Buffer.from([id >> 8, id & 0xff, 0x81, 0x80, 0, 1, 0xff, 0xff, 0, 0, 0, 0]),
        question,
        Buffer.from('c00c', 'hex'),
      ]);
    assert.deepEqual((await at({ reply }, { transport_protocol })).reasons, ['protocol_error']);
  });
}

test('dns: pointer loops in an answer give reason protocol_error', async () => {
  const reply = ({ id }: Asked) =>
    Buffer.from([id >> 8, id & 0xff, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0, 0x0c, 0, 1, 0, 1]);
  const { reasons, detail } = await at({ reply });
  assert.deepEqual(reasons, ['protocol_error']);
  assert.match(detail, /points to itself/);
});

test('dns: a response code that is not accepted gives reason dns_rcode, and one that is listed is accepted', async () => {
  const reply = () => ({ rcode: 3 });
  const refused = await at({ reply });
  assert.deepEqual(refused.reasons, ['dns_rcode']);
  assert.match(refused.detail, /NXDOMAIN, expected NOERROR/);
  assert.equal(refused.points.get('probe_dns_query_succeeded'), 1);
  assert.deepEqual((await at({ reply }, { valid_rcodes: ['NXDOMAIN'] })).reasons, []);
  assert.deepEqual((await at(shop, { valid_rcodes: [] })).reasons, ['dns_rcode']);
});

test('dns: records that break a rule give reason dns_records_mismatch, and the detail names the rule', async () => {
  const rows: readonly [rule: string, expression: string, ok: boolean][] = [
    ['fail_if_matches_regexp', '192\\.0\\.2\\.2$', false],
    ['fail_if_matches_regexp', '192\\.0\\.2\\.3$', true],
    ['fail_if_not_matches_regexp', '192\\.0\\.2\\.', true],
    ['fail_if_not_matches_regexp', '192\\.0\\.2\\.1$', false],
    ['fail_if_none_matches_regexp', '192\\.0\\.2\\.1$', true],
    ['fail_if_none_matches_regexp', '198\\.51', false],
    // The reverse of its name, as in blackbox_exporter.
    ['fail_if_all_match_regexp', '192\\.0\\.2\\.', true],
    ['fail_if_all_match_regexp', '192\\.0\\.2\\.1$', false],
  ];
  for (const [rule, expression, ok] of rows) {
    const { reasons, detail } = await at(shop, { validate_answer_rrs: { [rule]: [expression] } });
    assert.deepEqual(reasons, ok ? [] : ['dns_records_mismatch'], `${rule} ${expression}`);
    if (!ok) assert.match(detail, new RegExp(rule));
  }
});

test('dns: rules on a section without records fail only where records are demanded', async () => {
  const rule = (name: string) => at(shop, { validate_additional_rrs: { [name]: ['x'] } });
  assert.deepEqual((await rule('fail_if_not_matches_regexp')).reasons, ['dns_records_mismatch']);
  assert.deepEqual((await rule('fail_if_none_matches_regexp')).reasons, ['dns_records_mismatch']);
  assert.deepEqual((await rule('fail_if_matches_regexp')).reasons, []);
  assert.deepEqual((await rule('fail_if_all_match_regexp')).reasons, []);
});

test('dns: the serial of a zone is reported for SOA queries alone', async () => {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(1_000);
  const data = Buffer.concat(
    [encodeName('ns.test') ?? [], encodeName('root.test') ?? [], numbers].map((part) => Buffer.from(part)),
  );
  const soa = { reply: () => ({ answers: [{ type: 6, data }] }) };
  assert.equal((await at(soa, { query_type: 'SOA' })).points.get('probe_dns_serial'), 1_000);
  assert.equal((await at(shop, { query_type: 'SOA' })).points.get('probe_dns_serial'), 0);
  assert.equal((await at(shop)).points.has('probe_dns_serial'), false);
});

test('dns: answers to other queries are ignored until the real one comes', async () => {
  const first = ({ id, question }: Asked) =>
    Buffer.concat([Buffer.from([(id >> 8) ^ 1, id & 0xff, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]), question]);
  assert.deepEqual((await at({ ...shop, first })).reasons, []);
});

test('dns: a truncated answer is judged as it is, without a second try', async () => {
  const { reasons, points } = await at({ reply: () => ({ truncated: true }) });
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_dns_answer_rrs'), 0);
});

test('dns: a TCP server that closes in the middle of its answer gives reason connection_closed', async () => {
  assert.deepEqual((await at({ ...shop, cutAfter: 20 }, { transport_protocol: 'tcp' })).reasons, ['connection_closed']);
});

test('dns: over TLS the certificate is verified', async () => {
  const { root } = await chain();
  const onSecure = (socket: import('node:tls').TLSSocket) =>
    socket.on('data', (data) => {
      const answer = Buffer.concat([
        data.subarray(2, 4),
        Buffer.from('81800001000000000000', 'hex'),
        data.subarray(14),
      ]);
      socket.write(Buffer.concat([Buffer.from([answer.length >> 8, answer.length & 0xff]), answer]));
    });
  await using server = await tlsServer({ onSecure });
  const given = { dns_over_tls: true, transport_protocol: 'tcp' as const, preferred_ip_protocol: 'ip4' as const };
  assert.deepEqual((await ask(`localhost:${server.port}`, { ...given, tls_config: { ca: root.cert } })).reasons, []);
  assert.deepEqual((await ask(`localhost:${server.port}`, given)).reasons, ['tls_unknown_issuer']);
});

test('dns: targets are a host, a host and port, or a URL that asks a question', () => {
  assert.deepEqual(dns.locate('192.0.2.53'), { address: '192.0.2.53', host: '192.0.2.53' });
  assert.deepEqual(dns.locate('2001:db8::53'), { address: '2001:db8::53', host: '2001:db8::53' });
  assert.deepEqual(dns.locate('[2001:db8::53]:5353'), {
    address: '[2001:db8::53]:5353',
    host: '2001:db8::53',
    port: 5_353,
  });
  assert.deepEqual(dns.locate('dns://ns.test/www.example.org?type=MX;class=CH')?.settings, {
    query_name: 'www.example.org',
    query_type: 'MX',
    query_class: 'CH',
  });
  assert.equal(dns.locate('dns://ns.test/a?type=NONSENSE'), undefined);
  for (const bad of ['', 'ns.test:0', 'ns.test:99999', 'http://ns.test', 'a b'])
    assert.equal(dns.locate(bad), undefined, bad);
});

test('dns: what blackbox_exporter would notice while probing is refused at load', () => {
  const bad = (given: object) => dns.settings.safeParse({ ...query, ...given }).success === false;
  assert.ok(bad({ query_type: 'a' }));
  assert.ok(bad({ query_class: 'XX' }));
  assert.ok(bad({ transport_protocol: 'sctp' }));
  assert.ok(bad({ dns_over_tls: true }));
  assert.ok(bad({ valid_rcodes: ['NOPE'] }));
  assert.ok(bad({ validate_answer_rrs: { fail_if_matches_regexp: ['('] } }));
  assert.ok(bad({ preferred_ip_protocol: 'ip5' }));
  assert.ok(!dns.settings.safeParse({}).success);
});

test('dns: a TCP server that says nothing DNS-like is bounded and gives reason protocol_error', async () => {
  await using server = await tcpServer({ greeting: Buffer.alloc(200_000, 0x41) });
  assert.deepEqual((await ask(`127.0.0.1:${server.port}`, { transport_protocol: 'tcp' })).reasons, ['protocol_error']);
  await server.allClosed();
});

test('dns: dnsmasq is asked and judged', async (t) => {
  const dnsmasq = await needs(t, 'dnsmasq');
  if (dnsmasq === undefined) return;
  const port = await freePort();
  const args = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    '--listen-address=127.0.0.1',
    `--port=${port}`,
    '--address=/shop.test/192.0.2.1',
    '--mx-host=shop.test,mail.test,10',
    '--user=',
    '--pid-file=',
  ];
  await using _server = await startProgram(dnsmasq.path, args, port);
  assert.deepEqual(
    (
      await ask(`127.0.0.1:${port}`, {
        validate_answer_rrs: { fail_if_not_matches_regexp: ['^shop\\.test\\.\\t0\\tIN\\tA\\t192\\.0\\.2\\.1$'] },
      })
    ).reasons,
    [],
  );
  const mx = await ask(`127.0.0.1:${port}`, {
    query_type: 'MX',
    transport_protocol: 'tcp',
    validate_answer_rrs: { fail_if_none_matches_regexp: ['\\tMX\\t10 mail\\.test\\.$'] },
  });
  assert.deepEqual(mx.reasons, []);
});

test('dns: a server whose name leads nowhere gives the reason of the lookup', async () => {
  await using names = await dnsServer({ reply: zone({ 'ns.test': [named(15, 'x')] }) });
  await using context = testContext({
    resolver: (await import('../../src/net/resolve.ts')).resolver({
      servers: [`127.0.0.1:${names.port}`],
      search: [],
      hostsFile: '/nonexistent',
    }),
  });
  const outcome = await dns.probe('ns.test', settingsOf(query), context);
  assert.deepEqual(
    outcome.failures.map(({ reason, phase }) => [reason, phase]),
    [['dns_no_address', 'resolve']],
  );
});

test('dns: records that are made to take long are matched in a thread, and give the same verdict', async () => {
  const many = { reply: zone({ 'shop.test': Array.from({ length: 400 }, (_, index) => a(`192.0.2.${index % 250}`)) }) };
  for (const [expression, expected] of [
    ['shop.{0,60}192', []],
    ['shop.{0,60}193', ['dns_records_mismatch']],
  ] as const) {
    const given = {
      transport_protocol: 'tcp' as const,
      validate_answer_rrs: { fail_if_not_matches_regexp: [expression] },
    };
    assert.deepEqual((await at(many, given, 20_000)).reasons, expected);
  }
});

for (const [query_name, sent] of [
  ['müller.test', 'xn--mller-kva.test'],
  ['_sip._tcp.Müller.test.', '_sip._tcp.xn--mller-kva.test'],
  ['a$b.test', 'a$b.test'],
  ['B\\195\\188ro\\032eins.test', 'Büro eins.test'],
] as const)
  test(`dns: the name ${query_name} is asked for as ${sent}, and its answer is taken`, async () => {
    await using server = await dnsServer();
    const { reasons } = await ask(`127.0.0.1:${server.port}`, { query_name });
    assert.deepEqual(reasons, []);
    assert.deepEqual(
      server.asked.map(({ question }) => question.subarray(0, -4)),
      [encodeName(sent.replace(/ /g, '\\032'))],
    );
  });

test('dns: a name that cannot be sent is refused when the list is loaded', () => {
  for (const query_name of ['a..b', `${'x'.repeat(64)}.test`, 'ü'.repeat(80), 'bad\\999.test', 'mü ller.test'])
    assert.equal(dns.settings.safeParse({ query_name }).success, false, query_name);
});
