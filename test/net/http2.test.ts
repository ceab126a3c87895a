import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import type { Seconds } from '../../src/kernel/check.ts';
import type { Exchanged } from '../../src/net/http-exchange.ts';
import { exchangeHttp2 } from '../../src/net/http2.ts';
import { encodeHpack } from '../../src/protocol/hpack.ts';
import type { Field, ResponseHead } from '../../src/protocol/http1-head.ts';
import type { RequestParts } from '../../src/protocol/http1-request.ts';
import { frameBytes, frameFlags, frameTypes, settingsFrame } from '../../src/protocol/http2-frames.ts';
import { chain } from '../servers/certificates.ts';
import { http2Server } from '../servers/http.ts';
import { framedServer } from '../servers/http2-framed.ts';
import { tcpServer } from '../servers/tcp.ts';
import { tlsServer } from '../servers/tls.ts';

const request: RequestParts = { method: 'GET', path: '/', headers: [['Host', 'localhost']], body: undefined };

type Took = { readonly exchanged: Exchanged; readonly head?: ResponseHead; interim: number[]; length: number };
type How = {
  readonly request?: Partial<RequestParts>;
  readonly onHead?: () => boolean;
};

/** Connects over TLS and exchanges; the clock counts milliseconds. */
const exchange = async (port: number, how: How = {}): Promise<Took> => {
  const socket = tls.connect({ port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const took: { head?: ResponseHead; interim: number[]; length: number } = { interim: [], length: 0 };
  const exchanged = await exchangeHttp2(
    socket,
    { ...request, ...how.request },
    {
      onInterim: ({ status }) => took.interim.push(status),
      onHead: (head) => {
        took.head = head;
        return how.onHead?.() ?? true;
      },
      onBody: (bytes) => {
        took.length += bytes.length;
        return true;
      },
    },
    new AbortController().signal,
    (): Seconds => performance.now(),
  );
  assert.ok(socket.destroyed);
  return { ...took, exchanged };
};

const { endHeaders, endStream, acknowledged } = frameFlags;
const settings = settingsFrame([]);
const silent = { onInterim: () => {}, onHead: () => true, onBody: () => true };
const frame = (type: number, stream: number, payload: Uint8Array) => frameBytes(type, 0, stream, payload);
const head = (stream: number, status: string, more: readonly Field[] = [], flags = 0) =>
  frameBytes(
    frameTypes.headers,
    endHeaders | flags,
    stream,
    encodeHpack([[':status', status], ...more], () => false),
  );
const data = (stream: number, body: string, flags = 0) => frameBytes(frameTypes.data, flags, stream, Buffer.from(body));

test('http2 exchange: a body of many windows comes in whole, and an upload of many windows goes out whole', async () => {
  let received = 0;
  await using server = await http2Server((stream) => {
    stream.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    stream.on('end', () => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
      stream.end(Buffer.alloc(8_000_000));
    });
  });
  const { exchanged, length } = await exchange(server.port, {
    request: { method: 'POST', body: Buffer.alloc(3_000_000) },
  });
  assert.deepEqual([exchanged.failure, length, received], [undefined, 8_000_000, 3_000_000]);
});

test('http2 exchange: phases begin at the first HEADERS and end with the stream, not with the connection', async () => {
  let [headAt, endAt] = [0, 0];
  await using server = await framedServer({
    onRequest: ({ stream }, socket) => {
      socket.write(settings);
      setTimeout(() => {
        headAt = performance.now();
        socket.write(head(stream, '103'));
        setTimeout(() => {
          endAt = performance.now();
          socket.write(Buffer.concat([head(stream, '200'), data(stream, 'ok', endStream)]));
        }, 60);
      }, 60);
    },
  });
  const { exchanged, interim, head: given } = await exchange(server.port);
  assert.deepEqual([exchanged.failure, interim, given?.status], [undefined, [103], 200]);
  const { firstByteAt = 0, endedAt = 0 } = exchanged;
  assert.ok(firstByteAt >= headAt && firstByteAt < endAt && endedAt >= endAt, 'in the order of what the server sent');
  await server.allClosed();
});

test('http2 exchange: a body with Expect: 100-continue waits for the interim response', async () => {
  const events: string[] = [];
  await using server = await framedServer({
    onRequest: ({ stream }, socket) => {
      socket.write(settings);
      setTimeout(() => {
        events.push('100');
        socket.write(head(stream, '100'));
      }, 50);
    },
    onFrame: ({ type, stream }, payload, socket) => {
      if (type !== frameTypes.data) return;
      events.push(payload.toString());
      socket.write(head(stream, '200', [], endStream));
    },
  });
  const { exchanged, interim } = await exchange(server.port, {
    request: {
      method: 'PUT',
      headers: [
        ['Host', 'localhost'],
        ['Expect', '100-continue'],
      ],
      body: Buffer.from('body'),
    },
  });
  assert.deepEqual([exchanged.failure, interim, events], [undefined, [100], ['100', 'body']]);
});

test('http2 exchange: a head that is not wanted further ends it, and is no failure', async () => {
  await using server = await http2Server((stream) => void stream.respond({ ':status': 302, location: '/x' }));
  const { exchanged, head: given } = await exchange(server.port, { onHead: () => false });
  assert.equal(exchanged.failure, undefined);
  assert.ok((exchanged.endedAt ?? 0) >= (exchanged.firstByteAt ?? Number.POSITIVE_INFINITY));
  assert.deepEqual(
    given?.fields.filter(([name]) => name === 'location'),
    [['location', '/x']],
  );
  await server.allClosed();
});

test('http2 exchange: a problem names the header and the way out', async () => {
  await using server = await framedServer({
    onRequest: ({ stream }, socket) =>
      void socket.write(Buffer.concat([settings, head(stream, '200', [['X-Up', '1']])])),
  });
  const { exchanged } = await exchange(server.port);
  assert.equal(exchanged.failure?.reason, 'protocol_error');
  assert.match(exchanged.failure?.detail ?? '', /"X-Up"; `enable_http2: false` uses HTTP\/1\.1$/);
  await server.allClosed();
});

test('http2 exchange: what ends midway has its reason, and the time limit is ours', async () => {
  const ends: readonly [name: string, end: (socket: Socket) => void, reason: string][] = [
    ['in order', (socket) => socket.end(), 'connection_closed'],
    ['by a reset', (socket) => socket.resetAndDestroy(), 'connection_reset'],
    ['by GOAWAY', (socket) => socket.write(frame(frameTypes.goAway, 0, Buffer.alloc(8))), 'connection_closed'],
    ['by RST_STREAM', (socket) => socket.write(frame(frameTypes.resetStream, 1, Buffer.alloc(4))), 'protocol_error'],
    ['by the time limit', () => limit.abort('deadline'), 'timeout'],
  ];
  let limit = new AbortController();
  for (const [name, end, reason] of ends)
    for (const begins of [false, true]) {
      limit = new AbortController();
      // In plaintext, since a connection under TLS cannot be reset.
      await using server = await tcpServer({
        onData: (socket) => {
          socket.removeAllListeners('data');
          socket.resume();
          socket.write(Buffer.concat([settings, ...(begins ? [head(1, '200'), data(1, 'o')] : [])]), () =>
            // What came before is read first.
            setTimeout(() => end(socket), 20),
          );
        },
      });
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      limit.signal.addEventListener('abort', () => socket.destroy());
      const { failure } = await exchangeHttp2(socket, request, silent, limit.signal, () => 0);
      assert.deepEqual([failure?.reason, failure?.phase], [reason, begins ? 'transfer' : 'processing'], name);
      await server.allClosed();
    }
});

test('http2 exchange: the alert of a server that wants a client certificate counts, not the end behind it', async () => {
  const { root } = await chain();
  await using server = await tlsServer({ ALPNProtocols: ['h2'], requestCert: true, ca: root.cert });
  const { exchanged } = await exchange(server.port);
  assert.equal(exchanged.failure?.reason, 'tls_client_certificate_required');
});

test('http2 exchange: a server that sends PINGs and reads nothing is not read without end', async () => {
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(frameTypes.ping, 0, Buffer.alloc(8))));
  await using server = await tcpServer({
    onConnection: (peer) => {
      peer.pause();
      peer.write(Buffer.concat([settings, head(1, '200')]));
      const more = () => {
        if (!peer.destroyed) peer.write(Buffer.concat([data(1, 'x'.repeat(10_000)), pings]), () => setImmediate(more));
      };
      more();
    },
  });
  const limit = new AbortController();
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const exchanging = exchangeHttp2(socket, request, silent, limit.signal, () => 0);
  while (!socket.isPaused() && !socket.destroyed) await turn();
  assert.ok(socket.writableLength < 2_097_152, `${socket.writableLength} bytes wait`);
  limit.abort('deadline');
  socket.destroy();
  assert.equal((await exchanging).failure?.reason, 'timeout');
});

test('http2 exchange: a taker that waits keeps the peer waiting, and gets all of the body in the end', async () => {
  const size = 4_000_000;
  let sent = 0;
  await using server = await http2Server((stream) => {
    stream.respond({ ':status': 200 });
    const more = () => {
      sent += 10_000;
      if (sent === size) stream.end(Buffer.alloc(10_000));
      else stream.write(Buffer.alloc(10_000), more);
    };
    more();
  });
  const socket = tls.connect({
    port: server.port,
    host: '127.0.0.1',
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  let length = 0;
  let most = 0;
  const onBody = async (bytes: Uint8Array) => {
    length += bytes.length;
    await turn();
    most = Math.max(most, sent - length);
    return true;
  };
  const { signal } = new AbortController();
  const { failure } = await exchangeHttp2(socket, request, { ...silent, onBody }, signal, () => performance.now());
  assert.deepEqual([failure, length], [undefined, size]);
  assert.ok(most < size / 2, `${most} bytes were on their way`);
});

test('http2 exchange: a header that cannot be sent is the fault of the target', async () => {
  await using server = await tcpServer();
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const { failure } = await exchangeHttp2(
    socket,
    { ...request, headers: [['X', 'a\nb']] },
    silent,
    new AbortController().signal,
    () => 0,
  );
  assert.deepEqual([failure?.reason, failure?.phase], ['target_invalid', 'setup']);
});

test('http2 exchange: a server that never acknowledges, and settings that change midway, do no harm', async () => {
  await using server = await framedServer({
    onRequest: ({ stream }, socket) => {
      socket.write(
        Buffer.concat([
          settings,
          head(stream, '200'),
          settingsFrame([
            [1, 0],
            [3, 1],
            [6, 100],
          ]),
        ]),
      );
    },
    onFrame: ({ type, flags }, _payload, socket) => {
      if (type === frameTypes.settings && (flags & acknowledged) !== 0) socket.write(data(1, 'ok', endStream));
    },
  });
  const { exchanged, length } = await exchange(server.port);
  assert.deepEqual([exchanged.failure, length], [undefined, 2]);
});
