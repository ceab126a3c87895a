import { at, type HostilePeer } from '../peer.ts';
import { flood, httpPeer, sendAndReset, tcpPeer, trickle } from '../serving.ts';

const usual = { prober: 'http', http: {} } as const;
type OnRequest = Parameters<typeof httpPeer>[0];

const peer = (
  name: string,
  does: string,
  onRequest: OnRequest,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => ({
  name,
  group: 'http/1.1',
  does,
  serve: () => httpPeer(onRequest),
  target: at.http,
  module: usual,
  expect,
  ...more,
});

/** Sends a text and leaves the connection open. */
const says = (
  name: string,
  does: string,
  text: string,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
) => peer(name, does, (socket) => void socket.write(Buffer.from(text, 'latin1')), expect, more);
/** Sends a text and ends the connection. */
const ends = (
  name: string,
  does: string,
  text: string,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
) => peer(name, does, (socket) => void socket.end(Buffer.from(text, 'latin1')), expect, more);

const ok = 'HTTP/1.1 200 OK\r\n';
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const kilobyte = 'x'.repeat(1_024);
/** A redirect, made from the request's own path. */
const redirects = (
  name: string,
  does: string,
  location: (path: string, count: number) => string,
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
) => {
  let count = 0;
  return peer(
    name,
    does,
    (socket, head) => {
      const path = head.split(' ')[1] ?? '/';
      count += 1;
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${location(path, count)}\r\nContent-Length: 0\r\n\r\n`);
    },
    expect,
    more,
  );
};

/** Answers of HTTP/1.1 that never come, never end, lie, or break off. */
export const http1Peers: readonly HostilePeer[] = [
  peer('http-silent', 'accepts the request and does not answer', () => {}, ['timeout']),
  {
    ...peer('http-closed-at-once', 'closes before the request', () => {}, ['connection_closed', 'connection_reset']),
    serve: () => tcpPeer((socket) => void socket.resume().end()),
  },
  {
    ...peer('http-reset-at-once', 'resets before the request', () => {}, [
      'connection_reset',
      'connect_reset',
      'connection_closed',
    ]),
    serve: () => tcpPeer((socket) => void socket.resetAndDestroy()),
  },
  peer(
    'trickled-status',
    'a byte of the status line every 50 ms, and then more of it',
    (socket) => trickle(socket.setNoDelay(), () => 'H'),
    ['timeout', 'protocol_error'],
  ),
  peer(
    'trickled-reason',
    'a status line whose phrase never ends',
    (socket) => {
      socket.write('HTTP/1.1 200 ');
      trickle(socket, () => 'O');
    },
    ['timeout'],
    { inTests: true },
  ),
  peer(
    'endless-status',
    'a status line at full speed that never ends',
    (socket) => {
      socket.write('HTTP/1.1 200 ');
      flood(socket, kilobyte);
    },
    ['headers_too_large', 'protocol_error'],
  ),
  peer(
    'endless-headers',
    'header lines at full speed that never end',
    (socket) => {
      socket.write(ok);
      flood(socket, 'X-More: and more\r\n'.repeat(64));
    },
    ['headers_too_large'],
  ),
  says(
    'many-headers',
    '100,000 headers of one byte and one byte',
    `${ok}${'a: b\r\n'.repeat(100_000)}Content-Length: 0\r\n\r\n`,
    ['headers_too_large', 'good'],
  ),
  says('megabyte-header', 'one header of 1 MB', `${ok}X: ${'x'.repeat(1_048_576)}\r\nContent-Length: 0\r\n\r\n`, [
    'headers_too_large',
  ]),
  says('nul-in-header', 'NUL in the value of a header', `${ok}X: a\0b\r\nContent-Length: 0\r\n\r\n`, [
    'protocol_error',
  ]),
  says(
    'control-in-header',
    'an escape sequence in the value of a header',
    `${ok}X: \u001b[2J\r\nContent-Length: 0\r\n\r\n`,
    ['protocol_error', 'good'],
  ),
  says('space-in-name', 'a space before the colon of Content-Length', `${ok}Content-Length : 2\r\n\r\nok`, ['good']),
  says('no-colon', 'a header line without a colon', `${ok}nonsense\r\nContent-Length: 0\r\n\r\n`, ['protocol_error']),
  peer(
    'endless-103',
    'Early Hints at full speed for ever',
    (socket) => flood(socket, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(16)),
    ['timeout', 'protocol_error', 'headers_too_large'],
    { alone: true },
  ),
  peer(
    'trickled-100',
    'Continue every 50 ms for ever',
    (socket) => trickle(socket, () => 'HTTP/1.1 100 Continue\r\n\r\n'),
    ['timeout', 'protocol_error', 'headers_too_large', 'connection_closed'],
  ),
  ends(
    'unasked-100',
    'Continue that was not asked for, then the answer',
    `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 2\r\n\r\nok`,
    ['good'],
  ),
  says(
    'switching',
    'Switching Protocols that was not asked for',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ['protocol_error', 'http_status', 'timeout', 'connection_closed'],
  ),
  says('http-0.9', 'a page without a head', '<html>hello</html>\r\n\r\n', ['protocol_error']),
  says('ssh-banner', 'the banner of another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', ['protocol_error']),
  ends('status-004', 'a status of three digits below 100', 'HTTP/1.1 004 No\r\nContent-Length: 0\r\n\r\n', [
    'protocol_error',
    'http_status',
  ]),
  ends('status-99', 'a status of two digits', 'HTTP/1.1 99 No\r\nContent-Length: 0\r\n\r\n', [
    'protocol_error',
    'http_status',
    'connection_closed',
  ]),
  ends('status-1000', 'a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', [
    'protocol_error',
    'http_status',
  ]),
  ends('version-9.9', 'HTTP/9.9', 'HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n', ['good']),
  ends(
    'answer-to-nothing',
    'the answer, and another one that was not asked for',
    `${ok}Content-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n`,
    ['good'],
  ),
  // Two lengths and two framings: how requests and answers are smuggled (RFC 9112, section 6.3).
  ends(
    'two-lengths',
    'two Content-Lengths that differ',
    `${ok}Content-Length: 2\r\nContent-Length: 5\r\n\r\nokokok`,
    ['protocol_error'],
    { inTests: true },
  ),
  ends(
    'two-framings',
    'Content-Length and Transfer-Encoding',
    `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ['protocol_error', 'good'],
  ),
  ends(
    'encoding-unknown',
    'a Transfer-Encoding of another name',
    `${ok}Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ['protocol_error', 'good'],
  ),
  ends(
    'encoding-with-space',
    'a Transfer-Encoding with a space before its colon',
    `${ok}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    ['good'],
  ),
  ends('length-negative', 'a negative Content-Length', `${ok}Content-Length: -1\r\n\r\nok`, ['protocol_error']),
  ends(
    'length-overflow',
    'a Content-Length of 2^64 + 2',
    `${ok}Content-Length: 18446744073709551618\r\n\r\nok`,
    ['protocol_error', 'connection_closed'],
    { inTests: true },
  ),
  ends('chunk-negative', 'a negative chunk', `${chunked}-2\r\nok\r\n0\r\n\r\n`, ['protocol_error'], { inTests: true }),
  ends(
    'chunk-overflow',
    'a chunk of 2^64 + 2 bytes',
    `${chunked}10000000000000002\r\nok\r\n0\r\n\r\n`,
    ['protocol_error', 'connection_closed'],
    { inTests: true },
  ),
  says('chunk-huge', 'a chunk of nearly 2^63 bytes that does not come', `${chunked}7fffffffffffffff\r\nok`, [
    'timeout',
    'protocol_error',
  ]),
  ends('chunk-of-words', 'a chunk whose size is a word', `${chunked}zz\r\nok\r\n0\r\n\r\n`, ['protocol_error']),
  ends('chunk-without-end', 'a chunk that is longer than it says', `${chunked}2\r\nokok\r\n0\r\n\r\n`, [
    'protocol_error',
  ]),
  peer(
    'endless-extension',
    'a chunk extension at full speed that never ends',
    (socket) => {
      socket.write(`${chunked}2;`);
      flood(socket, kilobyte);
    },
    ['protocol_error', 'headers_too_large', 'timeout'],
    { alone: true },
  ),
  peer(
    'trailer-flood',
    'trailers at full speed that never end',
    (socket) => {
      socket.write(`${chunked}2\r\nok\r\n0\r\n`);
      flood(socket, 'X-More: and more\r\n'.repeat(64));
    },
    ['headers_too_large', 'protocol_error', 'timeout'],
  ),
  says('chunks-without-end', 'all chunks but the last', `${chunked}2\r\nok\r\n`, ['timeout']),
  // What broke off (RFC 9112, section 8): each framing, ended and reset.
  ends(
    'fin-with-length',
    'ends before Content-Length is reached',
    `${ok}Content-Length: 100\r\n\r\nhalf`,
    ['connection_closed'],
    { inTests: true },
  ),
  ends(
    'fin-chunked',
    'ends before the last chunk',
    `${chunked}4\r\nhalf\r\n`,
    ['connection_closed', 'protocol_error'],
    { inTests: true },
  ),
  ends('fin-in-chunk', 'ends within a chunk', `${chunked}64\r\nhalf`, ['connection_closed', 'protocol_error']),
  ends('fin-without-length', 'ends where the end is the length', `${ok}\r\nwhole`, ['good']),
  ends('fin-in-head', 'ends within the head', `${ok}Content-Le`, ['connection_closed', 'protocol_error'], {
    inTests: true,
  }),
  peer(
    'reset-with-length',
    'reset before Content-Length is reached',
    (socket) => sendAndReset(socket, `${ok}Content-Length: 100\r\n\r\nhalf`),
    ['connection_reset', 'connection_closed'],
    { inTests: true },
  ),
  peer(
    'reset-chunked',
    'reset before the last chunk',
    (socket) => sendAndReset(socket, `${chunked}4\r\nhalf\r\n`),
    ['connection_reset', 'connection_closed'],
    { inTests: true },
  ),
  peer('reset-without-length', 'reset where the end is the length', (socket) => sendAndReset(socket, `${ok}\r\nhalf`), [
    'connection_reset',
    'connection_closed',
  ]),
  peer(
    'reset-in-head',
    'reset within the head',
    (socket) => sendAndReset(socket, `${ok}Content-Le`),
    ['connection_reset', 'connection_closed'],
    { inTests: true },
  ),
  redirects('redirect-loop', 'a redirect to itself', (path) => path, ['too_many_redirects'], { inTests: true }),
  redirects('redirect-growing', 'redirects to URLs that double each time', (path) => `${path}${path.slice(1)}x`, [
    'too_many_redirects',
    'redirect_invalid',
    'http_status',
    'headers_too_large',
  ]),
  redirects('redirect-file', 'a redirect to a file', () => 'file:///etc/passwd', ['redirect_invalid']),
  redirects('redirect-script', 'a redirect to javascript:', () => 'javascript:alert(1)', ['redirect_invalid']),
  redirects(
    'redirect-metadata',
    'a redirect to the metadata service',
    () => 'http://169.254.169.254/latest/meta-data/',
    ['blocked_address'],
    { inTests: true },
  ),
  redirects('redirect-metadata-number', 'the same, as a number', () => 'http://2852039166/', ['blocked_address']),
  redirects('redirect-metadata-mapped', 'the same, as a mapped IPv6 address', () => 'http://[::ffff:a9fe:a9fe]/', [
    'blocked_address',
  ]),
  redirects(
    'redirect-metadata-nat64',
    'the same, behind NAT64',
    () => 'http://[64:ff9b::a9fe:a9fe]/',
    ['blocked_address'],
    { inTests: true },
  ),
  redirects('redirect-metadata-6to4', 'the same, as 6to4', () => 'http://[2002:a9fe:a9fe::1]/', ['blocked_address']),
  redirects('redirect-long', 'a Location of 200 kB', () => `/${'a'.repeat(200_000)}`, [
    'too_many_redirects',
    'redirect_invalid',
    'connection_reset',
    'timeout',
  ]),
  peer(
    'cookie-flood',
    '5,000 cookies at each of the redirects',
    (socket, head) => {
      const path = head.split(' ')[1] ?? '/';
      const cookies = Array.from(
        { length: 5_000 },
        (_, index) => `Set-Cookie: c${path.length}x${index}=1; Path=/\r\n`,
      ).join('');
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${path}a\r\nContent-Length: 0\r\n${cookies}\r\n`);
    },
    ['too_many_redirects', 'headers_too_large'],
  ),
];
