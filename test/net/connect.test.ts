import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectTcp } from '../../src/net/connect.ts';
import { tlsSettings } from '../../src/net/settings.ts';
import { connectTls, upgradeTls } from '../../src/net/tls.ts';
import { blackHole } from '../servers/black-hole.ts';
import { testContext } from '../servers/context.ts';
import { tcpServer, unusedPort } from '../servers/tcp.ts';

const ip = '127.0.0.1';
const secure = { servername: 'localhost', settings: tlsSettings.parse({}) };

test('connect: an open port gives a socket and the moment', async () => {
  await using server = await tcpServer();
  await using context = testContext();
  const connected = await connectTcp({ ip, port: server.port }, context);
  assert.ok(connected.ok && connected.connectedAt > 0);
  assert.deepEqual(
    context.events.map(({ what }) => what),
    ['connected'],
  );
  connected.socket.destroy();
  await server.closed(1);
});

test('connect: a closed port gives reason connect_refused', async () => {
  await using context = testContext();
  const connected = await connectTcp({ ip, port: await unusedPort() }, context);
  assert.deepEqual(connected.ok || connected.failure.reason, 'connect_refused');
});

test('connect: a SYN without answer gives reason connect_timeout, with TLS and without', async () => {
  await using hole = await blackHole();
  await using context = testContext({ timeoutMs: 200 });
  const [plain, secured] = await Promise.all([
    connectTcp({ ip, port: hole.port }, context),
    connectTls({ ip, port: hole.port }, secure, context),
  ]);
  assert.deepEqual(plain.ok || plain.failure.reason, 'connect_timeout');
  assert.deepEqual(secured.ok || secured.failures.map(({ phase, reason }) => `${phase} ${reason}`), [
    'connect connect_timeout',
  ]);
  assert.equal(secured.connectedAt, undefined);
});

test('connect: an address that cannot be a destination gives reason unreachable', async () => {
  await using context = testContext();
  const connected = await connectTcp({ ip: '224.0.0.1', port: 1 }, context);
  assert.deepEqual(connected.ok || connected.failure.reason, 'unreachable');
});

test('connect: a source address that is not ours gives reason source_address_unavailable', async () => {
  await using server = await tcpServer();
  await using context = testContext();
  const connected = await connectTcp({ ip, port: server.port, localAddress: '192.0.2.1' }, context);
  assert.deepEqual(connected.ok || connected.failure.reason, 'source_address_unavailable');
});

test('connect: when the signal has fired nothing is opened', async () => {
  await using server = await tcpServer();
  await using context = testContext();
  context.abort();
  assert.equal((await connectTcp({ ip, port: server.port }, context)).ok, false);
  assert.equal((await connectTls({ ip, port: server.port }, secure, context)).ok, false);
  assert.equal(server.accepted(), 0);
});

test('connect: a socket is destroyed when the signal fires while it is in use', async () => {
  await using server = await tcpServer();
  await using context = testContext();
  const connected = await connectTcp({ ip, port: server.port }, context);
  assert.ok(connected.ok);
  context.abort();
  await server.closed(1);
  assert.ok(connected.socket.destroyed);
});

test('connect: a connection that the signal ends before it is secured is closed, and never hangs', async () => {
  await using server = await tcpServer();
  await using context = testContext();
  const connected = await connectTcp({ ip, port: server.port }, context);
  assert.ok(connected.ok);
  const upgrading = upgradeTls(connected.socket, secure, context);
  context.abort();
  const upgraded = await upgrading;
  assert.deepEqual(upgraded.ok || upgraded.failures.map(({ reason }) => reason), ['tls_timeout']);
  await server.closed(1);
});

test('connect: an upgrade is ended by the signal in the middle of the handshake', async () => {
  await using server = await tcpServer({ onData: () => context.abort() });
  await using context = testContext();
  const connected = await connectTcp({ ip, port: server.port }, context);
  assert.ok(connected.ok);
  const upgraded = await upgradeTls(connected.socket, secure, context);
  assert.deepEqual(upgraded.ok || upgraded.failures.map(({ reason }) => reason), ['tls_timeout']);
  await server.closed(1);
});

test('connect: an upgrade of a connection that the peer has closed gives reason tls_reset', async () => {
  await using server = await tcpServer({ onData: (socket) => socket.resetAndDestroy() });
  await using context = testContext();
  const connected = await connectTcp({ ip, port: server.port }, context);
  assert.ok(connected.ok);
  connected.socket.write('reset me');
  await new Promise((resolve) => connected.socket.resume().once('close', resolve));
  const upgraded = await upgradeTls(connected.socket, secure, context);
  assert.deepEqual(upgraded.ok || upgraded.failures.map(({ reason }) => reason), ['tls_reset']);
});
