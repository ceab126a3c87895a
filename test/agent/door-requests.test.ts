import assert from 'node:assert/strict';
import { request as httpRequest, type ServerResponse } from 'node:http';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { agentRoutes, type Shown } from '../../src/agent/routes.ts';
import { hostOf, isLoopback, servedHosts } from '../../src/agent/served-hosts.ts';
import { sharedBody, takesGzip } from '../../src/agent/shared-body.ts';
import { sharedReload } from '../../src/agent/shared-reload.ts';
import { type WebOptions, webServer } from '../../src/agent/web-server.ts';

const status: Shown['status'] = () => ({
  version: '',
  title: 'x'.repeat(10_000),
  now: 0,
  checks: [],
  deliveries: [],
  list: { hash: '', loadedAt: 0 },
});

const shown = (more: Partial<Shown> = {}): Shown => ({
  page: { html: 'page', policy: "default-src 'none'" },
  status,
  metrics: () => 'up 1\n',
  ready: () => true,
  ...more,
});

const open = (more: Partial<Shown> = {}, options: Partial<WebOptions> = {}) =>
  webServer({ host: '127.0.0.1', port: 0, routes: agentRoutes(shown(more)), ...options });

type Asked = {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly host?: string;
  readonly localAddress?: string;
};

const ask = (
  port: number,
  path: string,
  { method = 'GET', headers = {}, host = '127.0.0.1', localAddress }: Asked = {},
) =>
  new Promise<{ status: number; text: string; bytes: Buffer; headers: Record<string, unknown> }>((resolve, reject) => {
    httpRequest({ host, port, path, method, headers, localAddress, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, text: bytes.toString(), bytes, headers: response.headers });
      });
    })
      .on('error', reject)
      .end();
  });

/** What a raw request is answered until the connection ends. */
const raw = async (port: number, text: string): Promise<string> => {
  const socket = net.connect(port, '127.0.0.1', () => void socket.write(text));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
};

test('web: 50 requests at once make status and metrics once', async () => {
  let made = 0;
  const count = <Made>(value: Made) => {
    made += 1;
    return value;
  };
  await using door = await open({ status: () => count(status()), metrics: () => count('up 1\n') });
  for (const path of ['/api/status', '/metrics']) {
    made = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(door.port, path)));
    assert.ok(answers.every((answer) => answer.status === 200 && answer.text === answers[0]?.text));
    // A second one if the requests took longer than a second.
    assert.ok(made <= 2, `${path}: ${made}`);
  }
});

test('shared body: it is made once a second, and at once after it has expired', async () => {
  let [now, made] = [0, 0];
  const body = sharedBody(
    () => `${++made}`,
    () => now,
  );
  const text = async () => (await body.get(false)).bytes.toString();
  assert.deepEqual(await Promise.all(Array.from({ length: 50 }, text)), Array(50).fill('1'));
  now = 999;
  assert.equal(await text(), '1');
  now = 1_000;
  assert.equal(await text(), '2');
  body.expire();
  assert.equal(await text(), '3');
});

test('web: status is compressed for who takes it, once for all', async () => {
  await using door = await open();
  const packed = await ask(door.port, '/api/status', { headers: { 'accept-encoding': 'br, gzip;q=0.5' } });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(JSON.parse(gunzipSync(packed.bytes).toString()).title, 'x'.repeat(10_000));
  const plain = await ask(door.port, '/api/status', { headers: { 'accept-encoding': 'gzip;q=0, identity' } });
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(plain.headers.vary, 'Accept-Encoding');
  assert.equal(JSON.parse(plain.text).title, 'x'.repeat(10_000));
  const head = await ask(door.port, '/api/status', { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } });
  assert.deepEqual([head.status, head.text, head.headers['content-encoding']], [200, '', 'gzip']);
  for (const [header, taken] of [
    ['*', true],
    ['GZIP ; q=1.0', true],
    ['gzip;q=0.000', false],
    ['gzipped', false],
    ['', false],
  ] as const)
    assert.equal(takesGzip(header), taken, header);
});

test('reload: quick requests share one reload that starts after them, and good or bad the next one waits', async () => {
  const pauses: PromiseWithResolvers<void>[] = [];
  let started = 0;
  const pause = () => {
    const one = Promise.withResolvers<void>();
    pauses.push(one);
    return one.promise;
  };
  const reload = sharedReload(async () => {
    started += 1;
    if (started === 2) throw new Error('bad');
    return started;
  }, pause);
  assert.equal(await reload(), 1);
  const shared = Promise.allSettled([reload(), reload(), reload()]);
  assert.equal(started, 1);
  pauses[0]?.resolve();
  assert.deepEqual(
    (await shared).map((one) => one.status),
    ['rejected', 'rejected', 'rejected'],
  );
  const last = reload();
  assert.equal(started, 2);
  pauses[1]?.resolve();
  assert.equal(await last, 3);
});

test('web: 30 reloads at once are at most two, each answered by one that began after it', async () => {
  let reloads = 0;
  const reload = async () => {
    reloads += 1;
    return [`targets.yaml: reload ${reloads}`];
  };
  await using door = await open({ reload, pause: async () => {} });
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(door.port, '/-/reload', { method: 'POST' })));
  assert.ok(answers.every((answer) => answer.status === 422));
  const pause = Promise.withResolvers<void>();
  await using paused = await open({ reload, pause: () => pause.promise });
  reloads = 0;
  await ask(paused.port, '/-/reload', { method: 'POST' });
  const waiting = Array.from({ length: 30 }, () => ask(paused.port, '/-/reload', { method: 'POST' }));
  // All of them have arrived before the last.
  await ask(paused.port, '/-/healthy');
  pause.resolve();
  assert.deepEqual(
    new Set((await Promise.all(waiting)).map(({ text }) => text)),
    new Set(['targets.yaml: reload 2\n']),
  );
  assert.equal(reloads, 2);
});

test('web: a reload is refused from elsewhere and through a proxy, unless credentials are demanded', async () => {
  let reloads = 0;
  const reload = async () => {
    reloads += 1;
    return [];
  };
  await using door = await open({ reload, pause: async () => {} }, { host: '0.0.0.0' });
  const post = (more: Asked) => ask(door.port, '/-/reload', { method: 'POST', ...more });
  for (const name of ['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-Proto', 'X-Envoy-Attempt-Count'])
    assert.equal((await post({ headers: { [name]: '127.0.0.1' } })).status, 403, name);
  // A sidecar of a service mesh connects from another loopback address.
  assert.equal((await post({ localAddress: '127.0.0.6' })).status, 403);
  const own = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4');
  for (const { address } of own)
    for (const headers of [{}, { 'x-forwarded-for': '127.0.0.1' }]) {
      const refused = await post({ host: address, headers });
      assert.equal(refused.status, 403);
      assert.match(refused.text, /--web-config/);
    }
  assert.equal(reloads, 0);
  assert.equal((await post({})).status, 200);
  await using locked = await open(
    { reload },
    { locks: () => ({ admits: async (text) => (text === 'Bearer good' ? 'admitted' : 'refused') }) },
  );
  const headers = { 'x-forwarded-for': '192.0.2.1', authorization: 'Bearer good' };
  assert.equal((await ask(locked.port, '/-/reload', { method: 'POST', headers })).status, 200);
  assert.equal((await ask(locked.port, '/-/reload', { method: 'POST' })).status, 401);
});

test('web: a body that no handler reads is not read on, and ends the connection', async () => {
  await using door = await open({ reload: async () => [], pause: async () => {} });
  for (const path of ['/-/reload', '/nothing', '/metrics']) {
    const socket = net.connect(door.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', () => {});
    socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n`);
    const chunk = Buffer.alloc(1_000_000);
    let sent = 0;
    const send = () => {
      while (!socket.destroyed && sent < 1_000) {
        sent += 1;
        if (!socket.write(chunk)) break;
      }
    };
    socket.on('drain', send);
    send();
    await new Promise((resolve) => socket.once('close', resolve));
    // What the kernel's buffers hold, of 1 GB. The answer may be lost in the reset.
    assert.ok(sent < 100, `${sent} MB`);
    assert.match(answer, /^(?:HTTP\/1\.1 \d{3}[\s\S]*Connection: close[\s\S]*)?$/, path);
  }
  const small = 'x'.repeat(60_000);
  const answer = await raw(
    door.port,
    `POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n${small}`,
  );
  assert.match(answer, /^HTTP\/1\.1 200[\s\S]*Connection: close/);
  const chunked = await raw(
    door.port,
    'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  );
  assert.match(chunked, /^HTTP\/1\.1 200[\s\S]*Connection: close/);
});

test('web: a client that asks whether its body is wanted gets the answer without it', async () => {
  await using door = await open({ reload: async () => [] });
  const answer = await raw(
    door.port,
    'POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 200/);
});

test('web: two Host headers, none and malformed ones are refused', async () => {
  await using door = await open({}, { host: '0.0.0.0' });
  for (const [lines, code] of [
    ['Host: localhost\r\nHost: localhost\r\n', 400],
    ['Host: localhost\r\nhost: evil.example\r\n', 400],
    ['', 400],
    ['Host: a@b\r\n', 400],
    ['Host: [127.0.0.1]\r\n', 400],
    ['Host: evil.example/\r\n', 400],
    ['Host: evil.example\r\n', 421],
    ['Host: 127.0.0.1.evil.example:9115\r\n', 421],
    ['Host: localhost\r\n', 200],
  ] as const)
    assert.match(
      await raw(door.port, `GET /api/status HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`),
      new RegExp(`^HTTP/1\\.1 ${code}`),
      lines,
    );
});

test('web: off loopback a page of another name reads nothing, and addresses, names of the cluster and given ones do', async () => {
  await using door = await open({}, { host: '0.0.0.0', hostNames: ['Probes.Example.com.'] });
  const code = async (path: string, host: string) => (await ask(door.port, path, { headers: { host } })).status;
  for (const path of ['/', '/api/status', '/metrics'])
    for (const host of ['evil.example', 'rebind.evil.example:9115', 'bothways.svc.evil.example', 'svc.cluster.local.'])
      assert.equal(await code(path, host), host.startsWith('svc.') ? 200 : 421, host);
  for (const host of [
    '10.1.2.3:9115',
    '[fd00::1]:9115',
    'localhost',
    'bothways',
    'bothways.monitoring.svc',
    'bothways-0.bothways-shards.monitoring.svc.cluster.local:9115',
    'probes.example.com',
    'PROBES.example.com.:443',
  ])
    assert.equal(await code('/api/status', host), 200, host);
  // A load balancer's health check may come under any name: it reads nothing.
  assert.equal(await code('/-/healthy', 'evil.example'), 200);
  await using locked = await open({}, { host: '0.0.0.0', locks: () => ({ admits: async () => 'admitted' }) });
  assert.equal((await ask(locked.port, '/api/status', { headers: { host: 'any.example' } })).status, 200);
});

test('web: on loopback a given name is served too, behind a proxy on the same machine', async () => {
  const serves = servedHosts({ host: '127.0.0.1', names: ['probes.example.com'] });
  for (const name of ['probes.example.com', 'localhost', '127.0.0.1']) assert.ok(serves(name), name);
  for (const name of ['10.0.0.1', 'bothways', 'bothways.monitoring.svc', 'evil.example', ''])
    assert.ok(!serves(name), name);
});

test('web: the host of a header is without its port and final dot', () => {
  for (const [header, name] of [
    ['LOCALHOST:80', 'localhost'],
    ['a.example.:', 'a.example'],
    ['[::1]:9115', '::1'],
    ['::1', undefined],
    ['a b', undefined],
    ['a:b', undefined],
    ['[::1', undefined],
    ['', undefined],
  ] as const)
    assert.equal(hostOf(header), name, header);
  for (const host of ['localhost', '127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1'])
    assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '127.0.0.1.example', '10.0.0.1', '::ffff:10.0.0.1', ''])
    assert.ok(!isLoopback(host), host);
});

test('web: a route that reads bodies gets them and keeps the connection', async () => {
  const echo = {
    method: 'POST' as const,
    path: '/echo',
    readsBody: true,
    handle: async (request: AsyncIterable<Buffer>, response: ServerResponse) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      response.end(Buffer.concat(chunks));
    },
  };
  await using door = await webServer({ host: '127.0.0.1', port: 0, routes: [echo] });
  const answer = await fetch(`${door.url}/echo`, { method: 'POST', body: 'hello' });
  assert.equal(answer.headers.get('connection'), 'keep-alive');
  assert.equal(await answer.text(), 'hello');
});
