import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { exchangeHttp1 } from '../../src/net/http1.ts';
import { exchangeHttp2 } from '../../src/net/http2.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { http } from '../../src/probers/http/http.ts';
import { execute } from '../../src/run/execute.ts';
import { exampleCheck } from '../run/example.ts';
import { answer, httpServer } from '../servers/http.ts';

const request = {
  method: 'GET',
  path: '/',
  headers: [['Host', 'shop.test']],
  body: undefined,
} as const;
const taker = { onInterim: () => {}, onHead: () => true, onBody: () => true };
const never = new AbortController().signal;

test('exchange: a connection that is gone before the request is on its way ends as such, and nothing waits for it', async () => {
  await using server = await httpServer();
  for (const exchange of [exchangeHttp1, exchangeHttp2])
    for (const signal of [never, AbortSignal.abort('deadline')]) {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      const ending = exchange(socket, request, taker, signal, () => 0);
      // As the end of a run's time, a stop or the peer may do between two turns.
      socket.destroy();
      const { failure } = await ending;
      assert.equal(failure?.reason, signal === never ? 'connection_closed' : 'timeout');
    }
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  assert.equal(
    (await exchangeHttp1(socket, request, taker, never, () => 0)).failure,
    undefined,
    'the next one goes well',
  );
});

test('exchange: time limits that end runs at every moment leave the process alive', async () => {
  await using server = await httpServer((_request, socket) => {
    setTimeout(() => socket.write(answer(200)), Math.random() * 20);
    return undefined;
  });
  await using kit = makeKit();
  const settings = http.settings.parse({ preferred_ip_protocol: 'ip4' });
  const clock = marks();
  const example = exampleCheck({ target: { address: server.url }, timeoutMs: 12 });
  const check = { ...example, module: { ...example.module, settings } };
  let runs = 0;
  const loop = async () => {
    for (; runs < 4_000; runs += 1) await execute(check, http, kit, { clock });
  };
  await Promise.all(Array.from({ length: 40 }, loop));
  assert.ok(runs >= 4_000);
});
