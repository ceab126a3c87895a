import { endHeaders, endStream, frame, greeting, http2Peer, literal, status200, status500, type } from '../frames.ts';
import { at, type HostilePeer } from '../peer.ts';
import { flood, trickle } from '../serving.ts';

const usual = { prober: 'http', http: { valid_http_versions: ['HTTP/2.0'] } } as const;

const peer = (
  name: string,
  does: string,
  onRequest: Parameters<typeof http2Peer>[0],
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> & { greet?: Uint8Array } = {},
): HostilePeer => {
  const { greet = greeting, ...rest } = more;
  return {
    name,
    group: 'http/2',
    does,
    serve: () => http2Peer(onRequest, greet),
    target: at.https,
    module: usual,
    expect,
    ...rest,
  };
};

const head = (flags: number, ...fields: readonly Buffer[]) =>
  frame(type.headers, flags, 1, Buffer.concat([status200, ...fields]));
const data = (text: string | Uint8Array, flags = 0) => frame(type.data, flags, 1, Buffer.from(text));
const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
/** Sends once. */
const says = (
  name: string,
  does: string,
  bytes: Uint8Array,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
) => peer(name, does, (socket) => void socket.write(bytes), expect, more);
/** Sends at full speed for ever. */
const floods = (
  name: string,
  does: string,
  bytes: Uint8Array,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
) => peer(name, does, (socket) => flood(socket, Buffer.concat(Array.from({ length: 64 }, () => bytes))), expect, more);
const setting = (id: number, value: number) => Buffer.concat([Buffer.from([id >> 8, id & 255]), number(value)]);
const broken: HostilePeer['expect'] = ['protocol_error', 'connection_closed', 'connection_reset'];
const slow: HostilePeer['expect'] = ['timeout', ...broken];

/** Answers of HTTP/2 that flood, lie, stall or break off. */
export const http2Peers: readonly HostilePeer[] = [
  says(
    'h2-honest',
    'an honest answer, to show that the server can',
    Buffer.concat([head(endHeaders), data('ok', endStream)]),
    ['good'],
    { inTests: true },
  ),
  says('h2-stall', 'settings, and no answer', Buffer.alloc(0), ['timeout'], { inTests: true }),
  {
    ...says('h2-no-settings', 'not even settings', Buffer.alloc(0), ['timeout']),
    serve: () => http2Peer(() => {}, Buffer.alloc(0)),
  },
  floods('h2-settings', 'SETTINGS at full speed', frame(type.settings, 0, 0, setting(4, 65_535)), slow, {
    inTests: true,
  }),
  floods(
    'h2-settings-many',
    'SETTINGS of 16 kB each at full speed',
    frame(type.settings, 0, 0, Buffer.concat(Array.from({ length: 2_700 }, () => setting(0x99, 1)))),
    slow,
    { alone: true },
  ),
  floods('h2-ping', 'PING at full speed', frame(type.ping, 0, 0, Buffer.alloc(8)), slow, { inTests: true }),
  floods('h2-window', 'WINDOW_UPDATE at full speed', frame(type.window, 0, 0, number(1)), slow, { alone: true }),
  floods('h2-window-zero', 'WINDOW_UPDATE by nothing', frame(type.window, 0, 0, number(0)), broken),
  says('h2-window-overflow', 'a window of more than 2^31', frame(type.window, 0, 0, number(0x7fffffff)), broken),
  floods(
    'h2-priority',
    'PRIORITY at full speed',
    frame(type.priority, 0, 3, Buffer.concat([number(1), Buffer.from([1])])),
    slow,
    { alone: true },
  ),
  floods('h2-rst', 'RST_STREAM of streams that are not there', frame(type.rst, 0, 7, number(8)), slow),
  floods('h2-unknown', 'frames of an unknown type at full speed', frame(0x77, 0, 0, Buffer.alloc(1_000)), slow, {
    alone: true,
  }),
  peer(
    'h2-continuation',
    'CONTINUATION at full speed without an end',
    (socket) => {
      socket.write(head(0));
      flood(socket, frame(type.continuation, 0, 1, literal('x', 'y'.repeat(1_000))));
    },
    ['headers_too_large', ...broken],
    { inTests: true },
  ),
  peer(
    'h2-continuation-empty',
    'empty CONTINUATION frames without an end',
    (socket) => {
      socket.write(head(0));
      flood(socket, Buffer.concat(Array.from({ length: 64 }, () => frame(type.continuation, 0, 1))));
    },
    ['headers_too_large', ...slow],
    { alone: true },
  ),
  says(
    'h2-hpack-bomb',
    'a header of 4 kB, and 16,000 references to it',
    Buffer.concat([
      head(
        0,
        Buffer.concat([
          Buffer.from([0x40, 1]),
          Buffer.from('x'),
          Buffer.from([0x7f, 0x81, 0x1f]),
          Buffer.alloc(4_096, 'y'),
        ]),
      ),
      frame(type.continuation, endHeaders, 1, Buffer.alloc(16_000, 0xbe)),
      data('', endStream),
    ]),
    ['headers_too_large', ...broken],
    { inTests: true },
  ),
  says(
    'h2-header-list',
    'headers of 400 kB',
    Buffer.concat([
      head(0),
      ...Array.from({ length: 28 }, (_, index) =>
        frame(type.continuation, index === 27 ? endHeaders : 0, 1, literal(`x${index}`, 'y'.repeat(15_000))),
      ),
      data('', endStream),
    ]),
    ['headers_too_large', ...broken],
  ),
  says(
    'h2-many-headers',
    '20,000 headers',
    Buffer.concat([
      head(0),
      ...Array.from({ length: 10 }, (_, index) =>
        frame(type.continuation, index === 9 ? endHeaders : 0, 1, Buffer.alloc(16_000, literal('xxx', 'yyy'))),
      ),
      data('', endStream),
    ]),
    ['headers_too_large', ...broken],
  ),
  peer(
    'h2-data-flood-500',
    'status 500, then DATA at full speed',
    (socket) => {
      socket.write(frame(type.headers, endHeaders, 1, status500));
      flood(socket, data(Buffer.alloc(16_384)));
    },
    [
      'http_status',
      'http_status+timeout',
      'http_status+protocol_error',
      'connection_reset+http_status',
      'connection_closed+http_status',
    ],
    { alone: true },
  ),
  peer(
    'h2-data-flood',
    'DATA at full speed, beyond the window',
    (socket) => {
      socket.write(head(endHeaders));
      flood(socket, data(Buffer.alloc(16_384)));
    },
    ['body_too_large', ...slow],
    { alone: true },
  ),
  peer(
    'h2-data-empty',
    'empty DATA frames at full speed',
    (socket) => {
      socket.write(head(endHeaders));
      flood(socket, Buffer.concat(Array.from({ length: 64 }, () => data(''))));
    },
    slow,
    { alone: true },
  ),
  peer(
    'h2-data-trickle',
    'a byte of DATA every 50 ms for ever',
    (socket) => {
      socket.write(head(endHeaders));
      trickle(socket, () => data('.'));
    },
    ['timeout'],
    { inTests: true },
  ),
  peer(
    'h2-data-padding',
    'DATA of padding alone at full speed',
    (socket) => {
      socket.write(head(endHeaders));
      flood(socket, frame(type.data, 8, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)])));
    },
    slow,
    { alone: true },
  ),
  says(
    'h2-goaway',
    'GOAWAY instead of an answer',
    frame(type.goaway, 0, 0, Buffer.concat([number(0), number(0)])),
    slow,
  ),
  says(
    'h2-goaway-flood',
    'GOAWAY with 16 kB of debug data',
    frame(type.goaway, 0, 0, Buffer.concat([number(0), number(11), Buffer.alloc(16_000)])),
    broken,
  ),
  says('h2-rst-first', 'RST_STREAM instead of an answer', frame(type.rst, 0, 1, number(2)), broken, { inTests: true }),
  says(
    'h2-rst-midway',
    'RST_STREAM in the middle of the body',
    Buffer.concat([head(endHeaders), data('half'), frame(type.rst, 0, 1, number(8))]),
    broken,
    { inTests: true },
  ),
  says(
    'h2-rst-no-error',
    'RST_STREAM with NO_ERROR in the middle of the body',
    Buffer.concat([head(endHeaders), data('half'), frame(type.rst, 0, 1, number(0))]),
    broken,
  ),
  peer(
    'h2-fin-midway',
    'the connection ends in the middle of the body',
    (socket) => void socket.end(Buffer.concat([head(endHeaders), data('half')])),
    broken,
    { inTests: true },
  ),
  peer(
    'h2-goaway-midway',
    'GOAWAY with NO_ERROR in the middle of the body, and the end',
    (socket) =>
      void socket.end(
        Buffer.concat([
          head(endHeaders),
          data('half'),
          frame(type.goaway, 0, 0, Buffer.concat([number(1), number(0)])),
        ]),
      ),
    broken,
    { inTests: true },
  ),
  says(
    'h2-length-lie',
    'Content-Length of 100 and a body of 2',
    Buffer.concat([head(endHeaders, literal('content-length', '100')), data('ok', endStream)]),
    broken,
    { inTests: true },
  ),
  says(
    'h2-length-lie-none',
    'Content-Length of 100 and no body',
    head(endHeaders | endStream, literal('content-length', '100')),
    broken,
  ),
  says(
    'h2-push',
    'PUSH_PROMISE, which we refuse',
    frame(type.push, endHeaders, 1, Buffer.concat([number(2), Buffer.from([0x82, 0x84, 0x87])])),
    broken,
    { inTests: true },
  ),
  says('h2-data-first', 'DATA before HEADERS', data('ok', endStream), broken),
  says('h2-data-on-0', 'DATA on the connection itself', frame(type.data, endStream, 0, Buffer.from('ok')), broken),
  says(
    'h2-headers-on-2',
    'an answer on a stream that is not ours',
    frame(type.headers, endHeaders | endStream, 2, status200),
    ['timeout', ...broken],
  ),
  says('h2-frame-size', 'a frame longer than we allow', frame(type.data, 0, 1, Buffer.alloc(70_000)), broken),
  says('h2-frame-lie', 'a frame of 16 MB that does not come', frame(type.headers, endHeaders, 1, status200, 0xffffff), [
    'timeout',
    ...broken,
  ]),
  says('h2-settings-ack-payload', 'an acknowledgement with content', frame(type.settings, 1, 0, setting(4, 1)), broken),
  says('h2-settings-bad', 'settings out of range', frame(type.settings, 0, 0, setting(5, 1)), broken),
  says(
    'h2-no-status',
    'headers without a status',
    frame(type.headers, endHeaders | endStream, 1, literal('x', 'y')),
    broken,
  ),
  says('h2-two-status', 'two statuses', head(endHeaders | endStream, status500), broken),
  says(
    'h2-status-of-words',
    'a status that is a word',
    frame(type.headers, endHeaders | endStream, 1, literal(':status', '2o0')),
    ['http_status', ...broken],
  ),
  says('h2-uppercase', 'the name of a header in capitals', head(endHeaders | endStream, literal('X-Y', 'z')), broken),
  says(
    'h2-connection-header',
    'Transfer-Encoding, which HTTP/2 forbids',
    head(endHeaders | endStream, literal('transfer-encoding', 'chunked')),
    ['good'],
  ),
  says('h2-nul', 'NUL in the value of a header', head(endHeaders | endStream, literal('x', 'a\0b')), broken),
  says(
    'h2-hpack-garbage',
    'a header block that cannot be read',
    frame(type.headers, endHeaders | endStream, 1, Buffer.alloc(100, 0xff)),
    broken,
  ),
  says(
    'h2-table-size',
    'a header table of 4 GB',
    frame(type.headers, endHeaders | endStream, 1, Buffer.from('3fffffffff0f88', 'hex')),
    broken,
  ),
  peer(
    'h2-103',
    'Early Hints at full speed',
    (socket) => flood(socket, frame(type.headers, endHeaders, 1, literal(':status', '103'))),
    slow,
    { alone: true },
  ),
  peer(
    'h2-text',
    'HTTP/1.1 after ALPN chose h2',
    (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    broken,
    { greet: Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok') },
  ),
  {
    ...says('h2-zero-window', 'a window of zero for a request with a body', Buffer.alloc(0), ['timeout']),
    serve: () =>
      http2Peer(() => {}, Buffer.concat([frame(type.settings, 0, 0, setting(4, 0)), frame(type.settings, 1, 0)])),
    module: { prober: 'http', http: { method: 'POST', body: 'x'.repeat(100_000) } },
  },
];
