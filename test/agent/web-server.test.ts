import assert from 'node:assert/strict';
import { request as rawRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import net from 'node:net';
import { test } from 'node:test';
import type { Locks } from '../../src/agent/locks.ts';
import { type Route, type WebOptions, webServer } from '../../src/agent/web-server.ts';
import { chain } from '../servers/certificates.ts';

const routes: readonly Route[] = [
  { method: 'GET', path: '/', handle: (_request, response) => void response.end('page') },
  { method: 'GET', path: '/open', open: true, handle: (_request, response) => void response.end('open') },
  { method: 'POST', path: '/do', handle: (_request, response) => void response.end('done') },
  {
    method: 'GET',
    path: '/broken',
    handle: async () => {
      throw new Error('canary-password');
    },
  },
];

const alsoBroken: Route = {
  method: 'GET',
  path: '/broken-at-once',
  handle: () => {
    throw new Error('canary-password');
  },
};

const locked = (locks: Locks) => () => locks;

const open = (options: Partial<WebOptions> = {}) =>
  webServer({ host: '127.0.0.1', port: 0, routes: [...routes, alsoBroken], ...options });

type Asked = { readonly method?: string; readonly headers?: Record<string, string> };

const ask = (url: string, { method = 'GET', headers = {} }: Asked = {}) =>
  new Promise<{ status: number; text: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const request = rawRequest(url, { method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    request.on('error', reject);
    request.end();
  });

test('web: what is there is answered, HEAD included; what is not is said', async () => {
  await using door = await open();
  assert.deepEqual(await ask(`${door.url}/`).then(({ status, text }) => [status, text]), [200, 'page']);
  assert.equal((await ask(`${door.url}/?query=1`)).text, 'page');
  assert.equal((await ask(`${door.url}/`, { method: 'HEAD' })).status, 200);
  const wrong = await ask(`${door.url}/do`);
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'POST']);
  for (const path of [
    '/nothing',
    '/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//',
    '/open/../do',
    `/${'x'.repeat(5_000)}`,
  ])
    assert.equal((await ask(`${door.url}${path}`)).status, path === '/open/../do' ? 405 : 404, path);
});

test('web: hostile request lines do not end it', async () => {
  await using door = await open();
  const say = (text: string) =>
    new Promise<void>((resolve) => {
      const socket = net.connect(door.port, '127.0.0.1', () => void socket.write(text));
      socket.on('error', () => {});
      socket.on('data', () => socket.destroy());
      socket.on('close', () => resolve());
    });
  for (const text of [
    'GET /\0 HTTP/1.1\r\n\r\n',
    '\x16\x03\x01rubbish\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: ${'x'.repeat(20_000)}\r\n\r\n`,
    'GET * HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'GET http://[ HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ])
    await say(text);
  assert.equal((await ask(`${door.url}/`)).status, 200);
});

test('web: on loopback only names of loopback are answered', async () => {
  await using door = await open();
  for (const host of ['evil.example', `evil.example:${door.port}`, '127.0.0.1.evil.example', '169.254.169.254'])
    assert.equal((await ask(`${door.url}/`, { headers: { host } })).status, 421, host);
  for (const host of ['localhost', `LOCALHOST:${door.port}`, `127.0.0.1:${door.port}`, `[::1]:${door.port}`])
    assert.equal((await ask(`${door.url}/`, { headers: { host } })).status, 200, host);
});

test('web: another site cannot send a form here', async () => {
  await using door = await open();
  const post = (headers: Record<string, string>) =>
    ask(`${door.url}/do`, { method: 'POST', headers }).then(({ status }) => status);
  assert.equal(await post({}), 200);
  assert.equal(await post({ origin: door.url }), 200);
  assert.equal(await post({ origin: 'https://evil.example' }), 403);
  assert.equal(await post({ origin: 'null' }), 403);
  assert.equal(await post({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await post({ 'sec-fetch-site': 'same-site' }), 403);
  for (const own of ['none', 'same-origin']) assert.equal(await post({ 'sec-fetch-site': own }), 200, own);
});

test('web: whoever is not admitted sees only what is open', async () => {
  await using door = await open({
    locks: locked({ admits: async (authorization) => (authorization === 'Bearer good' ? 'admitted' : 'refused') }),
  });
  const status = (path: string, authorization?: string) =>
    ask(`${door.url}${path}`, { headers: authorization === undefined ? {} : { authorization } }).then(
      (one) => one.status,
    );
  assert.equal(await status('/'), 401);
  assert.equal(await status('/', 'Bearer bad'), 401);
  assert.equal(await status('/', 'Bearer good'), 200);
  assert.equal(await status('/open'), 200);
});

test('web: a handler that throws gives 500, and its message is not repeated', async () => {
  await using door = await open();
  for (const path of ['/broken', '/broken-at-once']) {
    const { status, text } = await ask(`${door.url}${path}`);
    assert.equal(status, 500);
    assert.doesNotMatch(text, /canary/);
  }
  assert.equal((await ask(`${door.url}/`)).status, 200);
});

test('web: a taken port is passed over for the next free one', async () => {
  await using first = await open();
  await using second = await open({ port: first.port });
  assert.ok(second.port > first.port && second.port <= first.port + 20);
  assert.equal((await ask(`${second.url}/`)).status, 200);
});

test('web: an address that is not ours rejects', async () => {
  await assert.rejects(open({ host: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' });
});

test('web: a browser that reads nothing, or goes away, holds nothing', async () => {
  const large: Route = {
    method: 'GET',
    path: '/large',
    handle: (_request, response) => void response.end(Buffer.alloc(50_000_000)),
  };
  await using door = await open({ routes: [large, ...routes] });
  const deaf = net.connect(
    door.port,
    '127.0.0.1',
    () => void deaf.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  );
  deaf.on('error', () => {});
  deaf.pause();
  const gone = net.connect(
    door.port,
    '127.0.0.1',
    () => void gone.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  );
  gone.on('error', () => {});
  gone.once('data', () => gone.destroy());
  assert.equal((await ask(`${door.url}/`)).status, 200);
  deaf.destroy();
});

test('web: TLS', async () => {
  const { root, leaf, intermediate } = await chain();
  await using door = await open({ locks: locked({ tls: { cert: leaf.cert + intermediate.cert, key: leaf.key } }) });
  assert.match(door.url, /^https:/);
  const status = await new Promise((resolve, reject) => {
    const request = tlsRequest(door.url, { ca: root.cert, servername: 'localhost', agent: false }, ({ statusCode }) =>
      resolve(statusCode),
    );
    request.on('error', reject);
    request.end();
  });
  assert.equal(status, 200);
});
