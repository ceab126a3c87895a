import assert from 'node:assert/strict';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { http2Server, httpServer, httpsServer, type Script } from '../../servers/http.ts';
import { endHeaders, endStream, frame, framesServer, status200, word } from '../../servers/http2-frames.ts';
import { closeNotifyBytes, truncating } from '../../servers/truncating.ts';
import { type Given, probeHttp } from './probe.ts';

// How an answer ends decides whether it is one: by its length, its last chunk, or, where nothing else says it, the end of the connection.

const untilClose = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n';
const old = 'HTTP/1.0 200 OK\r\n\r\n';
const sized = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n';
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Says something a while after something else, so that the two come in one by one. */
const then = (socket: Socket, first: string | Uint8Array, next: () => void): undefined => {
  socket.write(first, () => setTimeout(next, 20));
};

const ends = (head: string, body: string | Uint8Array = 'hello'): Script => {
  const said = Buffer.concat([Buffer.from(head), Buffer.from(body)]);
  return (_request, socket) => then(socket, said, () => socket.end());
};
const resets =
  (said: string): Script =>
  (_request, socket) =>
    then(socket, said, () => socket.resetAndDestroy());
const stalls =
  (said: string | Uint8Array): Script =>
  (_request, socket) =>
    void socket.write(said);
const drips =
  (said: string): Script =>
  (_request, socket) => {
    socket.write(said);
    const timer = setInterval(() => socket.write('x'), 10);
    socket.once('close', () => clearInterval(timer));
    return undefined;
  };

type Case = readonly [how: string, script: Script, expected: readonly string[], timeoutMs?: number];

const closed = ['transfer connection_closed'];
const reset = ['transfer connection_reset'];
const late = ['transfer timeout'];
const soon = 300;

const cases: readonly Case[] = [
  ['a body until the end of the connection, closed in order', ends(untilClose), []],
  ['a body of HTTP/1.0, closed in order', ends(old), []],
  ['a body without a word about its end, closed in order', ends('HTTP/1.1 200 OK\r\n\r\n'), []],
  ['an empty body until the end of the connection', ends(untilClose, ''), []],
  ['a body until the end that goes on for ever', drips(untilClose), late, soon],
  ['a body of HTTP/1.0 that goes on for ever', drips(old), late, soon],
  ['a body until the end that stalls', stalls(`${untilClose}hello`), late, soon],
  ['a body until the end that never begins', stalls(untilClose), late, soon],
  ['a body until the end, reset', resets(`${untilClose}hello`), reset],
  ['a body of HTTP/1.0, reset', resets(`${old}hello`), reset],
  ['a body until the end, reset before it began', resets(untilClose), reset],
  ['a body of a length, whole', ends(sized, 'x'.repeat(100)), []],
  ['a body of a length, whole, then reset', resets(`${sized}${'x'.repeat(100)}`), []],
  ['a body of a length, cut', ends(sized), closed],
  ['a body of a length, reset', resets(`${sized}hello`), reset],
  ['a body of a length, stalled', stalls(`${sized}hello`), late, soon],
  ['a body in chunks, whole', ends(chunked, '5\r\nhello\r\n0\r\n\r\n'), []],
  ['a body in chunks, cut between two', ends(chunked, '5\r\nhello\r\n'), closed],
  ['a body in chunks, cut within one', ends(chunked, '5\r\nhe'), closed],
  ['a body in chunks, cut within a size', ends(chunked, '5'), closed],
  ['a body in chunks, cut before its last line', ends(chunked, '5\r\nhello\r\n0\r\n'), closed],
  ['a body in chunks, reset', resets(`${chunked}5\r\nhello\r\n`), reset],
  ['a body in chunks, stalled', stalls(`${chunked}5\r\nhello\r\n`), late, soon],
  ['a head that is cut', ends('HTTP/1.1 200 OK\r\nConte', ''), closed],
  ['a head that is cut before its empty line', ends('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n', ''), closed],
  ['a status line that is cut', ends('HTTP/1.1 2', ''), closed],
  ['a head that is reset', resets('HTTP/1.1 200 OK\r\nConte'), reset],
  ['an interim answer and then the end', ends('HTTP/1.1 103 Early Hints\r\n\r\n', ''), closed],
  ['nothing at all, closed in order', (_request, socket) => void socket.end(), ['processing connection_closed']],
];

for (const [how, script, expected, timeoutMs] of cases)
  test(`http ends: ${how} is ${expected.length === 0 ? 'an answer' : `${expected}`}`, async () => {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    await using plain = await httpServer(script);
    await using secure = await httpsServer(script);
    for (const [url, server] of [
      [plain.url, plain],
      [secure.url, secure],
    ] as const) {
      // A reset ends a TLS socket of Node without the connection being reset: the server's own half is a stream of its own.
      if (url.startsWith('https') && expected === reset) continue;
      const { failures, points } = await probeHttp(url, {}, options);
      assert.deepEqual(failures, expected, url);
      assert.equal(points.get('probe_failed_due_to_regex') ?? 0, 0);
      await server.allClosed();
    }
  });

test('http ends: a body that was cut is not searched, and counts as a failed expression as with blackbox_exporter', async () => {
  for (const given of [
    { fail_if_body_not_matches_regexp: ['hello'] },
    { fail_if_body_not_matches_regexp: ['never'] },
    { fail_if_body_matches_regexp: ['hello'] },
  ] satisfies Given[]) {
    await using server = await httpServer(stalls(`${untilClose}hello`));
    const { failures, points } = await probeHttp(server.url, given, { timeoutMs: soon });
    assert.deepEqual(failures, late);
    assert.equal(points.get('probe_failed_due_to_regex'), 1);
    assert.equal(points.get('probe_http_status_code'), 200);
    assert.equal(points.get('probe_http_uncompressed_body_length'), 5);
  }
});

test('http ends: a status that is wrong is said of an answer that is cut as well', async () => {
  await using server = await httpServer(drips('HTTP/1.1 500 Oops\r\n\r\n'));
  const { failures } = await probeHttp(server.url, {}, { timeoutMs: soon });
  assert.deepEqual(failures, ['transfer timeout', 'check http_status']);
});

test('http ends: a redirect is followed whatever becomes of its own body', async () => {
  const there = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  await using server = await httpServer(({ path }, socket) =>
    path === '/there' ? there : drips('HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n')({} as never, socket),
  );
  assert.deepEqual((await probeHttp(server.url)).failures, []);
  const { failures } = await probeHttp(server.url, { follow_redirects: false }, { timeoutMs: soon });
  assert.deepEqual(failures, ['transfer timeout', 'check http_status']);
});

test('http ends: a limit of the module ends a body before its time, whether anything looks at the body or not', async () => {
  await using server = await httpServer(drips(`${untilClose}${'x'.repeat(2_000)}`));
  for (const given of [{}, { fail_if_body_matches_regexp: ['y'] }])
    assert.deepEqual((await probeHttp(server.url, { ...given, body_size_limit: '1KB' })).failures, [
      'transfer body_too_large',
    ]);
});

test('http ends: only a compressed body with its trailer is whole', async () => {
  const text = Buffer.from('hello '.repeat(500));
  for (const [compression, whole, cut] of [
    ['gzip', gzipSync(text), 8],
    ['gzip', gzipSync(text), 1],
    ['deflate', deflateSync(text), 1],
    ['deflate', deflateRawSync(text), 1],
    ['br', brotliCompressSync(text), 1],
    ['zstd', zstdCompressSync(text), 1],
  ] as const) {
    const given: Given = { compression, fail_if_body_not_matches_regexp: ['hello'] };
    await using good = await httpServer(ends(untilClose, whole));
    assert.deepEqual((await probeHttp(good.url, given)).failures, [], compression);
    await using bad = await httpServer(ends(untilClose, whole.subarray(0, -cut)));
    assert.deepEqual((await probeHttp(bad.url, given)).failures, ['transfer body_encoding'], compression);
    await using stalled = await httpServer(stalls(Buffer.concat([Buffer.from(untilClose), whole.subarray(0, -cut)])));
    assert.deepEqual((await probeHttp(stalled.url, given, { timeoutMs: soon })).failures, late, compression);
  }
});

test('http ends: TLS that ends without close_notify ends a body between two records, as in Go, and cuts it within one', async () => {
  const whole: Script = (_request, socket) => void socket.end(`${untilClose}hello`);
  for (const [taken, expected] of [
    [0, []],
    [closeNotifyBytes, []],
    [closeNotifyBytes + 1, undefined],
    [closeNotifyBytes + 12, undefined],
  ] as const) {
    await using server = await httpsServer(whole);
    await using proxy = await truncating(server.port, taken);
    const { failures } = await probeHttp(`https://localhost:${proxy.port}`, {}, { timeoutMs: 2_000 });
    if (expected !== undefined) assert.deepEqual(failures, expected, `${taken} bytes`);
    else assert.match(String(failures), /^(?:transfer|processing) connection_(?:closed|reset)$/, `${taken} bytes`);
  }
});

test('http ends: TLS that is cut is never the whole of a body that says its length', async () => {
  const whole: Script = (_request, socket) => void socket.end(`${sized}${'x'.repeat(50)}`);
  for (const taken of [0, closeNotifyBytes, closeNotifyBytes + 12]) {
    await using server = await httpsServer(whole);
    await using proxy = await truncating(server.port, taken);
    const { failures } = await probeHttp(`https://localhost:${proxy.port}`, {}, { timeoutMs: 2_000 });
    assert.match(String(failures), /connection_(?:closed|reset)/, `${taken} bytes`);
  }
});

const head = frame('headers', endHeaders, 1, status200);
const begun = [head, frame('data', 0, 1, Buffer.from('hello'))];
const whole = [head, frame('data', endStream, 1, Buffer.from('hello'))];
const resetBy = (code: number) => frame('reset', 0, 1, word(code));
const goAway = (lastStream: number, code: number) =>
  frame('goAway', 0, 0, Buffer.concat([word(lastStream), word(code)]));
const { NGHTTP2_NO_ERROR, NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_ENHANCE_YOUR_CALM } = http2.constants;

const streams: readonly (readonly [how: string, frames: readonly Uint8Array[], answer: boolean])[] = [
  ['whole', whole, true],
  ['whole, its end in a frame of its own', [...begun, frame('data', endStream, 1)], true],
  ['whole in one write', [Buffer.concat(whole)], true],
  ['without a body', [frame('headers', endHeaders | endStream, 1, status200)], true],
  ['whole, then reset by NO_ERROR', [...whole, resetBy(NGHTTP2_NO_ERROR)], true],
  ['whole, and reset by NO_ERROR in one write', [Buffer.concat([...whole, resetBy(NGHTTP2_NO_ERROR)])], true],
  ['reset by NO_ERROR', [...begun, resetBy(NGHTTP2_NO_ERROR)], false],
  ['reset by NO_ERROR in one write', [Buffer.concat([...begun, resetBy(NGHTTP2_NO_ERROR)])], false],
  ['reset by NO_ERROR right behind its head', [head, resetBy(NGHTTP2_NO_ERROR)], false],
  ['reset by CANCEL', [...begun, resetBy(NGHTTP2_CANCEL)], false],
  ['reset by INTERNAL_ERROR', [...begun, resetBy(NGHTTP2_INTERNAL_ERROR)], false],
  ['that GOAWAY gives up', [...begun, goAway(0, NGHTTP2_NO_ERROR)], false],
  ['that GOAWAY gives up with an error', [...begun, goAway(0, NGHTTP2_ENHANCE_YOUR_CALM)], false],
  ['that GOAWAY lets be the last', [goAway(1, NGHTTP2_NO_ERROR), ...whole], true],
  ['on a connection that is closed', begun, false],
];
for (const [how, frames, isAnswer] of streams)
  test(`http ends: a stream of HTTP/2 ${how} is ${isAnswer ? 'an answer' : 'a failure'}`, async () => {
    await using server = await framesServer(frames, (socket) => socket.end());
    const { failures, points, detail } = await probeHttp(server.url, {}, { timeoutMs: 3_000 });
    assert.equal(points.get('probe_http_version'), 2);
    assert.equal(points.get('probe_http_status_code'), 200);
    if (isAnswer) assert.deepEqual(failures, []);
    else assert.match(String(failures), /^transfer (?:connection_closed|connection_reset|protocol_error)$/, detail);
  });

test('http ends: a stream of HTTP/2 that stalls or goes on for ever is a failure', async () => {
  await using stalled = await framesServer(begun);
  assert.deepEqual((await probeHttp(stalled.url, {}, { timeoutMs: soon })).failures, late);
  await using dripping = await http2Server((stream) => {
    stream.respond({ ':status': 200 });
    const timer = setInterval(() => stream.write('x'), 10);
    stream.once('close', () => clearInterval(timer));
  });
  assert.deepEqual((await probeHttp(dripping.url, {}, { timeoutMs: soon })).failures, late);
});
