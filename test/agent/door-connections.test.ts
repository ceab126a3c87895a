import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type ServerResponse } from 'node:http';
import { request as tlsRequest } from 'node:https';
import net from 'node:net';
import { test } from 'node:test';
import { connectionSlots, slotsFor } from '../../src/agent/connection-slots.ts';
import { agentRoutes } from '../../src/agent/routes.ts';
import { type WebOptions, webServer } from '../../src/agent/web-server.ts';
import { chain } from '../servers/certificates.ts';

const routes = agentRoutes({
  page: { html: 'page', policy: "default-src 'none'" },
  status: () => ({ version: '', title: '', now: 0, checks: [], deliveries: [], list: { hash: '', loadedAt: 0 } }),
  metrics: () => 'up 1\n',
  reload: async () => [],
  ready: () => true,
});

const open = (options: Partial<WebOptions> = {}) => webServer({ host: '127.0.0.1', port: 0, routes, ...options });

/** One request on a connection of its own: its status, or the code of what went wrong. */
const ask = (port: number, path: string) =>
  new Promise<number | string>((resolve) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    request.end();
  });

/** Connections that send this and then nothing; disposing closes them. */
const crowd = async (port: number, size: number, text: string, localAddress = '127.0.0.1') => {
  const sockets = Array.from({ length: size }, () => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => {});
    socket.resume();
    if (text !== '') socket.write(text);
    return socket;
  });
  await Promise.all(
    sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})),
  );
  return {
    sockets,
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

const host = 'Host: localhost\r\n';

for (const [kind, text] of [
  ['idle', ''],
  ['slow-header', `GET / HTTP/1.1\r\n${host}X-Slow: `],
  ['slow-body', `POST /-/reload HTTP/1.1\r\n${host}Content-Length: 1000\r\n\r\nx`],
  ['keep-alive', `GET /-/healthy HTTP/1.1\r\n${host}\r\n`],
  ['garbage', '\x16\x03\x01'],
] as const)
  test(`web: health and metrics are answered under 1,500 ${kind} connections of one client`, async () => {
    await using door = await open();
    using _crowd = await crowd(door.port, 1_500, text);
    for (let number = 0; number < 75; number += 1) assert.equal(await ask(door.port, '/-/healthy'), 200, `${number}`);
    assert.equal(await ask(door.port, '/-/ready'), 200);
    assert.equal(await ask(door.port, '/metrics'), 200);
    assert.ok(door.connections().open <= 1_024);
    assert.ok(door.connections().evicted > 0 || kind === 'slow-body' || kind === 'garbage');
  });

test('web: with TLS, connections that never shake hands make room too', async () => {
  const { leaf, intermediate } = await chain();
  await using door = await open({
    slots: 20,
    locks: () => ({ tls: { cert: leaf.cert + intermediate.cert, key: leaf.key } }),
  });
  using _crowd = await crowd(door.port, 100, '\x16');
  assert.ok(door.connections().open <= 20);
  const status = await fetchInsecurely(door.port);
  assert.equal(status, 200);
});

const fetchInsecurely = async (port: number): Promise<number | undefined> => {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/-/healthy', agent: false, rejectUnauthorized: false };
    tlsRequest(options, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
};

test('web: with 16 slots for 256 descriptors health is answered all the same', async () => {
  await using door = await open({ slots: 16 });
  using _crowd = await crowd(door.port, 200, '');
  for (let number = 0; number < 75; number += 1) assert.equal(await ask(door.port, '/-/healthy'), 200);
  assert.ok(door.connections().open <= 16);
  assert.ok(door.connections().evicted > 0);
});

test('web: room is made at the expense of the client with the most connections', async () => {
  await using door = await open({ slots: 16 });
  using scraper = await crowd(door.port, 1, `GET /metrics HTTP/1.1\r\n${host}\r\n`);
  using _crowd = await crowd(door.port, 200, '', '127.0.0.2');
  assert.equal(scraper.sockets[0]?.closed, false);
  const answered = once(scraper.sockets[0] ?? assert.fail(), 'data');
  scraper.sockets[0]?.write(`GET /metrics HTTP/1.1\r\n${host}\r\n`);
  assert.match(String(await answered), /up 1/);
});

test('web: of one client, a connection that waits makes room before one that is answered, trickling bytes or not', async () => {
  const finish = Promise.withResolvers<void>();
  const slow = {
    method: 'GET' as const,
    path: '/slow',
    handle: async (_request: unknown, response: ServerResponse) => {
      await finish.promise;
      response.end('slow');
    },
  };
  const begun = Promise.withResolvers<void>();
  const handle: typeof slow.handle = (request, response) => {
    begun.resolve();
    return slow.handle(request, response);
  };
  await using door = await open({ slots: 4, routes: [...routes, { ...slow, handle }] });
  using answered = await crowd(door.port, 1, `GET /slow HTTP/1.1\r\n${host}\r\n`);
  await begun.promise;
  using trickling = await crowd(door.port, 1, `GET / HTTP/1.1\r\n${host}X: `);
  const closed = once(trickling.sockets[0] ?? assert.fail(), 'close');
  using _crowd = await crowd(door.port, 2, '');
  trickling.sockets[0]?.write('x');
  using _one = await crowd(door.port, 1, '');
  await closed;
  const text = once(answered.sockets[0] ?? assert.fail(), 'data');
  finish.resolve();
  assert.match(String(await text), /slow/);
});

test('web: a connection serves a thousand requests, then the client opens another', async () => {
  await using door = await open();
  const socket = net.connect(door.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  for (let number = 0; number < 1_200; number += 1) socket.write(`GET /-/healthy HTTP/1.1\r\n${host}\r\n`);
  await once(socket, 'close');
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 1_000);
});

test('web: slots are a quarter of the descriptors, from 16 to 1,024', () => {
  const limits = (files: string) =>
    `Max processes   1  1  processes\nMax open files            ${files}   4096   files\n`;
  for (const [files, slots] of [
    ['32', 16],
    ['256', 64],
    ['1024', 256],
    ['1048576', 1_024],
    ['unlimited', 1_024],
  ] as const)
    assert.equal(slotsFor(limits(files)), slots, files);
  assert.ok(slotsFor() >= 16);
});

test('web: a closed connection gives its slot back', async () => {
  const slots = connectionSlots(2);
  const server = net.createServer(slots.add).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  for (let number = 0; number < 10; number += 1) {
    const came = once(server, 'connection');
    const socket = net.connect(port, '127.0.0.1');
    const [theirs] = await came;
    socket.destroy();
    await once(theirs, 'close');
  }
  assert.deepEqual([slots.open(), slots.evicted()], [0, 0]);
  server.close();
});
