import { encodeHpack } from '../../src/protocol/hpack.ts';
import type { Field } from '../../src/protocol/http1-head.ts';
import {
  frameBytes,
  frameFlags,
  frameTypes,
  longestFrame,
  settingsFrame,
  windowUpdate,
} from '../../src/protocol/http2-frames.ts';
import type { Judge } from './http-answers.ts';

/** One HTTP/2 response and how its connection ends, for clients to judge. */
export type Http2Answer = {
  readonly name: string;
  readonly method?: 'HEAD';
  /** Frames behind the server's SETTINGS, for the stream of the request. */
  readonly frames: (stream: number) => readonly Uint8Array[];
  /** What is sent instead of SETTINGS. */
  readonly opening?: Uint8Array;
  /** How the connection ends: in order (the default), or not at all. */
  readonly ends?: 'never';
  /** Whether we take it. */
  readonly ours: boolean;
  /** The clients that take it, as measured with `judges` of http-answers.ts. */
  readonly takenBy: readonly Judge[];
};

const go = 'Go (blackbox_exporter)';
const { endHeaders, endStream, padded, priority } = frameFlags;

const fields = (list: readonly Field[]): Buffer => encodeHpack(list, () => false);
const status: Field = [':status', '200'];
const length: Field = ['content-length', '2'];

/** HEADERS with these flags beside END_HEADERS. */
const headers = (stream: number, list: readonly Field[], flags = 0) =>
  frameBytes(frameTypes.headers, endHeaders | flags, stream, fields(list));
const data = (stream: number, body: string, flags: number = endStream) =>
  frameBytes(frameTypes.data, flags, stream, Buffer.from(body, 'latin1'));
const four = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const reset = (stream: number, code: number) => frameBytes(frameTypes.resetStream, 0, stream, four(code));
const goAway = (last: number, code: number) =>
  frameBytes(frameTypes.goAway, 0, 0, Buffer.concat([four(last), four(code), Buffer.from('bye')]));

/** 200 with `ok` and more headers. */
const also = (...more: readonly Field[]): Http2Answer['frames'] => {
  return (stream) => [headers(stream, [status, ...more]), data(stream, 'ok')];
};
/** A header block in HEADERS and CONTINUATIONs. */
const blocks = (stream: number, block: Buffer, flags = 0, size = longestFrame): Buffer[] => {
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length; at += size) {
    const isLast = at + size >= block.length;
    const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
    frames.push(
      frameBytes(type, (isLast ? endHeaders : 0) | (at === 0 ? flags : 0), stream, block.subarray(at, at + size)),
    );
  }
  return frames;
};
const many = (count: number): Field[] => Array.from({ length: count }, () => ['x', 'y'.repeat(960)]);

/** Responses as servers of the wild send them, and who takes them. We follow Go, but for sizes and a legal 304. */
export const http2Answers: readonly Http2Answer[] = [
  { name: 'head and body', frames: also(length), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  // Headers
  { name: 'Connection: close', frames: also(['connection', 'close']), ours: true, takenBy: [go, 'Chromium'] },
  {
    name: 'Connection: keep-alive and Keep-Alive',
    frames: also(['connection', 'keep-alive'], ['keep-alive', 'timeout=5']),
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  { name: 'Transfer-Encoding: chunked', frames: also(['transfer-encoding', 'chunked']), ours: true, takenBy: [go] },
  { name: 'Upgrade: h2', frames: also(['upgrade', 'h2,h2c']), ours: true, takenBy: [go, 'Chromium'] },
  { name: 'Proxy-Connection', frames: also(['proxy-connection', 'keep-alive']), ours: true, takenBy: [go, 'Chromium'] },
  { name: 'TE and Host', frames: also(['te', 'gzip'], ['host', 'shop.test']), ours: true, takenBy: [go, 'Chromium'] },
  { name: 'an upper-case name', frames: also(['X-Upper', '1']), ours: false, takenBy: [] },
  { name: 'an empty name', frames: also(['', '1']), ours: false, takenBy: [] },
  { name: 'a blank in a name', frames: also(['x y', '1']), ours: false, takenBy: [] },
  { name: 'a colon in a name', frames: also(['x:y', '1']), ours: false, takenBy: [] },
  { name: 'a name in UTF-8', frames: also(['x\xc3\xbc', '1']), ours: false, takenBy: [] },
  { name: 'blanks around a value', frames: also(['x', '  a\t']), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'an empty value', frames: also(['x', '']), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'a value in UTF-8', frames: also(['x', '\xc3\xbc']), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'a value in Latin-1', frames: also(['x', '\xfc']), ours: true, takenBy: [go, 'curl', 'Chromium'] },
  { name: 'a NUL in a value', frames: also(['x', 'a\0b']), ours: false, takenBy: [] },
  { name: 'CR and LF in a value', frames: also(['x', 'a\r\nb: c']), ours: false, takenBy: [] },
  { name: 'an escape character in a value', frames: also(['x', 'a\x1bb']), ours: false, takenBy: [] },
  { name: 'a DEL in a value', frames: also(['x', 'a\x7fb']), ours: false, takenBy: [] },
  {
    name: 'headers of 200 KB',
    frames: (stream) => [...blocks(stream, fields([status, ...many(200)])), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'headers of 300 KB',
    frames: (stream) => [...blocks(stream, fields([status, ...many(300)])), data(stream, 'ok')],
    ours: false,
    takenBy: [go],
  },
  // Pseudo-headers
  { name: 'no :status', frames: (stream) => [headers(stream, [length]), data(stream, 'ok')], ours: false, takenBy: [] },
  { name: 'two :status', frames: also([':status', '200']), ours: false, takenBy: [] },
  {
    name: ':status behind a header',
    frames: (stream) => [headers(stream, [length, status]), data(stream, 'ok')],
    ours: false,
    takenBy: [],
  },
  {
    name: 'a :status of two digits',
    frames: (stream) => [headers(stream, [[':status', '20']]), data(stream, 'ok')],
    ours: false,
    takenBy: [],
  },
  {
    name: 'a :status with zeros before it',
    frames: (stream) => [headers(stream, [[':status', '0200']]), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'a :status with a sign',
    frames: (stream) => [headers(stream, [[':status', '+200']]), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'a :status with a reason phrase',
    frames: (stream) => [headers(stream, [[':status', '200 OK']]), data(stream, 'ok')],
    ours: false,
    takenBy: [],
  },
  { name: 'a pseudo-header of a request', frames: also([':path', '/']), ours: false, takenBy: ['Chromium'] },
  { name: 'an unknown pseudo-header', frames: also([':version', '2']), ours: false, takenBy: ['Chromium'] },
  // Content-Length
  { name: 'two equal lengths', frames: also(length, length), ours: true, takenBy: [go, 'Chromium'] },
  {
    name: 'two different lengths',
    frames: also(length, ['content-length', '3']),
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  { name: 'a list of equal lengths', frames: also(['content-length', '2, 2']), ours: true, takenBy: [go, 'Chromium'] },
  {
    name: 'a length that is not a number',
    frames: also(['content-length', 'two']),
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'a length with a blank before it',
    frames: also(['content-length', ' 3']),
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'a length of 20 digits',
    frames: also(['content-length', '99999999999999999999']),
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'a length of 18 digits',
    frames: also(['content-length', '999999999999999999']),
    ours: false,
    takenBy: ['Chromium'],
  },
  { name: 'more than the length', frames: also(['content-length', '1']), ours: false, takenBy: ['Chromium'] },
  {
    name: '304 with a length, and the end with the headers',
    frames: (stream) => [headers(stream, [[':status', '304'], length], endStream)],
    ours: true,
    takenBy: ['curl'],
  },
  { name: 'less than the length', frames: also(['content-length', '3']), ours: false, takenBy: ['Chromium'] },
  {
    name: 'a length, and the end with the headers',
    frames: (stream) => [headers(stream, [status, length], endStream)],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: '204 with a length, and the end with the headers',
    frames: (stream) => [headers(stream, [[':status', '204'], length], endStream)],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: '204 with a body',
    frames: (stream) => [headers(stream, [[':status', '204']]), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: '204 whose stream stays open',
    frames: (stream) => [headers(stream, [[':status', '204']])],
    ends: 'never',
    ours: false,
    takenBy: [],
  },
  // HEAD
  {
    name: 'HEAD: a length, and the end with the headers',
    method: 'HEAD',
    frames: (stream) => [headers(stream, [status, length], endStream)],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'HEAD: an empty DATA at the end',
    method: 'HEAD',
    frames: (stream) => [headers(stream, [status, length]), data(stream, '')],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'HEAD: with a body',
    method: 'HEAD',
    frames: (stream) => [headers(stream, [status, length]), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'HEAD: headers alone, the stream stays open',
    method: 'HEAD',
    frames: (stream) => [headers(stream, [status])],
    ends: 'never',
    ours: false,
    takenBy: ['curl'],
  },
  {
    name: 'HEAD: headers alone, then RST_STREAM',
    method: 'HEAD',
    frames: (stream) => [headers(stream, [status]), reset(stream, 2)],
    ends: 'never',
    ours: true,
    takenBy: [go],
  },
  {
    name: 'HEAD: headers alone, then the end',
    method: 'HEAD',
    frames: (stream) => [headers(stream, [status])],
    ours: true,
    takenBy: [go, 'curl'],
  },
  // Interim responses
  {
    name: '100 that was not asked for',
    frames: (stream) => [headers(stream, [[':status', '100']]), ...also()(stream)],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: '103 a hundred times',
    frames: (stream) => [
      ...Array.from({ length: 100 }, () =>
        headers(stream, [
          [':status', '103'],
          ['link', '</a>'],
        ]),
      ),
      ...also()(stream),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: '101, then 200',
    frames: (stream) => [headers(stream, [[':status', '101']]), ...also()(stream)],
    ours: true,
    takenBy: [go],
  },
  {
    name: '103 that ends the stream',
    frames: (stream) => [headers(stream, [[':status', '103']], endStream)],
    ours: false,
    takenBy: [],
  },
  {
    name: 'DATA behind 103',
    frames: (stream) => [headers(stream, [[':status', '103']]), data(stream, 'ok')],
    ours: false,
    takenBy: [],
  },
  // Frames of the response
  {
    name: 'headers in two CONTINUATIONs',
    frames: (stream) => [...blocks(stream, fields([status, length, ['x', 'y'.repeat(20)]]), 0, 12), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'an empty CONTINUATION',
    frames: (stream) => [
      frameBytes(frameTypes.headers, 0, stream, fields([status])),
      frameBytes(frameTypes.continuation, endHeaders, stream, Buffer.alloc(0)),
      data(stream, 'ok'),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a PING inside of a header block',
    frames: (stream) => [
      frameBytes(frameTypes.headers, 0, stream, fields([status])),
      frameBytes(frameTypes.ping, 0, 0, Buffer.alloc(8)),
      frameBytes(frameTypes.continuation, endHeaders, stream, Buffer.alloc(0)),
      data(stream, 'ok'),
    ],
    ours: false,
    takenBy: [],
  },
  {
    name: 'HEADERS with padding and priority',
    frames: (stream) => [
      frameBytes(
        frameTypes.headers,
        endHeaders | padded | priority,
        stream,
        Buffer.concat([Buffer.from([3, 0, 0, 0, 0, 16]), fields([status]), Buffer.alloc(3)]),
      ),
      data(stream, 'ok'),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'DATA with padding',
    frames: (stream) => [
      headers(stream, [status, length]),
      frameBytes(frameTypes.data, padded | endStream, stream, Buffer.from('\x03ok\0\0\0')),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'DATA with padding that is not zero',
    frames: (stream) => [
      headers(stream, [status, length]),
      frameBytes(frameTypes.data, padded | endStream, stream, Buffer.from('\x03okabc')),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'DATA with more padding than bytes',
    frames: (stream) => [
      headers(stream, [status, length]),
      frameBytes(frameTypes.data, padded | endStream, stream, Buffer.from('\x09ok')),
    ],
    ours: false,
    takenBy: [],
  },
  {
    name: 'empty DATA frames',
    frames: (stream) => [
      headers(stream, [status, length]),
      ...Array.from({ length: 50 }, () => data(stream, '', 0)),
      data(stream, 'ok'),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'DATA before HEADERS',
    frames: (stream) => [data(stream, 'ok', 0), headers(stream, [status], endStream)],
    ours: false,
    takenBy: [],
  },
  {
    name: 'DATA behind the end of the stream',
    frames: (stream) => [headers(stream, [status], endStream), data(stream, 'ok')],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'trailers',
    frames: (stream) => [
      headers(stream, [status, length]),
      data(stream, 'ok', 0),
      headers(stream, [['x', 'y']], endStream),
    ],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'trailers with a pseudo-header',
    frames: (stream) => [
      headers(stream, [status, length]),
      data(stream, 'ok', 0),
      headers(stream, [status], endStream),
    ],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'trailers with an upper-case name',
    frames: (stream) => [
      headers(stream, [status, length]),
      data(stream, 'ok', 0),
      headers(stream, [['X', 'y']], endStream),
    ],
    ours: false,
    takenBy: [],
  },
  {
    name: 'trailers without the end of the stream',
    frames: (stream) => [
      headers(stream, [status, length]),
      data(stream, 'ok', 0),
      headers(stream, [['x', 'y']]),
      data(stream, ''),
    ],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'a frame of 16,385 bytes',
    frames: (stream) => [headers(stream, [status]), data(stream, 'x'.repeat(longestFrame + 1))],
    ours: false,
    takenBy: [go, 'curl'],
  },
  // The connection
  {
    name: 'a PING before the response',
    frames: (stream) => [frameBytes(frameTypes.ping, 0, 0, Buffer.alloc(8)), ...also()(stream)],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'frames of an unknown type',
    frames: (stream) => [frameBytes(0x77, 0xff, stream, Buffer.alloc(9)), ...also()(stream)],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'an unknown setting',
    opening: settingsFrame([[0x99, 7]]),
    frames: also(),
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'a setting twice',
    opening: settingsFrame([
      [3, 7],
      [3, 8],
    ]),
    frames: also(),
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'ENABLE_PUSH of the server',
    opening: settingsFrame([[2, 1]]),
    frames: also(),
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  { name: 'ENABLE_PUSH of 2', opening: settingsFrame([[2, 2]]), frames: also(), ours: false, takenBy: ['Chromium'] },
  {
    name: 'MAX_FRAME_SIZE of 100',
    opening: settingsFrame([[5, 100]]),
    frames: also(),
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'INITIAL_WINDOW_SIZE of 2^31',
    opening: settingsFrame([[4, 2 ** 31]]),
    frames: also(),
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'SETTINGS of 5 bytes',
    opening: frameBytes(frameTypes.settings, 0, 0, Buffer.alloc(5)),
    frames: also(),
    ours: false,
    takenBy: [],
  },
  { name: 'no SETTINGS', opening: Buffer.alloc(0), frames: also(), ours: true, takenBy: [go, 'Chromium'] },
  {
    name: 'HTTP/1.1 although HTTP/2 was chosen',
    opening: Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
    frames: () => [],
    ours: false,
    takenBy: [],
  },
  {
    name: 'settings acknowledged twice',
    frames: (stream) => [frameBytes(frameTypes.settings, 1, 0, Buffer.alloc(0)), ...also()(stream)],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'PUSH_PROMISE',
    frames: (stream) => [
      frameBytes(frameTypes.pushPromise, endHeaders, stream, Buffer.concat([four(2), fields([[':path', '/']])])),
      ...also()(stream),
    ],
    ours: false,
    takenBy: [],
  },
  {
    name: 'a WINDOW_UPDATE of 0 bytes',
    frames: (stream) => [windowUpdate(stream, 0), ...also()(stream)],
    ours: false,
    takenBy: [],
  },
  {
    name: 'a window beyond 2^31',
    frames: (stream) => [windowUpdate(0, 2 ** 31 - 1), ...also()(stream)],
    ours: false,
    takenBy: [],
  },
  {
    name: 'an index that no field has',
    frames: (stream) => [
      frameBytes(frameTypes.headers, endHeaders, stream, Buffer.from([0x88, 0xff, 0x00])),
      data(stream, 'ok'),
    ],
    ours: false,
    takenBy: [],
  },
  {
    name: 'a table of 8,192 bytes',
    frames: (stream) => [
      frameBytes(
        frameTypes.headers,
        endHeaders,
        stream,
        Buffer.concat([Buffer.from([0x3f, 0xe1, 0x3f]), fields([status])]),
      ),
      data(stream, 'ok'),
    ],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'a table whose size changes midway',
    frames: (stream) => [
      frameBytes(frameTypes.headers, endHeaders, stream, Buffer.concat([fields([status]), Buffer.from([0x20])])),
      data(stream, 'ok'),
    ],
    ours: true,
    takenBy: [go],
  },
  {
    name: 'HEADERS of another stream',
    frames: (stream) => [headers(stream + 2, [status], endStream), ...also()(stream)],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'DATA of another stream',
    frames: (stream) => [data(stream + 2, 'ok'), ...also()(stream)],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'a reset of another stream',
    frames: (stream) => [reset(stream + 2, 8), ...also()(stream)],
    ours: true,
    takenBy: [go, 'Chromium'],
  },
  {
    name: 'RST_STREAM NO_ERROR behind the response',
    frames: (stream) => [...also(length)(stream), reset(stream, 0)],
    ours: true,
    takenBy: [go, 'curl', 'Chromium'],
  },
  {
    name: 'RST_STREAM NO_ERROR instead of END_STREAM',
    frames: (stream) => [headers(stream, [status, length]), data(stream, 'ok', 0), reset(stream, 0)],
    ours: false,
    takenBy: ['Chromium'],
  },
  {
    name: 'RST_STREAM CANCEL in the body',
    frames: (stream) => [headers(stream, [status]), data(stream, 'ok', 0), reset(stream, 8)],
    ours: false,
    takenBy: [],
  },
  { name: 'RST_STREAM REFUSED_STREAM', frames: (stream) => [reset(stream, 7)], ours: false, takenBy: [] },
  { name: 'RST_STREAM HTTP_1_1_REQUIRED', frames: (stream) => [reset(stream, 13)], ours: false, takenBy: [] },
  {
    name: 'GOAWAY that includes the stream, then the response',
    frames: (stream) => [goAway(stream, 0), ...also()(stream)],
    ours: true,
    takenBy: [go, 'curl'],
  },
  {
    name: 'GOAWAY with an error that includes the stream, then the response',
    frames: (stream) => [goAway(stream, 2), ...also()(stream)],
    ours: true,
    takenBy: [go, 'curl'],
  },
  { name: 'GOAWAY that does not include the stream', frames: () => [goAway(0, 0)], ours: false, takenBy: [] },
  {
    name: 'GOAWAY with an error that does not include the stream',
    frames: () => [goAway(0, 11)],
    ours: false,
    takenBy: [],
  },
  {
    name: 'the whole body without END_STREAM, then the end',
    frames: (stream) => [headers(stream, [status, length]), data(stream, 'ok', 0)],
    ours: false,
    takenBy: ['curl'],
  },
  {
    name: 'the whole body without END_STREAM, then nothing',
    frames: (stream) => [headers(stream, [status, length]), data(stream, 'ok', 0)],
    ends: 'never',
    ours: false,
    takenBy: ['curl'],
  },
  { name: 'headers alone, then the end', frames: (stream) => [headers(stream, [status])], ours: false, takenBy: [] },
  { name: 'nothing', frames: () => [], ends: 'never', ours: false, takenBy: [] },
];
