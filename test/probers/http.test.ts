import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { z } from 'zod';
import { type KitOptions, kit as makeKit } from '../../src/net/kit.ts';
import { resolver } from '../../src/net/resolve.ts';
import { http } from '../../src/probers/http/http.ts';
import { awsServer } from '../servers/aws.ts';
import { chain, issue } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { a, dnsServer, zone } from '../servers/dns.ts';
import { answer, http2Server, httpServer, httpsServer, type Script } from '../servers/http.ts';
import { pointsOf } from '../servers/points.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';

type Given = z.input<typeof http.settings>;

const probe = async (url: string, given: Given = {}, options: { timeoutMs?: number } & KitOptions = {}) => {
  const { root } = await chain();
  await using context = testContext(options);
  const settings = http.settings.parse({
    preferred_ip_protocol: 'ip4',
    ...given,
    tls_config: { ca: root.cert, ...given.tls_config },
  });
  const outcome = await http.probe(url, settings, context);
  return {
    outcome,
    points: pointsOf(http, outcome, url, ['network_exporter']),
    reasons: outcome.failures.map(({ reason }) => reason),
    phases: outcome.failures.map(({ phase }) => phase),
    detail: outcome.failures[0]?.detail ?? '',
  };
};

/** A probe of a scripted server in clear text, after which no connection is left. */
const at = async (script: Script, given: Given = {}, options: { timeoutMs?: number } = {}) => {
  await using server = await httpServer(script);
  const probed = await probe(server.url, given, options);
  await server.allClosed();
  return { ...probed, requests: server.requests, port: server.port, url: server.url };
};

const says =
  (status: number, headers: Parameters<typeof answer>[1] = {}, body: string | Uint8Array = ''): Script =>
  () =>
    answer(status, headers, body);

test("http: a plain answer succeeds with blackbox_exporter's series", async () => {
  const { reasons, points, requests } = await at(
    says(200, { 'Last-Modified': 'Mon, 23 Nov 2026 09:00:00 GMT' }, 'hello'),
  );
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_status_code'), 200);
  assert.equal(points.get('probe_http_content_length'), 5);
  assert.equal(points.get('probe_http_uncompressed_body_length'), 5);
  assert.equal(points.get('probe_http_version'), 1.1);
  assert.equal(points.get('probe_http_ssl'), 0);
  assert.equal(points.get('probe_http_redirects'), 0);
  assert.equal(points.get('probe_failed_due_to_regex'), 0);
  assert.equal(points.get('probe_http_last_modified_timestamp_seconds'), Date.UTC(2026, 10, 23, 9) / 1_000);
  assert.equal(points.get('probe_http_duration_seconds{phase="tls"}'), 0);
  assert.ok((points.get('probe_http_duration_seconds{phase="processing"}') ?? 0) > 0);
  assert.match(requests[0]?.headers.get('user-agent') ?? '', /^Bothways \(\+https:/);
  assert.equal(requests[0]?.headers.get('connection'), 'close');
});

test('http: an answer over TLS has its certificate facts and the cipher', async () => {
  await using server = await httpsServer();
  const { reasons, points } = await probe(server.url);
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_ssl'), 1);
  assert.equal(points.get('probe_tls_version_info{version="TLS 1.3"}'), 1);
  assert.ok([...points.keys()].some((key) => key.startsWith('probe_tls_cipher_info')));
  assert.ok((points.get('probe_ssl_earliest_cert_expiry') ?? 0) > Date.now() / 1_000);
  assert.ok((points.get('probe_http_duration_seconds{phase="tls"}') ?? 0) > 0);
});

test('http: the alert of a server that wants a client certificate counts, though it comes behind the handshake', async () => {
  const { root } = await chain();
  await using server = await httpsServer(says(200), { requestCert: true, ca: root.cert, minVersion: 'TLSv1.3' });
  const { reasons, points } = await probe(server.url, { enable_http2: false });
  assert.deepEqual(reasons, ['tls_client_certificate_required']);
  assert.equal(points.get('probe_tls_version_info{version="TLS 1.3"}'), 1);
});

test('http: HTTP/2 is spoken where the server offers it, and not when it is switched off', async () => {
  await using server = await http2Server(
    (stream) => {
      stream.respond({ ':status': 200, 'x-many': ['a', 'b'] });
      stream.end('hello');
    },
    { allowHTTP1: true },
  );
  const two = await probe(server.url, { fail_if_header_not_matches: [{ header: 'X-Many', regexp: '^b$' }] });
  assert.deepEqual(two.reasons, []);
  assert.equal(two.points.get('probe_http_version'), 2);
  assert.equal(two.points.get('probe_http_uncompressed_body_length'), 5);
  const one = await probe(server.url, { enable_http2: false }, { timeoutMs: 300 });
  assert.notEqual(one.points.get('probe_http_version'), 2);
});

test('http: a certificate that is not trusted gives its reason and its facts, and no byte of the request leaves', async () => {
  const { intermediate } = await chain();
  const { cert, key } = await issue({ names: ['localhost'], issuer: intermediate, notBefore: -10, notAfter: -2 });
  await using server = await httpsServer(says(200), { cert: cert + intermediate.cert, key });
  const { reasons, points } = await probe(server.url, { basic_auth: { username: 'ann', password: 'canary' } });
  await server.allClosed();
  assert.deepEqual(reasons, ['tls_expired']);
  assert.equal(server.received().length, 0);
  assert.ok((points.get('probe_ssl_earliest_cert_expiry') ?? Number.POSITIVE_INFINITY) < Date.now() / 1_000);
  assert.equal(points.get('probe_http_ssl'), 0);
  assert.ok((points.get('probe_http_duration_seconds{phase="connect"}') ?? 0) > 0);
  assert.ok((points.get('probe_http_duration_seconds{phase="tls"}') ?? 0) > 0);
});

test('http: a status that is not accepted gives reason http_status', async () => {
  for (const [status, valid, good] of [
    [200, [], true],
    [299, [], true],
    [300, [], false],
    [404, [], false],
    [404, [404], true],
    [200, [404], false],
  ] as const) {
    const { reasons } = await at(says(status), { valid_status_codes: [...valid] });
    assert.deepEqual(reasons, good ? [] : ['http_status'], `${status} of ${valid}`);
  }
});

test('http: a version that is not accepted gives reason http_version', async () => {
  assert.deepEqual((await at(says(200), { valid_http_versions: ['HTTP/2.0'] })).reasons, ['http_version']);
  const old: Script = (_request, socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nhi');
  const { reasons, points } = await at(old, { valid_http_versions: ['HTTP/1.0'] });
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_version'), 1);
  assert.equal(points.get('probe_http_content_length'), -1);
  assert.equal(points.get('probe_http_uncompressed_body_length'), 2);
});

test('http: TLS where it is forbidden gives reason ssl_unexpected, and none where it is demanded reason ssl_missing', async () => {
  await using server = await httpsServer();
  assert.deepEqual((await probe(server.url, { fail_if_ssl: true })).reasons, ['ssl_unexpected']);
  assert.deepEqual((await at(says(200), { fail_if_not_ssl: true })).reasons, ['ssl_missing']);
});

test('http: a body that breaks a rule gives reason body_mismatch', async () => {
  const page = says(200, {}, 'Could not connect to database\nthird line');
  const cases: readonly [Given, boolean][] = [
    [{ fail_if_body_matches_regexp: ['Could not connect'] }, false],
    [{ fail_if_body_matches_regexp: ['fine'] }, true],
    [{ fail_if_body_matches_regexp: ['(?s)database.third'] }, false],
    [{ fail_if_body_not_matches_regexp: ['database', 'third'] }, true],
    [{ fail_if_body_not_matches_regexp: ['database', 'fourth'] }, false],
  ];
  for (const [given, good] of cases) {
    const { reasons, points } = await at(page, given);
    assert.deepEqual(reasons, good ? [] : ['body_mismatch'], JSON.stringify(given));
    assert.equal(points.get('probe_failed_due_to_regex'), good ? 0 : 1);
  }
});

test('http: a header that breaks a rule gives reason header_mismatch', async () => {
  const page = says(200, { 'X-Type': 'text/javascript', 'Set-Cookie': ['a=1', 'b=2; secure'] });
  const cases: readonly [Given, boolean][] = [
    [{ fail_if_header_matches: [{ header: 'x-type', regexp: 'javascript' }] }, false],
    [{ fail_if_header_matches: [{ header: 'X-Type', regexp: 'html' }] }, true],
    [{ fail_if_header_matches: [{ header: 'X-Missing', regexp: 'a' }] }, false],
    [{ fail_if_header_matches: [{ header: 'X-Missing', regexp: 'a', allow_missing: true }] }, true],
    [{ fail_if_header_not_matches: [{ header: 'Set-Cookie', regexp: 'secure' }] }, true],
    [{ fail_if_header_not_matches: [{ header: 'Set-Cookie', regexp: 'httponly' }] }, false],
    [{ fail_if_header_not_matches: [{ header: 'X-Missing', regexp: 'a' }] }, false],
  ];
  for (const [given, good] of cases)
    assert.deepEqual((await at(page, given)).reasons, good ? [] : ['header_mismatch'], JSON.stringify(given));
});

test('http: compressed bodies are decompressed because the module says so, and matched and measured as such', async () => {
  const text = 'hello '.repeat(100);
  const packed = {
    gzip: gzipSync(text),
    br: brotliCompressSync(text),
    deflate: deflateSync(text),
    zstd: zstdCompressSync(text),
  };
  for (const [encoding, bytes] of [...Object.entries(packed), ['deflate', deflateRawSync(text)]] as const) {
    const given = http.settings.parse({ compression: encoding, fail_if_body_not_matches_regexp: ['hello hello'] });
    const { reasons, points } = await at(says(200, { 'Content-Encoding': encoding }, bytes), {
      compression: given.compression,
      fail_if_body_not_matches_regexp: ['hello hello'],
    });
    assert.deepEqual(reasons, [], encoding);
    assert.equal(points.get('probe_http_uncompressed_body_length'), text.length);
    assert.equal(points.get('probe_http_body_wire_bytes'), bytes.length);
  }
  assert.equal(
    (await at(says(200, { 'Content-Encoding': 'gzip' }, packed.gzip))).points.get(
      'probe_http_uncompressed_body_length',
    ),
    packed.gzip.length,
  );
});

test('http: a body of another encoding gives reason body_encoding', async () => {
  for (const body of ['plain text', gzipSync('cut short').subarray(0, 15), ''])
    assert.deepEqual((await at(says(200, {}, body), { compression: 'gzip' })).reasons, ['body_encoding']);
});

test('http: a body over the limit gives reason body_too_large, also when it only unpacks to that', async () => {
  assert.deepEqual((await at(says(200, {}, 'x'.repeat(100)), { body_size_limit: '100B' })).reasons, []);
  const over = await at(says(200, {}, 'x'.repeat(101)), { body_size_limit: '100B' });
  assert.deepEqual(over.reasons, ['body_too_large']);
  assert.equal(over.points.get('probe_http_uncompressed_body_length'), 100);
  const bomb = await at(says(200, {}, gzipSync(Buffer.alloc(20_000_000))), {
    compression: 'gzip',
    body_size_limit: '1MB',
  });
  assert.deepEqual(bomb.reasons, ['body_too_large']);
  assert.equal(bomb.points.get('probe_http_uncompressed_body_length'), 1_048_576);
});

test('http: a body of a gigabyte is cut at what matchers may see, in bounded memory', async () => {
  const piece = Buffer.alloc(1_000_000, 'x');
  const endless: Script = (_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n`);
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
      socket.once('drain', more);
    };
    more();
    return undefined;
  };
  const before = process.memoryUsage().rss;
  const { reasons } = await at(endless, { fail_if_body_matches_regexp: ['y'] }, { timeoutMs: 20_000 });
  assert.deepEqual(reasons, ['body_too_large']);
  assert.ok(process.memoryUsage().rss - before < 300_000_000);
});

test('http: redirects are followed hop by hop, with methods and bodies as RFC 9110 says', async () => {
  const script: Script = ({ path }) => {
    const [, status, next] = /^\/(\d+)(.*)$/.exec(path) ?? [];
    return status === undefined
      ? answer(200, {}, 'end')
      : answer(Number(status), { Location: next === '' ? '/end' : String(next) });
  };
  for (const [status, method, expected, body] of [
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', 'data'],
    [308, 'POST', 'POST', 'data'],
    [302, 'HEAD', 'HEAD', ''],
  ] as const) {
    await using server = await httpServer(script);
    const { reasons, points } = await probe(`${server.url}/${status}`, {
      method,
      ...(method === 'HEAD' ? {} : { body: 'data' }),
    });
    assert.deepEqual(reasons, [], `${status} ${method}`);
    assert.equal(points.get('probe_http_redirects'), 1);
    assert.deepEqual(
      server.requests.map((request) => request.method),
      [method, expected],
    );
    assert.equal(server.requests[1]?.body, body);
  }
});

test('http: a redirect that is not followed is the answer, and counts as one', async () => {
  const { reasons, points, requests } = await at(says(302, { Location: '/there' }, 'moved'), {
    follow_redirects: false,
    valid_status_codes: [302],
    fail_if_body_not_matches_regexp: ['moved'],
  });
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_redirects'), 1);
  assert.equal(requests.length, 1);
});

test('http: a redirect loop gives reason too_many_redirects after ten', async () => {
  const { reasons, points, requests } = await at(says(302, { Location: '/again' }));
  assert.deepEqual(reasons, ['too_many_redirects']);
  assert.equal(points.get('probe_http_redirects'), 11);
  assert.equal(points.get('probe_http_status_code'), 302);
  assert.equal(requests.length, 11);
});

test('http: a redirect to nowhere gives reason redirect_invalid', async () => {
  for (const Location of ['http://[nonsense', 'ftp://example.org/', 'javascript:alert(1)'])
    assert.deepEqual((await at(says(302, { Location }))).reasons, ['redirect_invalid'], Location);
});

test('http: a redirect to a metadata address gives reason blocked_address', async () => {
  assert.deepEqual((await at(says(302, { Location: 'http://169.254.169.254/latest/meta-data' }))).reasons, [
    'blocked_address',
  ]);
});

test('http: credentials stay with the first host, and cookies go where they belong', async () => {
  const seen = new Map<string, Map<string, string>>();
  const script: Script = (request) => {
    const host = request.headers.get('host') ?? '';
    seen.set(`${host.split(':')[0]}${request.path}`, new Map(request.headers));
    const port = host.split(':')[1];
    if (request.path === '/')
      return answer(302, {
        Location: `http://a.test:${port}/same`,
        'Set-Cookie': ['first=1', 'deep=1; Path=/elsewhere'],
      });
    if (request.path === '/same') return answer(302, { Location: `http://b.test:${port}/other` });
    return answer(200);
  };
  await using server = await httpServer(script);
  await using names = await dnsServer({ reply: zone({ 'a.test': [a('127.0.0.1')], 'b.test': [a('127.0.0.1')] }) });
  const given = {
    headers: { 'X-Tag': 'kept', Cookie: 'own=1', 'X-Probe': { secret: 'env:WAF' } },
    basic_auth: { username: 'ann', password: 'secret' },
  };
  const { reasons } = await probe(`http://a.test:${server.port}/`, given, {
    environment: { WAF: 'for-us' },
    resolver: resolver({ servers: [`127.0.0.1:${names.port}`], search: [], hostsFile: '/nonexistent' }),
  });
  assert.deepEqual(reasons, []);
  assert.equal(seen.get('a.test/same')?.get('x-probe'), 'for-us');
  assert.equal(seen.get('b.test/other')?.has('x-probe'), false);
  const basic = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  assert.equal(seen.get('a.test/')?.get('authorization'), basic);
  assert.equal(seen.get('a.test/same')?.get('authorization'), basic);
  assert.equal(seen.get('a.test/same')?.get('cookie'), 'own=1; first=1');
  assert.equal(seen.get('b.test/other')?.has('authorization'), false);
  assert.equal(seen.get('b.test/other')?.has('cookie'), false);
  assert.equal(seen.get('b.test/other')?.get('x-tag'), 'kept');
});

test('http: a Host header replaces the name asked for, also in SNI and verification', async () => {
  const { intermediate } = await chain();
  const other = await issue({ names: ['shop.example'], issuer: intermediate });
  await using server = await httpsServer(says(200), { cert: other.cert + intermediate.cert, key: other.key });
  const { reasons } = await probe(server.url, { headers: { Host: 'shop.example' } });
  assert.deepEqual(reasons, []);
  assert.equal(server.requests[0]?.headers.get('host'), 'shop.example');
  assert.deepEqual((await probe(server.url)).reasons, ['tls_name_mismatch']);
});

test('http: tokens and more headers are sent, secrets read where they are kept', async () => {
  await using server = await httpServer();
  const given: Given = {
    authorization: { credentials: { secret: 'env:TOKEN' } },
    http_headers: { 'X-More': { values: ['a'], secrets: [{ secret: 'env:MORE' }] } },
  };
  assert.deepEqual((await probe(server.url, given, { environment: { TOKEN: 't0', MORE: 'b' } })).reasons, []);
  assert.equal(server.requests[0]?.headers.get('authorization'), 'Bearer t0');
  const missing = await probe(server.url, given, { environment: {} });
  assert.deepEqual(missing.reasons, ['secret_unavailable']);
  assert.deepEqual((await probe(server.url, { bearer_token_file: '/nonexistent/token' })).reasons, ['file_unreadable']);
});

test('http: secrets are read before the first run; a 401 makes them be asked for anew, for the next one', async () => {
  await using aws = await awsServer();
  aws.parameters.set('/waf', 'old');
  let good = 'old';
  await using server = await httpServer(({ headers }) => answer(headers.get('x-probe') === good ? 200 : 401));
  await using kit = makeKit({ environment: aws.environment });
  const settings = http.settings.parse({
    preferred_ip_protocol: 'ip4',
    http_headers: { 'X-Probe': { secrets: [{ secret: 'ssm:/waf' }] } },
  });
  const once = async () => {
    await using context = testContext({ kit });
    return (await http.probe(server.url, settings, context)).failures.map(({ reason }) => reason);
  };
  await http.warmUp?.(settings, kit);
  assert.equal(aws.calls.length, 1);
  assert.deepEqual(await once(), []);
  assert.equal(aws.calls.length, 1);
  good = 'new';
  aws.parameters.set('/waf', 'new');
  assert.deepEqual(await once(), ['http_status']);
  while (aws.calls.length < 2) await wait(2);
  while ((await kit.secret({ secret: 'ssm:/waf' })) === 'old') await wait(2);
  assert.deepEqual(await once(), []);
  assert.equal(aws.calls.length, 2);
});

test('http: silence at each stage ends at the time limit with the phase it stood in, and no socket left', async () => {
  const stages: readonly [Script, string, string][] = [
    [() => undefined, 'timeout', 'processing'],
    [() => 'HTTP/1.1 200 OK\r\nContent-Le', 'timeout', 'transfer'],
    [() => 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', 'timeout', 'transfer'],
  ];
  for (const [script, reason, phase] of stages) {
    const { reasons, phases } = await at(script, {}, { timeoutMs: 120 });
    assert.equal(reasons[0], reason);
    assert.equal(phases[0], phase);
  }
});

test('http: a server that trickles its answer ends at the time limit', async () => {
  const trickle: Script = (_request, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 5);
    socket.once('close', () => clearInterval(timer));
    return undefined;
  };
  const { reasons, phases } = await at(trickle, {}, { timeoutMs: 150 });
  assert.deepEqual([reasons[0], phases[0]], ['timeout', 'transfer']);
});

test('http: a reset gives reason connection_reset, an early end reason connection_closed', async () => {
  const reset: Script = (_request, socket) => void socket.resetAndDestroy();
  const close: Script = (_request, socket) => void socket.end();
  const short: Script = (_request, socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort');
  assert.equal((await at(reset)).reasons[0], 'connection_reset');
  assert.equal((await at(close)).reasons[0], 'connection_closed');
  assert.equal((await at(short)).reasons[0], 'connection_closed');
});

test('http: rubbish gives reason protocol_error', async () => {
  const rubbish = [
    'SSH-2.0-OpenSSH\r\n',
    '\0\x01\x02\x03\r\n\r\n',
    'HTTP/1.1 abc\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  ];
  for (const text of rubbish) assert.equal((await at(() => text)).reasons[0], 'protocol_error', JSON.stringify(text));
});

test('http: a head over 256 KiB gives reason headers_too_large, and ten thousand headers within it are read', async () => {
  const lines = (count: number, text: string) =>
    Array.from({ length: count }, (_, index) => `X-${index}: ${text}\r\n`).join('');
  assert.equal(
    (await at(() => `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`)).reasons[0],
    'headers_too_large',
  );
  assert.deepEqual((await at(() => `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${lines(10_000, 'a')}\r\n`)).reasons, []);
});

test('http: hints before the answer are not taken for it', async () => {
  const { reasons, points } = await at(
    () => `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
  );
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_status_code'), 200);
});

test('http: chunked bodies have no length of their own', async () => {
  const { points } = await at(() => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
  assert.equal(points.get('probe_http_content_length'), -1);
  assert.equal(points.get('probe_http_uncompressed_body_length'), 5);
});

test('http: HTTP/2 streams that are refused, stalled or cut have their reasons', async () => {
  const cases: readonly [(stream: import('node:http2').ServerHttp2Stream) => void, string, string][] = [
    [(stream) => stream.close(7), 'protocol_error', 'processing'],
    [() => {}, 'timeout', 'processing'],
    [(stream) => void stream.respond({ ':status': 200 }), 'timeout', 'transfer'],
    [(stream) => stream.session?.destroy(), 'connection_closed', 'processing'],
  ];
  for (const [script, reason, phase] of cases) {
    await using server = await http2Server(script);
    const { reasons, phases } = await probe(server.url, {}, { timeoutMs: 200 });
    assert.deepEqual([reasons[0], phases[0]], [reason, phase]);
    await server.allClosed();
  }
});

test('http: a closed port gives reason connect_refused, and a lookup that fails has only the resolve phase', async () => {
  const refused = await probe(`http://127.0.0.1:${await unusedPort()}`);
  assert.deepEqual(refused.reasons, ['connect_refused']);
  assert.equal(refused.points.get('probe_http_duration_seconds{phase="transfer"}'), 0);
  await using names = await dnsServer({ reply: zone({}) });
  const missing = await probe(
    'http://missing.test',
    {},
    { resolver: resolver({ servers: [`127.0.0.1:${names.port}`], search: [], hostsFile: '/nonexistent' }) },
  );
  assert.deepEqual(missing.reasons, ['dns_no_such_name']);
  assert.equal(missing.points.get('probe_ip_protocol'), 0);
  assert.equal(missing.points.get('probe_ip_addr_hash'), 0);
  assert.deepEqual(
    [...missing.points.keys()].filter((key) => key.startsWith('probe_http_duration')),
    ['probe_http_duration_seconds{phase="resolve"}'],
  );
});

test('http: a server that resets on accept gives a reason of the connection', async () => {
  await using server = await tcpServer({ reset: 'accept' });
  const { reasons } = await probe(`http://127.0.0.1:${server.port}`);
  assert.ok(['connection_reset', 'connect_reset'].includes(reasons[0] ?? ''));
});

test('http: targets are URLs, or hosts with http in front, whatever the case of the scheme', () => {
  assert.deepEqual(http.locate('https://shop.test/x'), {
    address: 'https://shop.test/x',
    host: 'shop.test',
    port: 443,
  });
  assert.deepEqual(http.locate('HtTp://shop.test:81'), { address: 'HtTp://shop.test:81', host: 'shop.test', port: 81 });
  assert.deepEqual(http.locate('shop.test/x'), { address: 'http://shop.test/x', host: 'shop.test', port: 80 });
  assert.equal(http.locate('https://[2001:db8::1]/')?.host, '2001:db8::1');
  for (const bad of ['ftp://shop.test', 'http://', 'http://[', 'a b']) assert.equal(http.locate(bad), undefined, bad);
});

test('http: headers that a list asks for go out as blackbox_exporter sends them', async () => {
  const headers = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Content-Length': '99',
    'Transfer-Encoding': 'chunked',
    'X-Text': 'grün',
  };
  const upgrade: Script = () => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n';
  const { reasons, points, requests } = await at(upgrade, { headers, valid_status_codes: [101] });
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_status_code'), 101);
  const sent = requests[0]?.headers;
  assert.deepEqual([sent?.get('upgrade'), sent?.get('connection')], ['websocket', 'Upgrade']);
  assert.deepEqual([sent?.has('content-length'), sent?.has('transfer-encoding')], [false, false]);
  assert.equal(Buffer.from(sent?.get('x-text') ?? '', 'latin1').toString('utf8'), 'grün');
});

test('http: Expect holds the body back until the server wants it', async () => {
  const bodies: number[] = [];
  await using server = await tcpServer({
    onData: (socket, data) => {
      bodies.push(data.toString().split('\r\n\r\n')[1]?.length ?? 0);
      socket.write(bodies.length === 1 ? 'HTTP/1.1 100 Continue\r\n\r\n' : answer(200));
    },
  });
  const given = { method: 'POST', body: 'hello', headers: { Expect: '100-continue' } };
  assert.deepEqual((await probe(`http://127.0.0.1:${server.port}`, given)).reasons, []);
  assert.equal(bodies[0], 0);
});

test('http: values of UTF-8 are matched as such, and a Location of UTF-8 is followed', async () => {
  const script: Script = ({ path }) =>
    path === '/'
      ? Buffer.from('HTTP/1.1 302 Found\r\nLocation: /grün\r\nContent-Length: 0\r\n\r\n')
      : Buffer.from('HTTP/1.1 200 OK\r\nX: grün\r\nContent-Length: 0\r\n\r\n');
  const { reasons, requests } = await at(script, { fail_if_header_not_matches: [{ header: 'X', regexp: '^grün$' }] });
  assert.deepEqual(reasons, []);
  assert.equal(requests[1]?.path, '/gr%C3%BCn');
});

test('http: a zone in a URL is dialled with, and not sent', async (t) => {
  const server = createServer((socket) => {
    socket.once('data', (data) => {
      heard = data.toString();
      socket.end(answer(200));
    });
  });
  let heard = '';
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
  });
  if (!isListening) return t.skip('there is no IPv6 on loopback');
  // safe: a listening TCP server has an address of this type
  const { port } = server.address() as AddressInfo;
  const { reasons, outcome } = await probe(`http://[::1%25lo]:${port}/`);
  server.close();
  assert.deepEqual(reasons, []);
  assert.equal(outcome.facts.address?.ip, '::1%lo');
  assert.match(heard, new RegExp(`\\r\\nHost: \\[::1\\]:${port}\\r\\n`));
  assert.deepEqual(http.locate('http://[fe80::1%25eth0]:81/x'), {
    address: 'http://[fe80::1%25eth0]:81/x',
    host: 'fe80::1%eth0',
    port: 81,
  });
});

test('http: an empty Location is none, and a Last-Modified that is no HTTP date is left out', async () => {
  const { reasons, points } = await at(says(302, { Location: '', 'Last-Modified': '2026-11-23' }), {
    valid_status_codes: [302],
  });
  assert.deepEqual(reasons, []);
  assert.equal(points.get('probe_http_redirects'), 0);
  assert.equal(points.has('probe_http_last_modified_timestamp_seconds'), false);
});

test('http: what cannot work is refused at load', () => {
  const bad = (given: object) => http.settings.safeParse(given).error?.issues[0]?.message ?? '';
  assert.match(bad({ compression: 'gzip', headers: { 'Accept-Encoding': 'br' } }), /does not ask for gzip/);
  assert.equal(bad({ compression: 'gzip', headers: { 'accept-encoding': 'br, *;q=0.5' } }), '');
  assert.match(bad({ basic_auth: { username: 'a' }, bearer_token: 'b' }), /at most one/);
  assert.match(bad({ authorization: { type: 'BASIC' } }), /basic_auth/);
  assert.match(bad({ body: 'a', body_file: 'b' }), /at most one/);
  assert.match(bad({ http_headers: { Host: { values: ['a'] } } }), /own key/);
  assert.match(bad({ proxy_url: 'http://p' }), /not supported yet/);
  assert.match(bad({ oauth2: { client_id: 'x' } }), /not supported yet/);
  assert.match(bad({ fail_if_header_matches: [{ header: 'a', regexp: '' }] }), /./);
  assert.match(bad({ body_size_limit: '5' }), /for example 10MB/);
  assert.match(bad({ headers: { 'a b': 'c' } }), /not the name/);
  assert.match(bad({ method: 'G ET' }), /not a method/);
});

test('http: network_exporter has the status, the length and the times under its own names', async () => {
  const good = await at(says(404, {}, 'hello'));
  const target = `{target="${good.url}"`;
  assert.deepEqual(good.reasons, ['http_status']);
  assert.equal(good.points.get(`http_get_status${target}}`), 404);
  assert.equal(good.points.get(`http_get_content_bytes${target}}`), 5);
  assert.equal(good.points.get(`http_get_seconds${target},type="TLSHandshake"}`), 0);
  assert.ok((good.points.get(`http_get_seconds${target},type="ServerProcessing"}`) ?? 0) > 0);
  const { url, points } = await unanswered();
  assert.equal(points.get(`http_get_status{target="${url}"}`), 0);
  assert.equal(points.get(`http_get_seconds{target="${url}",type="ServerProcessing"}`), 0);
  assert.ok((points.get(`http_get_seconds{target="${url}",type="Total"}`) ?? 0) > 0);
});

const unanswered = async () => {
  const url = `http://127.0.0.1:${await unusedPort()}/`;
  return { url, ...(await probe(url)) };
};

test('http: network_exporter has when the certificates expire, and only with an answer', async () => {
  await using server = await httpsServer(says(200));
  const { points } = await probe(server.url);
  const expiry = (type: string) => points.get(`http_get_seconds{target="${server.url}",type="${type}"}`) ?? 0;
  assert.ok(expiry('TLSEarliestCertExpiry') > Date.now() / 1_000);
  assert.equal(expiry('TLSLastChainExpiry'), expiry('TLSEarliestCertExpiry'));
  const none = await unanswered();
  assert.ok(![...none.points.keys()].some((name) => name.includes('Expiry')));
});
