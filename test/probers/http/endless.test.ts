import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { httpServer, httpsServer, type Script } from '../../servers/http.ts';
import { endHeaders, endStream, frame, framesServer, status103, status200 } from '../../servers/http2-frames.ts';
import { probeHttp } from './probe.ts';

// What an answer may have besides a body, without end: each is cut by its amount, long before the time limit.

const patient = { timeoutMs: 60_000 };

/** Says a piece again and again, as fast as it is read. */
const floods =
  (start: string, piece: string): Script =>
  (_request, socket) => {
    socket.write(start);
    flood(socket, Buffer.from(piece.repeat(Math.ceil(16_384 / piece.length))));
    return undefined;
  };

const flood = (socket: Socket, piece: Buffer): void => {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once('drain', more);
  };
  more();
};

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n';

for (const [what, script, reasons] of [
  ['status line', floods('HTTP/1.1 200 ', 'x'), ['headers_too_large']],
  ['header', floods('HTTP/1.1 200 OK\r\nA: ', 'x'), ['headers_too_large']],
  ['name of a header', floods('HTTP/1.1 200 OK\r\n', 'x'), ['headers_too_large']],
  ['row of headers', floods('HTTP/1.1 200 OK\r\n', 'A: b\r\n'), ['headers_too_large']],
  ['row of empty lines before an answer', floods('', '\r\n'), ['headers_too_large', 'protocol_error']],
  ['row of interim answers', floods('', hint), ['protocol_error']],
  [
    'row of interim answers with large heads',
    floods('', `HTTP/1.1 103 x\r\nA: ${'x'.repeat(16_000)}\r\n\r\n`),
    ['headers_too_large'],
  ],
  ['row of 100 Continue', floods('', 'HTTP/1.1 100 Continue\r\n\r\n'), ['protocol_error', 'connection_closed']],
  ['chunk extension', floods(`${chunked}5;`, 'x'), ['protocol_error']],
  ['chunk extension in quotes', floods(`${chunked}5;a="`, 'x'), ['protocol_error']],
  ['row of chunk extensions', floods(`${chunked}5;a=b`, ';a=b'), ['protocol_error']],
  ['size of a chunk', floods(chunked, '0'), ['protocol_error']],
  ['trailer', floods(`${chunked}0\r\n`, 'A: b\r\n'), ['headers_too_large', 'protocol_error']],
] as const)
  test(`http endless: a ${what} without end is cut, with reason ${reasons.join(' or ')}`, async () => {
    await using plain = await httpServer(script);
    await using secure = await httpsServer(script);
    for (const { url, allClosed } of [plain, secure]) {
      const { failures, seconds, detail } = await probeHttp(url, {}, patient);
      const [, reason = ''] = failures[0]?.split(' ') ?? [];
      assert.ok((reasons as readonly string[]).includes(reason), `${failures}: ${detail}`);
      assert.ok(seconds < patient.timeoutMs / 2_000, `${seconds} s`);
      await allClosed();
    }
  });

test('http endless: as many interim answers as any server sends come before an answer', async () => {
  await using server = await httpServer(() => `${hint.repeat(256)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
  assert.deepEqual((await probeHttp(server.url)).failures, []);
  await using chatty = await httpServer(() => `${hint.repeat(257)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
  assert.deepEqual((await probeHttp(chatty.url)).failures, ['transfer protocol_error']);
});

test('http endless: a body in chunks of one byte each, with extensions, is an answer, whatever its size', async () => {
  const piece = '1;a=b\r\nx\r\n';
  await using server = await httpServer((_request, socket) => {
    let left = 400;
    socket.write(chunked);
    const more = () => {
      while (left > 0) {
        left -= 1;
        if (!socket.write(piece.repeat(1_000))) return void socket.once('drain', more);
      }
      socket.end('0\r\n\r\n');
    };
    more();
    return undefined;
  });
  const { failures, points } = await probeHttp(server.url, {}, patient);
  assert.deepEqual(failures, []);
  assert.equal(points.get('probe_http_uncompressed_body_length'), 400_000);
});

test('http endless: a head of 250 KB is an answer, and so is one behind interim ones', async () => {
  const large = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: ${'x'.repeat(120_000)}\r\n\r\nok`;
  await using server = await httpServer(() => `HTTP/1.1 103 x\r\nA: ${'x'.repeat(120_000)}\r\n\r\n${large}`);
  assert.deepEqual((await probeHttp(server.url, {}, patient)).failures, []);
});

test('http endless: interim answers of HTTP/2 without end are cut', async () => {
  const hints = (count: number) => Array.from({ length: count }, () => frame('headers', endHeaders, 1, status103));
  await using chatty = await framesServer(hints(1_000));
  const { failures, seconds } = await probeHttp(chatty.url, {}, patient);
  assert.deepEqual(failures, ['transfer protocol_error']);
  assert.ok(seconds < patient.timeoutMs / 2_000);
  await using server = await framesServer([...hints(20), frame('headers', endHeaders | endStream, 1, status200)]);
  assert.deepEqual((await probeHttp(server.url, {}, patient)).failures, []);
});
