import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { hashSync } from 'bcryptjs';
import { webConfigKeeper } from '../../src/agent/web-config-keeper.ts';
import { type Route, webServer } from '../../src/agent/web-server.ts';
import { issue } from '../servers/certificates.ts';

const routes: readonly Route[] = [
  { method: 'GET', path: '/', handle: (_request, response) => void response.end('page') },
  { method: 'GET', path: '/-/healthy', open: true, handle: (_request, response) => void response.end('healthy') },
];

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

/** A folder with a web configuration and the files that it names, and a door that uses it. */
const doorWith = async (files: Readonly<Record<string, string>>) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-door-'));
  const write = async (more: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(more)) await writeFile(join(folder, name), text);
  };
  await write(files);
  const lines: string[] = [];
  const made = await webConfigKeeper({
    path: join(folder, 'web.yml'),
    environment: {},
    log: (level, message) => void lines.push(`${level}: ${message.replaceAll(`${folder}/`, '')}`),
    changed: () => door.renewTls(),
  });
  if (!made.ok) {
    await rm(folder, { recursive: true });
    throw new Error(made.problem.replaceAll(`${folder}/`, ''));
  }
  const { keeper } = made;
  const door = await webServer({ host: '127.0.0.1', port: 0, routes, locks: keeper.locks });
  const status = (authorization: string) =>
    fetch(door.url, { headers: { authorization } }).then((answer) => answer.status);
  return {
    door,
    keeper,
    lines,
    write,
    status,
    [Symbol.asyncDispose]: async () => {
      await door[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
};

/** The status of a request to a door with TLS. */
const ask = (port: number, path: string, options: ConnectionOptions = {}) =>
  new Promise<number | undefined>((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, agent: false, servername: 'localhost', ...options }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

const users = (password: string) => `basic_auth_users: { ops: "${hashSync(password, 4)}" }\n`;

test('web config: changed passwords are used without a restart, a bad file changes nothing and is logged once', async () => {
  await using it = await doorWith({ 'web.yml': users('first') });
  assert.equal(await it.status(basic('ops:first')), 200);
  assert.equal(await it.status(basic('ops:second')), 401);
  await it.write({ 'web.yml': users('second') });
  await Promise.all([it.keeper.look(), it.keeper.look()]);
  assert.equal(await it.status(basic('ops:first')), 401);
  assert.equal(await it.status(basic('ops:second')), 200);
  const { loadedAt } = it.keeper.state();
  await it.write({ 'web.yml': 'basic_auth_users: { ops: canary-password }' });
  await it.keeper.look();
  await it.keeper.look();
  assert.equal(await it.status(basic('ops:second')), 200);
  assert.deepEqual(it.keeper.state(), { ok: false, loadedAt });
  await it.write({ 'web.yml': 'basic_auth_users: [' });
  await it.keeper.look();
  assert.deepEqual(it.lines, [
    'info: web.yml: the new web configuration is in use',
    'error: web.yml: basic_auth_users.ops: not a bcrypt hash with a cost from 4 to 14; write the output of: htpasswd -nBC 10 USER; the web configuration before stays in use',
    'error: web.yml: not YAML; the web configuration before stays in use',
  ]);
  // A file that is being written is empty for a moment.
  for (const text of ['', 'basic_auth_users: {}\n']) {
    await it.write({ 'web.yml': text });
    await it.keeper.look();
    assert.equal(await it.status(''), 401);
  }
  await it.write({ 'web.yml': users('third') });
  await it.keeper.look();
  assert.equal(it.keeper.state().ok, true);
  assert.equal(await it.status(basic('ops:third')), 200);
});

test('web config: a changed password file is used', async () => {
  const text = 'basic_auth: { username: ops, password_file: password }\n';
  await using it = await doorWith({ 'web.yml': text, password: 'first\n' });
  await it.write({ password: 'second\n' });
  await it.keeper.look();
  assert.equal(await it.status(basic('ops:second')), 200);
  // An empty file would admit everyone who knows the user's name.
  await it.write({ password: '\n' });
  await it.keeper.look();
  assert.equal(await it.status(basic('ops:')), 401);
  assert.equal(await it.status(basic('ops:second')), 200);
  assert.match(it.lines.at(-1) ?? '', /basic_auth\.password_file: empty/);
});

/** The serial number that a door shows, and the socket. */
const shake = (port: number, options: ConnectionOptions = {}) =>
  new Promise<TLSSocket>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options }, () => resolve(socket));
    socket.on('error', reject);
  });

const tlsFiles = 'tls_server_config: { cert_file: cert, key_file: key }\n';

test('web config: a renewed certificate is shown to new connections, open ones stay, half a pair changes nothing', async () => {
  const [first, second] = [await issue({ names: ['localhost'] }), await issue({ names: ['localhost'] })];
  await using it = await doorWith({ 'web.yml': tlsFiles, cert: first.cert, key: first.key });
  const open = await shake(it.door.port);
  const shown = async () => {
    const socket = await shake(it.door.port);
    const { serialNumber } = socket.getPeerCertificate();
    socket.destroy();
    return serialNumber;
  };
  const before = await shown();
  await it.write({ cert: second.cert });
  await it.keeper.look();
  assert.equal(await shown(), before);
  assert.match(it.lines.at(-1) ?? '', /tls_server_config: certificate, key or client CA cannot be used \(ERR_OSSL_/);
  await it.write({ key: second.key });
  await it.keeper.look();
  assert.notEqual(await shown(), before);
  open.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  assert.match(String(await new Promise((resolve) => open.once('data', resolve))), /200 OK/);
  open.destroy();
  await it.write({ 'web.yml': users('first') });
  await it.keeper.look();
  assert.match(it.lines.at(-1) ?? '', /added or removed; restart the agent/);
});

test('web config: min_version refuses older TLS', async () => {
  const { cert, key } = await issue({ names: ['localhost'] });
  const text = 'tls_server_config: { cert_file: cert, key_file: key, min_version: TLS13 }\n';
  await using it = await doorWith({ 'web.yml': text, cert, key });
  await assert.rejects(shake(it.door.port, { maxVersion: 'TLSv1.2' }));
  const socket = await shake(it.door.port);
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  socket.destroy();
});

test('web config: client certificates are demanded as client_auth_type says, but for health', async () => {
  const ca = await issue({ subject: 'CN=clients', ca: true });
  const { cert, key } = await issue({ names: ['localhost'] });
  const good = await issue({ names: ['prometheus.example'], issuer: ca });
  const otherName = await issue({ names: ['other.example'], issuer: ca });
  const stranger = await issue({ names: ['prometheus.example'] });
  const expired = await issue({ names: ['prometheus.example'], issuer: ca, notBefore: -2, notAfter: -1 });
  for (const [type, more, statuses] of [
    ['RequireAndVerifyClientCert', ', client_allowed_sans: [prometheus.example]', [403, 200, 403, 403, 403]],
    ['RequireAndVerifyClientCert', '', [403, 200, 200, 403, 403]],
    ['VerifyClientCertIfGiven', '', [200, 200, 200, 403, 403]],
    ['RequireAnyClientCert', '', [403, 200, 200, 200, 200]],
    ['RequestClientCert', '', [200, 200, 200, 200, 200]],
  ] as const) {
    const text = `tls_server_config: { cert_file: cert, key_file: key, client_ca_file: ca, client_auth_type: ${type}${more} }\n`;
    await using it = await doorWith({ 'web.yml': text, cert, key, ca: ca.cert });
    const asked = [];
    for (const client of [undefined, good, otherName, stranger, expired])
      asked.push(
        await ask(it.door.port, '/', {
          rejectUnauthorized: false,
          ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
        }),
      );
    assert.deepEqual(asked, statuses, type);
    assert.equal(await ask(it.door.port, '/-/healthy', { rejectUnauthorized: false }), 200);
  }
});

test('web config: what cannot be used is refused with what to write', async () => {
  const { cert, key } = await issue({ names: ['localhost'] });
  const tls = 'cert_file: cert, key_file: key';
  for (const [text, problem] of [
    [
      'basic_auth_users: { ops: "$2y$15$0123456789012345678901234567890123456789012345678901234567890" }',
      /cost from 4 to 14/,
    ],
    [`tls_server_config: { ${tls}, min_version: TLS10 }`, /min_version/],
    [`tls_server_config: { ${tls}, min_version: TLS13, max_version: TLS12 }`, /min_version is above/],
    [`tls_server_config: { ${tls}, client_auth_type: RequireAndVerifyClientCert }`, /needs client_ca_file/],
    [`tls_server_config: { ${tls}, client_ca_file: cert }`, /client_ca_file has no effect/],
    ['tls_server_config: { cert_file: nowhere, key_file: key }', /nowhere cannot be read \(ENOENT\)/],
    ['tls_server_config: { cert_file: key, key_file: key }', /cannot be used \(ERR_/],
    ['basic_auth_users: { "a:b": x }', /basic_auth_users/],
    ['rate_limit: 5', /rate_limit/],
  ] as const)
    await assert.rejects(doorWith({ 'web.yml': text, cert, key }), problem, text);
});

test("web config: Prometheus's own file is taken, and plaintext is warned of", async () => {
  const { cert, key } = await issue({ names: ['localhost'] });
  await using it = await doorWith({
    'web.yml': `
tls_server_config: { cert_file: cert, key_file: key, client_auth_type: NoClientCert, min_version: TLS12, prefer_server_cipher_suites: true }
http_server_config: { http2: true }
${users('first')}
basic_auth: { username: me, password: canary }
authorization: { credentials: canary }
`,
    cert,
    key,
  });
  assert.equal(it.lines.length, 2);
  assert.match(it.lines.join('\n'), /warn: web\.yml: basic_auth\.password: plaintext password; write basic_auth_users/);
  assert.doesNotMatch(it.lines.join('\n'), /canary/);
});
