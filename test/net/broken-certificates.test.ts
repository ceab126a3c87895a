import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type * as z from 'zod';
import { tlsSettings } from '../../src/net/settings.ts';
import { connectTls, upgradeTls } from '../../src/net/tls.ts';
import { probers } from '../../src/probers/index.ts';
import {
  derOf,
  lax,
  lowestSecurity,
  pem,
  presenting,
  undecodableChain,
  withBrokenKey,
  withWrongSignature,
} from '../servers/broken-chains.ts';
import { chain, issue } from '../servers/certificates.ts';
import { testContext } from '../servers/context.ts';
import { answer, httpServer } from '../servers/http.ts';
import { tlsServer } from '../servers/tls.ts';

const outcomeOf = async (name: 'http' | 'tcp' | 'dns', target: string, given: object) => {
  await using context = testContext();
  const prober = probers[name];
  // safe: the settings are parsed by the schema of the same prober
  const settings = prober.settings.parse({ preferred_ip_protocol: 'ip4', ...given }) as z.output<
    typeof prober.settings
  >;
  const outcome = await prober.probe(target, settings as never, context); // safe: as above
  return outcome.failures.map(({ phase, reason }) => `${phase} ${reason}`);
};

const handshake = async (server: Parameters<typeof tlsServer>[0], ca?: string, settings: object = {}) => {
  await using there = await tlsServer(server);
  await using context = testContext();
  const given = tlsSettings.parse({ ...(ca === undefined ? {} : { ca }), ...settings });
  const dial = { ip: '127.0.0.1', port: there.port };
  const secured = await connectTls(dial, { servername: 'localhost', settings: given }, context);
  if (secured.ok) secured.socket.destroy();
  await there.allClosed();
  return secured;
};

const invalid = ['tls tls_invalid_certificate'];

test('broken certificates: a key that cannot be decoded gives reason tls_invalid_certificate to every prober', async () => {
  const { root } = await chain();
  for (const tls_config of [{}, { ca: root.cert }]) {
    await using server = await tlsServer(await undecodableChain());
    const at = `localhost:${server.port}`;
    assert.deepEqual(await outcomeOf('http', `https://${at}`, { tls_config }), invalid);
    assert.deepEqual(await outcomeOf('tcp', at, { tls: true, tls_config }), invalid);
    const dns = { query_name: 'example.org', dns_over_tls: true, transport_protocol: 'tcp', tls_config };
    assert.deepEqual(await outcomeOf('dns', at, dns), invalid);
    await using elsewhere = await httpServer(() => answer(302, { Location: `https://${at}/` }));
    assert.deepEqual(await outcomeOf('http', elsewhere.url, { tls_config }), invalid);
    await server.allClosed();
    assert.equal(server.received().length, 0);
  }
});

test('broken certificates: with insecure_skip_verify the handshake counts, and the facts are there', async () => {
  const secured = await handshake(await undecodableChain(), undefined, { insecure_skip_verify: true });
  assert.ok(secured.ok);
  assert.equal(secured.facts.chain.length, 3);
});

test('broken certificates: no broken certificate of a chain, at whichever place, escapes the handshake', async () => {
  const { root, intermediate, leaf } = await chain();
  const other = await issue({ subject: 'CN=Other', ca: true });
  const weak = await issue({
    subject: 'CN=localhost',
    names: ['localhost'],
    issuer: intermediate,
    algorithm: 'rsa-1024',
  });
  const chains = {
    'the intermediate with a broken key': leaf.cert + withBrokenKey(intermediate),
    'the intermediate with a wrong signature': leaf.cert + withWrongSignature(intermediate),
    'a wrong leaf and a broken intermediate': withWrongSignature(leaf) + withBrokenKey(intermediate),
    'a broken stranger in front': withWrongSignature(leaf) + withBrokenKey(other) + intermediate.cert,
  };
  for (const [what, certificates] of Object.entries(chains)) {
    for (const ca of [undefined, root.cert]) {
      const secured = await handshake(presenting(certificates, leaf.key), ca);
      assert.equal(secured.ok, false, what);
    }
  }
  const mixed = await handshake(presenting(weak.cert + intermediate.cert + withBrokenKey(other), weak.key), root.cert);
  assert.equal(mixed.ok ? '' : mixed.failures[0]?.reason, 'tls_weak_key');
});

test('broken certificates: a superfluous certificate with a broken key does not spoil a valid chain', async () => {
  const { root, intermediate, leaf } = await chain();
  const other = await issue({ subject: 'CN=Other', ca: true });
  const server = presenting(leaf.cert + intermediate.cert + withBrokenKey(other), leaf.key);
  const secured = await handshake(server, root.cert);
  assert.ok(secured.ok);
  assert.equal(secured.facts.lastChainExpiry !== undefined, true);
});

test('broken certificates: a getter that throws gives reason tls_invalid_certificate, over a fresh connection and over one that is there', async (t) => {
  const { root } = await chain();
  const secure = { servername: 'localhost', settings: tlsSettings.parse({ ca: root.cert }) };
  await using context = testContext();
  // The getters that read the roots are the same.
  await context.kit.trust.of(secure.settings);
  for (const name of [
    'raw',
    'subject',
    'validToDate',
    'fingerprint256',
    'serialNumber',
    'subjectAltName',
    'issuerCertificate',
  ]) {
    await using server = await tlsServer();
    const broken = () => {
      throw new Error(`${name} cannot be read`);
    };
    // safe: each name is of a getter
    const mocked = t.mock.getter(X509Certificate.prototype, name as 'raw', broken);
    const dial = { ip: '127.0.0.1', port: server.port };
    const secured = await connectTls(dial, secure, context);
    const upgraded = await upgradeTls(connect(server.port, '127.0.0.1'), secure, context);
    mocked.mock.restore();
    for (const one of [secured, upgraded])
      assert.deepEqual(one.ok ? [] : one.failures.map(({ reason }) => reason), ['tls_invalid_certificate'], name);
    await server.allClosed();
  }
});

test('broken certificates: a certificate without subject and issuer is read, and its name is empty', async () => {
  const { root } = await chain();
  const nameless = await issue({ subject: '', names: ['localhost'], issuer: root });
  const secured = await handshake({ cert: nameless.cert, key: nameless.key }, root.cert);
  assert.ok(secured.ok);
  assert.deepEqual(secured.facts.chain[0]?.subject, '');
  assert.equal(secured.facts.chain[0]?.issuer, 'CN=Test Root');
  const alone = await issue({ subject: '', names: ['localhost'] });
  const trusted = await handshake({ cert: alone.cert, key: alone.key }, undefined, { insecure_skip_verify: true });
  assert.ok(trusted.ok);
  assert.equal(trusted.facts.chain[0]?.issuer, '');
});

test('broken certificates: a server with a large new certificate per handshake takes bounded memory', async () => {
  await using server = await largeCertificates();
  const script = fileURLToPath(new URL('../servers/handshakes.ts', import.meta.url));
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--max-semi-space-size=2', script, String(server.port), '300'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      // As an agent has it.
      env: { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' },
    },
  );
  const exit = once(child, 'exit');
  const after = new Map<number, number>();
  for await (const line of createInterface(child.stdout)) {
    const [count = 0, megabytes = 0] = line.split(' ').map(Number);
    after.set(count, megabytes);
  }
  assert.deepEqual(await exit, [0, null]);
  const growth = (after.get(300) ?? Number.NaN) - (after.get(50) ?? Number.NaN);
  // A process that keeps the certificates grows by 300 MB.
  assert.ok(growth < 75, `${growth} MB more after 250 further handshakes`);
});

/** Presents another certificate of 90 kB, signed by itself, in each handshake. */
const largeCertificates = async () => {
  const names = Array.from({ length: 1_500 }, (_, index) => `host-${index}.${'label.'.repeat(7)}example`);
  const large = await issue({ subject: 'CN=large', names: ['localhost', ...names] });
  const der = derOf(large);
  assert.ok(der.length > 75_000 && der.length < 100_000, `${der.length} bytes`);
  let served = 0;
  return tlsServer({
    ciphers: lax,
    SNICallback: (_name, done) => {
      served += 1;
      // The end of the signature is not verified before the chain is found to be untrusted.
      der.writeUInt32BE(served, der.length - 4);
      done(null, lowestSecurity(pem(der), large.key));
    },
  });
};
