// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these templates are not JavaScript's
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import type * as z from 'zod';
import type { Point } from '../../src/kernel/metric.ts';
import type { Failure } from '../../src/kernel/reason.ts';
import type { Outcome } from '../../src/kernel/run.ts';
import { tcp } from '../../src/probers/tcp/tcp.ts';
import { textOfRawBytes } from '../../src/protocol/raw-bytes.ts';
import { chain } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { pointsOf } from '../servers/points.ts';
import { type TcpOptions, tcpServer, unusedPort } from '../servers/tcp.ts';
import { type TlsOptions, tlsServer } from '../servers/tls.ts';

type Settings = z.input<typeof tcp.settings>;
type Plan = { settings?: Settings; timeoutMs?: number; host?: string };
type Facts = Parameters<typeof tcp.points>[0]['outcome']['facts'];

const reasonsOf = ({ failures }: Outcome) => failures.map(({ phase, reason }) => `${phase} ${reason}`);

/** Points as text, values that differ from run to run left out. */
const shown = (facts: Facts): string[] => {
  const check = { target: { address: '', names: [] } };
  // safe: points look at the outcome, the target's address and the names it asks for
  const points: readonly Point[] = tcp.points(
    { check, outcome: { facts, failures: [] } } as unknown as Parameters<typeof tcp.points>[0],
    undefined,
  );
  return points.map(({ metric, labels, value }) => {
    const pairs = Object.entries(labels).map(([name, one]) => `${name}=${one}`);
    return `${metric.name}{${pairs}} ${/seconds|hash|expiry/.test(metric.name) ? '' : value}`.trim();
  });
};

const probeAt = async (address: string, { settings = {}, timeoutMs = 5_000 }: Plan = {}) => {
  await using context = testContext({ timeoutMs });
  return await tcp.probe(address, tcp.settings.parse(settings), context);
};

/** How many connections a server must have seen of a probe. */
const facedBy = ({ failures }: { failures: readonly Failure[] }) =>
  failures.some(({ phase }) => ['setup', 'resolve', 'connect'].includes(phase)) ? 0 : 1;

/** Probes a server that behaves as told; the probe has closed its side when this is over. */
const probe = async (server: TcpOptions, plan: Plan = {}) => {
  await using there = await tcpServer(server);
  const outcome = await probeAt(`${plan.host ?? '127.0.0.1'}:${there.port}`, plan);
  await there.closed(facedBy(outcome));
  return { outcome, received: there.received().toString() };
};

const probeTls = async (server: TlsOptions, settings: Settings = {}) => {
  const { root } = await chain();
  await using there = await tlsServer(server);
  const outcome = await probeAt(`127.0.0.1:${there.port}`, {
    settings: { tls: true, tls_config: { ca: root.cert }, ...settings },
  });
  await there.closed(facedBy(outcome));
  return { outcome, received: there.received().toString() };
};

/** A server that answers each line that comes in. */
const answering = (answer: (line: string, socket: Socket) => void): TcpOptions => ({
  onData: (socket, data) => {
    for (const line of data.toString().split('\n').slice(0, -1)) answer(line, socket);
  },
});

test('tcp: an open port is a success, with address and phases', async () => {
  const { outcome } = await probe({});
  assert.deepEqual(reasonsOf(outcome), []);
  assert.deepEqual(shown(outcome.facts), [
    'probe_dns_lookup_time_seconds{}',
    'probe_ip_protocol{} 4',
    'probe_ip_addr_hash{}',
    'probe_tcp_duration_seconds{phase=resolve}',
    'probe_tcp_duration_seconds{phase=connect}',
    'probe_failed_due_to_regex{} 0',
    'probe_failed_due_to_bytes{} 0',
  ]);
});

test('tcp: a closed port gives reason connect_refused, with the address alone', async () => {
  const outcome = await probeAt(`127.0.0.1:${await unusedPort()}`);
  assert.deepEqual(reasonsOf(outcome), ['connect connect_refused']);
  assert.deepEqual(
    shown(outcome.facts).filter((line) => !line.startsWith('probe_tcp_')),
    ['probe_dns_lookup_time_seconds{}', 'probe_ip_protocol{} 4', 'probe_ip_addr_hash{}'],
  );
});

test('tcp: a text without a port gives reason target_invalid, and no samples', async () => {
  const outcome = await probeAt('db.example');
  assert.deepEqual(reasonsOf(outcome), ['setup target_invalid']);
  assert.deepEqual(shown(outcome.facts), []);
});

test('tcp: a metadata address gives reason blocked_address, in every form', async () => {
  for (const host of [
    '169.254.169.254',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    '[fd00:0ec2:0::0:254]',
  ])
    assert.deepEqual(reasonsOf(await probeAt(`${host}:80`)), ['resolve blocked_address'], host);
});

test('tcp: an address of the other family without fallback gives reason dns_no_address', async () => {
  const outcome = await probeAt('127.0.0.1:1', { settings: { ip_protocol_fallback: false } });
  assert.deepEqual(reasonsOf(outcome), ['resolve dns_no_address']);
});

test('tcp: a source address that is not ours gives reason source_address_unavailable', async () => {
  for (const source_ip_address of ['192.0.2.1', '2001:db8::1']) {
    const { outcome } = await probe({}, { settings: { source_ip_address } });
    assert.deepEqual(reasonsOf(outcome), ['connect source_address_unavailable'], source_ip_address);
  }
});

test('tcp: the connection comes from the source address', async () => {
  const from: (string | undefined)[] = [];
  const { outcome } = await probe(
    { onConnection: (socket) => from.push(socket.remoteAddress) },
    { settings: { source_ip_address: '127.0.0.7' } },
  );
  assert.deepEqual(reasonsOf(outcome), []);
  assert.deepEqual(from, ['127.0.0.7']);
});

test('tcp: TLS gives the facts of the certificates and a phase of its own', async () => {
  const { outcome } = await probeTls({});
  assert.deepEqual(reasonsOf(outcome), []);
  const lines = shown(outcome.facts);
  for (const expected of [
    'probe_tls_version_info{version=TLS 1.3} 1',
    'probe_ssl_earliest_cert_expiry{}',
    'probe_tcp_duration_seconds{phase=tls}',
  ])
    assert.ok(lines.includes(expected), expected);
});

test('tcp: server_name is asked for and verified instead of the host', async () => {
  const asked: unknown[] = [];
  const { root } = await chain();
  const server: TlsOptions = {
    SNICallback: (name, go) => {
      asked.push(name);
      go(null);
    },
  };
  const tls_config = { ca: root.cert, server_name: 'other.example' };
  const { outcome } = await probeTls(server, { tls_config });
  assert.deepEqual(reasonsOf(outcome), ['tls tls_name_mismatch']);
  assert.deepEqual(asked, ['other.example']);
  assert.ok(shown(outcome.facts).includes('probe_ssl_earliest_cert_expiry{}'));
});

test('tcp: nothing of the dialogue is sent to a server whose certificate is bad', async () => {
  const { outcome, received } = await probeTls({}, { tls_config: {}, query_response: [{ send: 'PASS hunter2' }] });
  assert.deepEqual(reasonsOf(outcome), ['tls tls_unknown_issuer']);
  assert.equal(received, '');
});

test('tcp: expect skips lines until one matches, and what it captured is sent', async () => {
  const query_response = [{ expect: '^SSH-(?P<version>[^-]+)-(.+)$', send: 'v=${version} s=$2 $$' }, { expect: 'bye' }];
  const { outcome, received } = await probe(
    { greeting: 'banner\r\nSSH-2.0-Example\r\n', ...answering((_, socket) => socket.end('bye')) },
    { settings: { query_response } },
  );
  assert.deepEqual(reasonsOf(outcome), []);
  assert.equal(received, 'v=2.0 s=Example $\n');
});

test('tcp: without an expect in its entry a send is taken literally, with a line feed', async () => {
  const { received } = await probe(
    answering((_, socket) => socket.end('ok\n')),
    { settings: { query_response: [{ send: '$1 ${x}' }, { expect: 'ok' }] } },
  );
  assert.equal(received, '$1 ${x}\n');
});

test('tcp: what the last entry sends arrives', async () => {
  const { received } = await probe({}, { settings: { query_response: [{ send: 'QUIT' }] } });
  assert.equal(received, 'QUIT\n');
  const secured = await probeTls({}, { query_response: [{ send: 'QUIT' }] });
  assert.equal(secured.received, 'QUIT\n');
});

test('tcp: labels of all entries that matched make one probe_expect_info', async () => {
  const query_response = [
    {
      expect: '^a=(.*)$',
      labels: [
        { name: 'a', value: '<$1>' },
        { name: 'fixed', value: 'x' },
      ],
    },
    { expect: '^b=(.*)$', labels: [{ name: 'b', value: '$1' }] },
  ];
  const { outcome } = await probe({ greeting: 'a=1\nb=2\n' }, { settings: { query_response } });
  assert.ok(shown(outcome.facts).includes('probe_expect_info{a=<1>,fixed=x,b=2} 1'), shown(outcome.facts).join());
});

test('tcp: a peer that says other things gives reason expect_mismatch, by expression and by bytes', async () => {
  const byRegex = await probe(
    { onConnection: (socket) => socket.end('one\ntwo') },
    { settings: { query_response: [{ expect: 'three' }] } },
  );
  assert.deepEqual(reasonsOf(byRegex.outcome), ['check expect_mismatch']);
  assert.ok(shown(byRegex.outcome.facts).includes('probe_failed_due_to_regex{} 1'));
  const byBytes = await probe({ greeting: 'abc' }, { settings: { query_response: [{ expect_bytes: 'abd' }] } });
  assert.deepEqual(reasonsOf(byBytes.outcome), ['check expect_mismatch']);
  assert.ok(shown(byBytes.outcome.facts).includes('probe_failed_due_to_bytes{} 1'));
});

test('tcp: expected bytes may come in pieces, and after a line in the same packet', async () => {
  const query_response = [{ expect: '^hello$' }, { expect_bytes: 'abcdef' }];
  const { outcome } = await probe(
    {
      greeting: 'hello\nab',
      onConnection: (socket) => setImmediate(() => socket.write('cd', () => setImmediate(() => socket.write('ef')))),
    },
    { settings: { query_response } },
  );
  assert.deepEqual(reasonsOf(outcome), []);
});

test('tcp: a peer that closes too early gives reason connection_closed', async () => {
  const silent = await probe(
    { onConnection: (socket) => socket.end() },
    { settings: { query_response: [{ expect: 'x' }] } },
  );
  assert.deepEqual(reasonsOf(silent.outcome), ['transfer connection_closed']);
  assert.ok(shown(silent.outcome.facts).includes('probe_failed_due_to_regex{} 1'));
  const short = await probe(
    { onConnection: (socket) => socket.end('ab') },
    { settings: { query_response: [{ expect_bytes: 'abc' }] } },
  );
  assert.deepEqual(reasonsOf(short.outcome), ['transfer connection_closed']);
  assert.ok(shown(short.outcome.facts).includes('probe_failed_due_to_bytes{} 0'));
});

test('tcp: a peer that resets in the dialogue gives reason connection_reset', async () => {
  const { outcome } = await probe(
    answering((_, socket) => socket.resetAndDestroy()),
    { settings: { query_response: [{ send: 'hello' }, { expect: 'x' }] } },
  );
  assert.deepEqual(reasonsOf(outcome), ['transfer connection_reset']);
});

test('tcp: a peer that is silent in the dialogue gives reason timeout, and no socket is left', async () => {
  const { outcome } = await probe({}, { settings: { query_response: [{ expect: 'x' }] }, timeoutMs: 100 });
  assert.deepEqual(reasonsOf(outcome), ['transfer timeout']);
});

test('tcp: a line without end gives reason protocol_error', async () => {
  const { outcome } = await probe(
    { greeting: 'x'.repeat(200_000) },
    { settings: { query_response: [{ expect: 'y' }] } },
  );
  assert.deepEqual(reasonsOf(outcome), ['transfer protocol_error']);
});

test('tcp: a peer that floods is heard up to a limit', async () => {
  const flood = Buffer.from(`${'x'.repeat(999)}\n`.repeat(1_000));
  const pour = (socket: Socket) => {
    while (socket.writable && socket.write(flood));
  };
  const { outcome } = await probe(
    { onConnection: (socket) => void pour(socket.on('drain', () => pour(socket))) },
    { settings: { query_response: [{ expect: 'never' }] }, timeoutMs: 60_000 },
  );
  assert.deepEqual(reasonsOf(outcome), ['check expect_mismatch']);
});

test('tcp: starttls secures the connection in the middle of the dialogue', async () => {
  const { root, leaf, intermediate } = await chain();
  const secureContext = tls.createSecureContext({ cert: leaf.cert + intermediate.cert, key: leaf.key });
  const heard: string[] = [];
  const server = answering((line, socket) => {
    heard.push(line);
    if (line !== 'STARTTLS') return;
    socket.removeAllListeners('data');
    socket.write('220-one moment\r\n220-still\r\n220 go ahead\r\n');
    const secured = new tls.TLSSocket(socket, { isServer: true, secureContext });
    secured.on('error', () => {});
    secured.on('data', (data) => {
      heard.push(`secured ${data}`);
      secured.write('250 hello again\n');
    });
  });
  const query_response = [
    { expect: '^220', send: 'EHLO prober' },
    { expect: '^250[- ]STARTTLS', send: 'STARTTLS' },
    { expect: '^220', starttls: true },
    { send: 'EHLO prober' },
    { expect: '^250 (.*)$', labels: [{ name: 'greeting', value: '$1' }] },
  ];
  const { outcome } = await probe(
    {
      greeting: '220 mail\r\n',
      ...server,
      onConnection: (socket) => void once(socket, 'data').then(() => socket.write('250-STARTTLS\r\n')),
    },
    { settings: { query_response, tls_config: { ca: root.cert, server_name: 'localhost' } } },
  );
  assert.deepEqual(reasonsOf(outcome), []);
  assert.deepEqual(heard, ['EHLO prober', 'STARTTLS', 'secured EHLO prober\n']);
  const lines = shown(outcome.facts);
  assert.ok(lines.includes('probe_expect_info{greeting=hello again} 1'));
  assert.ok(lines.includes('probe_tls_version_info{version=TLS 1.3} 1'));
});

test('tcp: a reply of several lines that does not end gives a reason, and no handshake begins', async () => {
  const { outcome } = await probe(
    { greeting: '220-go\r\n'.repeat(1_100) },
    { settings: { query_response: [{ expect: '^220', starttls: true }] } },
  );
  assert.deepEqual(reasonsOf(outcome), ['transfer protocol_error']);
});

test('tcp: bytes that are not UTF-8 are sent and expected as they stand', async () => {
  const bytes = Buffer.from('ff00c3a9fe', 'hex');
  const text = textOfRawBytes(bytes);
  const heard: Buffer[] = [];
  const { outcome } = await probe(
    {
      greeting: bytes,
      onData: (socket, data) => {
        heard.push(data);
        socket.write('done\n');
      },
    },
    { settings: { query_response: [{ expect_bytes: text, send: text }, { expect: '^done' }] } },
  );
  assert.deepEqual(reasonsOf(outcome), []);
  assert.deepEqual(Buffer.concat(heard), Buffer.concat([bytes, Buffer.from('\n')]));
});

test('tcp: what comes in clear before the handshake is not taken for what comes after', async () => {
  const { outcome } = await probe(
    { greeting: '220 go\r\n250 injected\r\n' },
    { settings: { query_response: [{ expect: '^220', starttls: true }, { expect: '^250' }] } },
  );
  assert.deepEqual(reasonsOf(outcome), ['tls protocol_error']);
});

test('tcp: a peer that is silent after starttls gives reason tls_timeout, and no socket is left', async () => {
  const { outcome } = await probe(
    { greeting: '220 go\r\n' },
    { settings: { query_response: [{ expect: '^220', starttls: true }] }, timeoutMs: 100 },
  );
  assert.deepEqual(reasonsOf(outcome), ['tls tls_timeout']);
});

test('tcp: targets are read with scheme and without, and tls:// means TLS', () => {
  assert.deepEqual(tcp.locate('tcp://db.example:5432'), { address: 'db.example:5432', host: 'db.example', port: 5432 });
  assert.deepEqual(tcp.locate('[::1]:22'), { address: '[::1]:22', host: '::1', port: 22 });
  assert.deepEqual(tcp.locate('tls://a.example:443')?.settings, { tls: true });
  for (const text of ['db.example', 'tcp://db.example', 'http://a.example:80', '::1', 'a:0', ''])
    assert.equal(tcp.locate(text), undefined, text);
});

test('tcp: settings that blackbox_exporter would choke on while probing are refused', () => {
  const refused = (settings: unknown) => !tcp.settings.safeParse(settings).success;
  const named = (...names: string[]) => ({ expect: 'x', labels: names.map((name) => ({ name, value: '' })) });
  assert.ok(refused({ query_response: [{ expect: 'x', expect_bytes: 'y' }] }));
  assert.ok(refused({ query_response: [{ expect: '(?=x)' }] }));
  assert.ok(refused({ query_response: [named('a', 'a')] }));
  assert.ok(refused({ query_response: [named('a'), named('a')] }));
  assert.ok(refused({ tls: true, query_response: [{ starttls: true }] }));
  assert.ok(refused({ query_response: [{ starttls: true }, { starttls: true }] }));
  for (const name of ['a-b', '__a', 'job', 'instance', 'name', 'vantage', 'vantage_x'])
    assert.ok(refused({ query_response: [named(name)] }), name);
  assert.ok(!refused({ query_response: [named('a'), named('b')], tls_config: { insecure_skip_verify: true } }));
});

test('tcp: parsing settings twice changes nothing', () => {
  const once = tcp.settings.parse({ query_response: [{ expect: 'x', send: 'y' }] });
  assert.deepEqual(tcp.settings.parse(once), once);
});

test('tcp: network_exporter has the connection by its addresses, and 0.0.0.0 as the source of none', async () => {
  await using server = await tcpServer();
  const names = ['network_exporter'] as const;
  const settings = tcp.settings.parse({ preferred_ip_protocol: 'ip4' });
  const said = async (port: number) => {
    await using context = testContext();
    const target = `localhost:${port}`;
    return pointsOf(tcp, await tcp.probe(target, settings, context), target, names);
  };
  const labels = (port: number, source: string) =>
    `{target="localhost",target_ip="127.0.0.1",source_ip="${source}",port="${port}"}`;
  const open = await said(server.port);
  assert.equal(open.get(`tcp_connection_status${labels(server.port, '127.0.0.1')}`), 1);
  assert.ok((open.get(`tcp_connection_seconds${labels(server.port, '127.0.0.1')}`) ?? 0) > 0);
  const closed = await unusedPort();
  const refused = await said(closed);
  assert.equal(refused.get(`tcp_connection_status${labels(closed, '0.0.0.0')}`), 0);
});

test('tcp: a line that is too long to be matched between other probes is matched in a thread, with its captures', async () => {
  const greeting = `${'ok or not '.repeat(6_000)}ok, ready 123\r\n`;
  const settings: Settings = {
    query_response: [
      { expect: 'ok.{0,50}ready (?P<n>[0-9]+)', send: 'got ${n}', labels: [{ name: 'n', value: '$1' }] },
    ],
  };
  const { outcome, received } = await probe({ greeting }, { settings, timeoutMs: 20_000 });
  assert.deepEqual(reasonsOf(outcome), []);
  assert.equal(received, 'got 123\n');
});

test('tcp: lines that are made to take long give reason timeout in the phase check, and other work goes on', async () => {
  const bits = () => Array.from({ length: 60_000 }, () => (Math.random() < 0.5 ? '0' : '1')).join('');
  const greeting = Array.from({ length: 40 }, () => `2${bits()}\n`).join('');
  const settings: Settings = { query_response: [{ expect: '1[01]{1000}2' }] };
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 10);
  const { outcome } = await probe({ greeting }, { settings, timeoutMs: 1_500 });
  clearInterval(timer);
  assert.deepEqual(reasonsOf(outcome), ['check timeout']);
  assert.match(outcome.failures[0]?.detail ?? '', /^matching 1\[01\]\{1000\}2 on 60001 bytes was not done within/);
  assert.ok(turns > 20, `${turns} turns`);
});
