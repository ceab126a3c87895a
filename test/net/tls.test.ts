import assert from 'node:assert/strict';
import { test } from 'node:test';
import type tls from 'node:tls';
import type { Reason } from '../../src/kernel/reason.ts';
import { tlsSettings } from '../../src/net/settings.ts';
import { connectTls, type Secured } from '../../src/net/tls.ts';
import { chain, issue } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';
import { type TlsOptions, tlsServer } from '../servers/tls.ts';

type Plan = { server?: TlsOptions; settings?: object; servername?: string; timeoutMs?: number };

/** One handshake with a server that behaves as told; settings trust the test root unless they say otherwise. */
const shake = async ({ server: options = {}, settings = {}, servername = 'localhost', timeoutMs = 5_000 }: Plan) => {
  const { root } = await chain();
  await using server = await tlsServer(options);
  await using context = testContext({ timeoutMs });
  const secured = await connectTls(
    { ip: '127.0.0.1', port: server.port },
    { servername, settings: tlsSettings.parse({ ca: root.cert, ...settings }) },
    context,
  );
  if (secured.ok) secured.socket.destroy();
  await server.allClosed();
  return { secured, received: server.received() };
};

const reasonsOf = (secured: Secured): Reason[] => (secured.ok ? [] : secured.failures.map(({ reason }) => reason));

const identity = async (wanted: Parameters<typeof issue>[0]): Promise<tls.TlsOptions> => {
  const { intermediate } = await chain();
  const { cert, key } = await issue({ names: ['localhost'], issuer: intermediate, ...wanted });
  return { cert: cert + intermediate.cert, key };
};

test('tls: a sound chain is accepted, with its facts', async () => {
  const { secured } = await shake({});
  assert.ok(secured.ok);
  assert.equal(secured.facts.version, 'TLS 1.3');
  assert.deepEqual(
    secured.facts.chain.map(({ subject }) => subject),
    ['CN=localhost', 'CN=Test Intermediate'],
  );
  assert.deepEqual(secured.facts.chain[0]?.names, ['localhost']);
  assert.match(secured.facts.chain[0]?.fingerprint ?? '', /^[0-9a-f]{64}$/);
  assert.equal(secured.facts.lastChainExpiry, secured.facts.earliestExpiry);
  assert.ok(secured.connectedAt !== undefined && secured.connectedAt < secured.securedAt);
});

test('tls: an expired certificate gives reason tls_expired, with its facts', async () => {
  const { secured, received } = await shake({ server: await identity({ notBefore: -10, notAfter: -2 }) });
  assert.deepEqual(reasonsOf(secured), ['tls_expired']);
  assert.ok((secured.facts?.earliestExpiry ?? 0) < Date.now() / 1_000);
  assert.equal(secured.facts?.lastChainExpiry, undefined);
  assert.equal(received.length, 0);
});

test('tls: a certificate of the future gives reason tls_not_yet_valid', async () => {
  const { secured } = await shake({ server: await identity({ notBefore: 2, notAfter: 10 }) });
  assert.deepEqual(reasonsOf(secured), ['tls_not_yet_valid']);
});

test('tls: a certificate that signed itself gives reason tls_self_signed', async () => {
  const { cert, key } = await issue({ subject: 'CN=localhost', names: ['localhost'] });
  const { secured } = await shake({ server: { cert, key } });
  assert.deepEqual(reasonsOf(secured), ['tls_self_signed']);
});

test('tls: a root that is not trusted gives reason tls_unknown_issuer', async () => {
  const root = await issue({ subject: 'CN=Other Root', ca: true });
  const intermediate = await issue({ subject: 'CN=Other Intermediate', ca: true, issuer: root });
  const leaf = await issue({ names: ['localhost'], issuer: intermediate });
  const { secured } = await shake({ server: { cert: leaf.cert + intermediate.cert, key: leaf.key } });
  assert.deepEqual(reasonsOf(secured), ['tls_unknown_issuer']);
});

test('tls: a missing intermediate gives reason tls_incomplete_chain', async () => {
  const { leaf } = await chain();
  const { secured } = await shake({ server: { cert: leaf.cert, key: leaf.key } });
  assert.deepEqual(reasonsOf(secured), ['tls_incomplete_chain']);
});

test('tls: another name gives reason tls_name_mismatch, and the detail says both', async () => {
  const { secured } = await shake({ servername: 'shop.example' });
  assert.deepEqual(reasonsOf(secured), ['tls_name_mismatch']);
  assert.match(secured.ok ? '' : (secured.failures[0]?.detail ?? ''), /DNS:localhost.*not for shop\.example/);
});

test('tls: the common name is no name', async () => {
  const { secured } = await shake({ server: await identity({ subject: 'CN=localhost', names: ['other.example'] }) });
  assert.deepEqual(reasonsOf(secured), ['tls_name_mismatch']);
});

test('tls: an address is verified as an address', async () => {
  assert.deepEqual(reasonsOf((await shake({ servername: '127.0.0.1' })).secured), []);
  assert.deepEqual(reasonsOf((await shake({ servername: '127.0.0.2' })).secured), ['tls_name_mismatch']);
});

test('tls: a certificate that is expired and misnamed gives both reasons', async () => {
  const { secured } = await shake({
    server: await identity({ notBefore: -10, notAfter: -2, names: ['other.example'] }),
  });
  assert.deepEqual(reasonsOf(secured), ['tls_expired', 'tls_name_mismatch']);
});

test('tls: an RSA key of 1,024 bits gives reason tls_weak_key', async () => {
  const weak = await identity({ algorithm: 'rsa-1024' });
  const { secured } = await shake({ server: { ...weak, ciphers: 'DEFAULT@SECLEVEL=0' } });
  assert.deepEqual(reasonsOf(secured), ['tls_weak_key']);
});

test('tls: an intermediate that is no authority gives reason tls_invalid_certificate', async () => {
  const { root } = await chain();
  const impostor = await issue({ subject: 'CN=Impostor', ca: false, issuer: root });
  const leaf = await issue({ names: ['localhost'], issuer: impostor });
  const { secured } = await shake({ server: { cert: leaf.cert + impostor.cert, key: leaf.key } });
  assert.deepEqual(reasonsOf(secured), ['tls_invalid_certificate']);
});

test('tls: with insecure_skip_verify a bad certificate is accepted, and its facts are there', async () => {
  const { secured } = await shake({
    server: await identity({ notBefore: -10, notAfter: -2 }),
    settings: { insecure_skip_verify: true },
  });
  assert.ok(secured.ok);
  assert.ok(secured.facts.earliestExpiry < Date.now() / 1_000);
  assert.equal(secured.facts.lastChainExpiry, undefined);
});

test('tls: a server that wants a client certificate gives reason tls_client_certificate_required, or is satisfied', async () => {
  const { root } = await chain();
  const client = await issue({ subject: 'CN=client', issuer: root });
  const server = { requestCert: true, rejectUnauthorized: true, ca: root.cert };
  const satisfied = await shake({ server, settings: { cert: client.cert, key: client.key } });
  assert.deepEqual(reasonsOf(satisfied.secured), []);
  const stranger = await issue({ subject: 'CN=stranger' });
  // OpenSSL of the server says so with an alert only when the certificate is bad, and in TLS 1.2 before the handshake ends.
  await using alerting = await tcpServer({
    onData: (socket) => socket.end(Buffer.from('150301000202' + '74', 'hex').subarray(0, 7)),
  });
  await using context = testContext();
  const refused = await connectTls(
    { ip: '127.0.0.1', port: alerting.port },
    { servername: 'localhost', settings: tlsSettings.parse({ cert: stranger.cert, key: stranger.key }) },
    context,
  );
  assert.deepEqual(reasonsOf(refused), ['tls_client_certificate_required']);
});

test('tls: a peer that does not speak TLS gives reason tls_protocol', async () => {
  await using server = await tcpServer({ greeting: 'SSH-2.0-OpenSSH_9.2\r\n' });
  await using context = testContext();
  const secured = await connectTls(
    { ip: '127.0.0.1', port: server.port },
    { servername: 'localhost', settings: tlsSettings.parse({}) },
    context,
  );
  assert.deepEqual(reasonsOf(secured), ['tls_protocol']);
});

/** The first flight of a TLS 1.2 server by hand (RFC 5246, section 7.4), with any bytes as its certificate. */
const flightWith = (certificate: Buffer): Buffer => {
  const sized = (bytes: Buffer, width: number) => {
    const size = Buffer.alloc(width);
    size.writeUIntBE(bytes.length, 0, width);
    return Buffer.concat([size, bytes]);
  };
  const random = Buffer.alloc(32, 7);
  const hello = Buffer.concat([Buffer.from('0303', 'hex'), random, Buffer.from('00c02b000005ff01000100', 'hex')]);
  const messages = [
    Buffer.concat([Buffer.of(2), sized(hello, 3)]),
    Buffer.concat([Buffer.of(11), sized(sized(sized(certificate, 3), 3), 3)]),
  ];
  return Buffer.concat([Buffer.from('160303', 'hex'), sized(Buffer.concat(messages), 2)]);
};

test('tls: a certificate of garbage gives reason tls_invalid_certificate', async () => {
  for (const garbage of ['garbage', '\x30\x82\xff\xff\x01', '\x30\x00', '']) {
    await using server = await tcpServer({
      onData: (socket) => socket.write(flightWith(Buffer.from(garbage, 'latin1'))),
    });
    await using context = testContext();
    const secured = await connectTls(
      { ip: '127.0.0.1', port: server.port },
      { servername: 'localhost', settings: tlsSettings.parse({}) },
      context,
    );
    assert.deepEqual(reasonsOf(secured), ['tls_invalid_certificate']);
  }
});

test('tls: no common version gives reason tls_protocol', async () => {
  const { secured } = await shake({ server: { maxVersion: 'TLSv1.2' }, settings: { min_version: 'TLS13' } });
  assert.deepEqual(reasonsOf(secured), ['tls_protocol']);
});

test('tls: a server of TLS 1.1 is reached when the settings allow it', async () => {
  const server = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const { secured } = await shake({ server, settings: { min_version: 'TLS10' } });
  assert.ok(secured.ok);
  assert.equal(secured.facts.version, 'TLS 1.1');
});

test('tls: a silent server gives reason tls_timeout, and no socket is left', async () => {
  await using server = await tcpServer();
  await using context = testContext({ timeoutMs: 150 });
  const secured = await connectTls(
    { ip: '127.0.0.1', port: server.port },
    { servername: 'localhost', settings: tlsSettings.parse({}) },
    context,
  );
  assert.deepEqual(reasonsOf(secured), ['tls_timeout']);
  assert.ok(!secured.ok && secured.connectedAt !== undefined);
  await server.allClosed();
});

test('tls: a server that resets during the handshake gives reason tls_reset', async () => {
  await using server = await tcpServer({ onData: (socket) => socket.resetAndDestroy() });
  await using context = testContext();
  const secured = await connectTls(
    { ip: '127.0.0.1', port: server.port },
    { servername: 'localhost', settings: tlsSettings.parse({}) },
    context,
  );
  assert.deepEqual(reasonsOf(secured), ['tls_reset']);
});

test('tls: a server that closes during the handshake gives reason tls_reset', async () => {
  await using server = await tcpServer({ onData: (socket) => socket.end() });
  await using context = testContext();
  const secured = await connectTls(
    { ip: '127.0.0.1', port: server.port },
    { servername: 'localhost', settings: tlsSettings.parse({}) },
    context,
  );
  assert.deepEqual(reasonsOf(secured), ['tls_reset']);
});

test('tls: a closed port gives reason connect_refused', async () => {
  await using context = testContext();
  const secured = await connectTls(
    { ip: '127.0.0.1', port: await unusedPort() },
    { servername: 'localhost', settings: tlsSettings.parse({}) },
    context,
  );
  assert.deepEqual(reasonsOf(secured), ['connect_refused']);
});

test('tls: a key file that is not there gives reason file_unreadable', async () => {
  await using context = testContext();
  const settings = tlsSettings.parse({ cert_file: '/nonexistent/a.pem', key_file: '/nonexistent/b.pem' });
  const secured = await connectTls({ ip: '127.0.0.1', port: 1 }, { servername: 'localhost', settings }, context);
  assert.deepEqual(reasonsOf(secured), ['file_unreadable']);
});

test('tls: a key whose secret is not there gives reason secret_unavailable, and names only the reference', async () => {
  await using context = testContext({ environment: {} });
  const settings = tlsSettings.parse({ cert: 'x', key: { secret: 'env:CLIENT_KEY' } });
  const secured = await connectTls({ ip: '127.0.0.1', port: 1 }, { servername: 'localhost', settings }, context);
  assert.deepEqual(reasonsOf(secured), ['secret_unavailable']);
  assert.match(secured.ok ? '' : (secured.failures[0]?.detail ?? ''), /CLIENT_KEY is not set/);
});

test('tls: a certificate chain is read once and as presented, strangers and order included', async () => {
  const { leaf, intermediate, root } = await chain();
  const stranger = await issue({ subject: 'CN=Stranger', ca: true });
  const { secured } = await shake({
    server: { cert: leaf.cert + stranger.cert + intermediate.cert + root.cert, key: leaf.key },
  });
  assert.deepEqual(
    secured.facts?.chain.map(({ subject }) => subject),
    ['CN=localhost', 'CN=Stranger', 'CN=Test Intermediate', 'CN=Test Root'],
  );
});

test('tls: what was sound before is judged anew when the server sends less, or is asked for by another name', async () => {
  const { root, leaf, intermediate } = await chain();
  await using context = testContext();
  const settings = tlsSettings.parse({ ca: root.cert });
  const reasonsFrom = async (cert: string, servername: string) => {
    await using server = await tlsServer({ cert, key: leaf.key });
    const secured = await connectTls({ ip: '127.0.0.1', port: server.port }, { servername, settings }, context);
    if (secured.ok) secured.socket.destroy();
    return reasonsOf(secured);
  };
  const whole = leaf.cert + intermediate.cert;
  assert.deepEqual(await reasonsFrom(whole, 'localhost'), []);
  assert.deepEqual(await reasonsFrom(whole, 'other.example'), ['tls_name_mismatch']);
  assert.deepEqual(await reasonsFrom(leaf.cert, 'localhost'), ['tls_incomplete_chain']);
  assert.deepEqual(await reasonsFrom(whole, 'localhost'), []);
});

test('tls: of two chains the later expiry is the last chain expiry, and the earliest certificate the earliest', async () => {
  const { root } = await chain();
  const old = await issue({ subject: 'CN=Old Root', ca: true, notAfter: 20 });
  const keys = await issue({ subject: 'CN=Crossed', ca: true, issuer: root });
  const crossed = await issue({ subject: 'CN=Crossed', ca: true, issuer: old, keys: keys.keys, notAfter: 10 });
  const leaf = await issue({ names: ['localhost'], issuer: keys, notAfter: 100 });
  const { secured } = await shake({
    server: { cert: leaf.cert + crossed.cert + keys.cert, key: leaf.key },
    settings: { ca: root.cert + old.cert },
  });
  assert.ok(secured.ok);
  const days = (seconds: number | undefined) => Math.round(((seconds ?? 0) * 1_000 - Date.now()) / 86_400_000);
  assert.equal(days(secured.facts.earliestExpiry), 10);
  assert.equal(days(secured.facts.lastChainExpiry), 100);
});
