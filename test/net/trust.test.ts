import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kit } from '../../src/net/kit.ts';
import { tlsSettings } from '../../src/net/settings.ts';
import { connectTls } from '../../src/net/tls.ts';
import { chain, issue } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { needs } from '../servers/peers.ts';
import { freePort, startProgram } from '../servers/program.ts';
import { tlsServer } from '../servers/tls.ts';

/** One handshake with the server on a port of loopback. */
const secure = async (port: number, settings: object) => {
  await using context = testContext({ timeoutMs: 5_000 });
  const place = { servername: 'localhost', settings: tlsSettings.parse(settings) };
  const secured = await connectTls({ ip: '127.0.0.1', port }, place, context);
  if (secured.ok) secured.socket.destroy();
  return secured;
};

test('trust: settings that say the same share one context', async () => {
  await using own = kit();
  const { root } = await chain();
  const of = (settings: object) => own.trust.of(tlsSettings.parse(settings));
  assert.equal(await of({}), await of({}));
  assert.equal(await of({ ca: root.cert }), await of({ ca: root.cert }));
  assert.equal(await of({ server_name: 'a.example' }), await of({ insecure_skip_verify: true }));
  assert.notEqual(await of({}), await of({ ca: root.cert }));
  assert.notEqual(await of({}), await of({ min_version: 'TLS13' }));
});

test('trust: a CA replaces the roots that Node brings', async () => {
  await using own = kit();
  const { root } = await chain();
  const { roots } = await own.trust.of(tlsSettings.parse({ ca: root.cert }));
  assert.deepEqual(
    roots.map(({ subject }) => subject),
    ['CN=Test Root'],
  );
  assert.ok((await own.trust.of(tlsSettings.parse({}))).roots.length > 50);
});

test('trust: a file that changes gives a new context, also where the settings are the same object', async () => {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(kit());
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const ca_file = join(folder, 'ca.pem');
  const settings = tlsSettings.parse({ ca_file });
  await writeFile(ca_file, (await issue({ subject: 'CN=First', ca: true })).cert);
  const first = await own.trust.of(settings);
  assert.equal(await own.trust.of(settings), first);
  await writeFile(ca_file, (await issue({ subject: 'CN=Second root', ca: true })).cert);
  const second = await own.trust.of(settings);
  assert.deepEqual(
    second.roots.map(({ subject }) => subject),
    ['CN=Second root'],
  );
});

test('trust: material that cannot be used is an error', async () => {
  await using own = kit();
  const { leaf } = await chain();
  const other = await issue({});
  for (const settings of [
    { cert: 'rubbish', key: 'rubbish' },
    { cert: leaf.cert, key: other.key },
    { ca: 'rubbish' },
    { ca: '' },
  ])
    await assert.rejects(own.trust.of(tlsSettings.parse(settings)), JSON.stringify(Object.keys(settings)));
});

test('trust: a file that cannot be used is named', async () => {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(kit());
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const why = (settings: object) =>
    own.trust.of(tlsSettings.parse(settings)).then(
      () => assert.fail('it is used'),
      ({ message }) => message,
    );
  const nothing = join(folder, 'nothing.pem');
  await writeFile(nothing, 'nothing\n');
  assert.equal(await why({ ca_file: nothing }), `the file ${nothing} holds no certificate in PEM`);
  assert.equal(await why({ extra_ca_file: nothing }), `the file ${nothing} holds no certificate in PEM`);
  assert.equal(await why({ extra_ca_file: folder }), `the file ${folder} cannot be read: EISDIR`);
  assert.equal(await why({ ca_file: `${nothing}.none` }), `the file ${nothing}.none cannot be read: ENOENT`);
  assert.equal(await why({ ca: 'nothing' }), 'the text of `ca` holds no certificate in PEM');
});

test('trust: an intermediate that the list names as its CA is an anchor', async () => {
  const { intermediate, leaf } = await chain();
  for (const cert of [leaf.cert, leaf.cert + intermediate.cert]) {
    await using server = await tlsServer({ cert });
    const secured = await secure(server.port, { ca: intermediate.cert });
    assert.deepEqual(secured.ok ? [] : secured.failures, []);
    assert.ok(secured.facts?.lastChainExpiry !== undefined);
  }
});

test('trust: a server without secure renegotiation is reached', async (t) => {
  const gnutls = await needs(t, 'gnutls-serv');
  if (gnutls === undefined) return;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const { root, intermediate, leaf } = await chain();
  await writeFile(join(folder, 'cert.pem'), leaf.cert + intermediate.cert);
  await writeFile(join(folder, 'key.pem'), leaf.key);
  const port = await freePort();
  stack.use(
    await startProgram(
      gnutls.path,
      [
        ...[
          '--port',
          String(port),
          '--echo',
          '--priority',
          'NORMAL:-VERS-ALL:+VERS-TLS1.2:%DISABLE_SAFE_RENEGOTIATION',
        ],
        ...['--x509certfile', join(folder, 'cert.pem'), '--x509keyfile', join(folder, 'key.pem')],
      ],
      port,
    ),
  );
  const secured = await secure(port, { ca: root.cert });
  assert.deepEqual(secured.ok ? [] : secured.failures, []);
  assert.equal(secured.facts?.version, 'TLS 1.2');
});
