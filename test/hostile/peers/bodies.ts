import { randomBytes } from 'node:crypto';
import { brotliCompressSync, constants, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { at, type HostilePeer } from '../peer.ts';
import { flood, httpPeer, trickle } from '../serving.ts';

const usual = { prober: 'http', http: {} } as const;
const module = (http: Readonly<Record<string, unknown>>, timeout?: string) =>
  ({ prober: 'http', http, ...(timeout === undefined ? {} : { timeout }) }) as const;

const peer = (
  name: string,
  does: string,
  onRequest: Parameters<typeof httpPeer>[0],
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => ({
  name,
  group: 'body',
  does,
  serve: () => httpPeer(onRequest),
  target: at.http,
  module: usual,
  expect,
  ...more,
});

/** The same with a body that takes long to make: it is there before the server is. */
const prepared = (make: () => unknown, row: HostilePeer): HostilePeer => ({
  ...row,
  serve: async () => {
    make();
    const { serve } = row;
    if (serve === undefined) throw new Error(`${row.name} has no server`);
    return await serve();
  },
});

const ok = 'HTTP/1.1 200 OK\r\n';
const open = `${ok}Connection: close\r\n\r\n`;
const framed = (body: Uint8Array | string, head = ok) => {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${bytes.length}\r\n\r\n`), bytes]);
};

const megabytes = (count: number) => Buffer.alloc(count * 1_048_576);
/** Made on first use, by the process that serves. */
const lazily = <T>(make: () => T): (() => T) => {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
};
const gzipBomb = lazily(() => gzipSync(megabytes(128)));
const brotliBomb = lazily(() =>
  brotliCompressSync(megabytes(128), { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
);
const zstdBomb = lazily(() => zstdCompressSync(megabytes(128)));
const deflateBomb = lazily(() => deflateRawSync(megabytes(128)));
/** 10 MB of what the expressions below cannot decide early. */
const zerosAndOnes = lazily(() => Buffer.from(randomBytes(10_000_000).map((byte) => 48 + (byte & 1))));
const nearlyReady = lazily(() => Buffer.from(`ok${'x'.repeat(48)}`.repeat(200_000)));
const gzipHead = Buffer.from('1f8b0800000000000003', 'hex');
/** An empty stored block (RFC 1951, section 3.2.4): bytes that unpack to nothing. */
const emptyBlocks = Buffer.alloc(65_535, Buffer.from('000000ffff', 'hex'));

/** Bodies that trickle, flood, bomb or stall. */
export const bodyPeers: readonly HostilePeer[] = [
  peer(
    'trickle-without-length',
    'a body without length, a byte every 50 ms for ever',
    (socket) => {
      socket.write(open);
      trickle(socket, () => '.');
    },
    ['timeout'],
  ),
  peer(
    'trickle-1.0',
    'the same over HTTP/1.0',
    (socket) => {
      socket.write('HTTP/1.0 200 OK\r\n\r\n');
      trickle(socket, () => '.');
    },
    ['timeout'],
  ),
  peer(
    'trickle-with-length',
    'a byte every 50 ms of 1,000,000',
    (socket) => {
      socket.write(`${ok}Content-Length: 1000000\r\n\r\n`);
      trickle(socket, () => '.');
    },
    ['timeout'],
  ),
  peer(
    'trickle-chunked',
    'a chunk of a byte every 50 ms for ever',
    (socket) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      trickle(socket, () => '1\r\n.\r\n');
    },
    ['timeout'],
  ),
  peer(
    'stall-without-length',
    'half a body without length, then nothing',
    (socket) => void socket.write(`${open}half`),
    ['timeout'],
  ),
  peer(
    'stall-with-matcher',
    'the same, with an expression that the half matches',
    (socket) => void socket.write(`${open}half`),
    ['timeout'],
    {
      module: module({ fail_if_body_not_matches_regexp: ['half'] }),
    },
  ),
  peer(
    'flood-200',
    'status 200, then a body at full speed for ever',
    (socket) => {
      socket.write(open);
      flood(socket, Buffer.alloc(65_536, '.'));
    },
    ['timeout', 'body_too_large'],
    { alone: true },
  ),
  peer(
    'flood-500',
    'status 500, then a body at full speed for ever',
    (socket) => {
      socket.write('HTTP/1.1 500 No\r\nConnection: close\r\n\r\n');
      flood(socket, Buffer.alloc(65_536, '.'));
    },
    ['http_status', 'http_status+timeout'],
    { alone: true },
  ),
  peer(
    'flood-chunks',
    'chunks of one byte at full speed for ever',
    (socket) => {
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n`);
      flood(socket, '1\r\n.\r\n'.repeat(2_000));
    },
    ['timeout', 'body_too_large'],
    { alone: true },
  ),
  peer(
    'flood-with-limit',
    'a body at full speed over the limit of the module',
    (socket) => {
      socket.write(open);
      flood(socket, Buffer.alloc(65_536, '.'));
    },
    ['body_too_large'],
    { module: module({ body_size_limit: '1MB' }), inTests: true },
  ),
  peer(
    'flood-with-matcher',
    'a body at full speed, with an expression',
    (socket) => {
      socket.write(open);
      flood(socket, Buffer.alloc(65_536, '.'));
    },
    ['body_too_large', 'body_mismatch'],
    { module: module({ fail_if_body_not_matches_regexp: ['ready'] }) },
  ),
  ...(
    [
      ['gzip', gzipBomb],
      ['br', brotliBomb],
      ['zstd', zstdBomb],
      ['deflate', deflateBomb],
    ] as const
  ).map(([compression, bomb]) =>
    prepared(
      bomb,
      peer(
        `${compression}-bomb`,
        `128 MB packed by ${compression}, with a limit of 10 MB`,
        (socket) => void socket.end(framed(bomb())),
        ['body_too_large'],
        {
          module: module({ compression, body_size_limit: '10MB' }),
          ...(compression === 'gzip' ? { inTests: true as const } : {}),
        },
      ),
    ),
  ),
  prepared(
    gzipBomb,
    peer(
      'gzip-bomb-no-limit',
      '128 MB packed by gzip again and again, without a limit',
      (socket) => {
        socket.write(open);
        flood(socket, gzipBomb());
      },
      ['timeout', 'body_too_large'],
      { module: module({ compression: 'gzip' }), alone: true },
    ),
  ),
  peer(
    'empty-blocks',
    'gzip of empty blocks at full speed for ever: bytes that unpack to nothing',
    (socket) => {
      socket.write(open);
      socket.write(gzipHead);
      flood(socket, emptyBlocks);
    },
    ['timeout', 'body_too_large', 'body_encoding'],
    { module: module({ compression: 'gzip', body_size_limit: '1MB' }), alone: true },
  ),
  peer(
    'empty-blocks-no-limit',
    'the same without a limit',
    (socket) => {
      socket.write(open);
      socket.write(gzipHead);
      flood(socket, emptyBlocks);
    },
    ['timeout', 'body_too_large', 'body_encoding'],
    { module: module({ compression: 'gzip' }), alone: true },
  ),
  peer(
    'gzip-cut',
    'gzip that ends in the middle',
    (socket) => void socket.end(framed(gzipSync(randomBytes(10_000)).subarray(0, 5_000))),
    ['body_encoding'],
    {
      module: module({ compression: 'gzip' }),
    },
  ),
  peer('gzip-garbage', 'a body that is not gzip', (socket) => void socket.end(framed('not gzip')), ['body_encoding'], {
    module: module({ compression: 'gzip' }),
  }),
  peer(
    'gzip-tail',
    'gzip and garbage behind it',
    (socket) => void socket.end(framed(Buffer.concat([gzipSync('ok'), Buffer.from('garbage')]))),
    ['good', 'body_encoding'],
    {
      module: module({ compression: 'gzip' }),
    },
  ),
  peer(
    'gzip-empty',
    'an empty body where gzip is expected',
    (socket) => void socket.end(framed('')),
    ['body_encoding'],
    { module: module({ compression: 'gzip' }) },
  ),
  peer(
    'gzip-wrong-sum',
    'gzip whose checksum is wrong',
    (socket) => {
      const bytes = gzipSync('ok');
      bytes.writeUInt32LE(0, bytes.length - 8);
      socket.end(framed(bytes));
    },
    ['body_encoding'],
    { module: module({ compression: 'gzip' }) },
  ),
  prepared(
    nearlyReady,
    peer(
      'page-x-gap',
      '10 MB of `ok` against `ok.{0,50}ready`',
      (socket) => void socket.end(framed(nearlyReady())),
      ['body_mismatch', 'timeout', 'body_too_large'],
      {
        module: module({ fail_if_body_not_matches_regexp: ['ok.{0,50}ready'] }),
        alone: true,
      },
    ),
  ),
  prepared(
    zerosAndOnes,
    peer(
      'page-x-thousand',
      '10 MB of zeros and ones against `1[01]{1000}2`',
      (socket) => void socket.end(framed(zerosAndOnes())),
      ['body_mismatch', 'timeout', 'body_too_large'],
      {
        module: module({ fail_if_body_not_matches_regexp: ['1[01]{1000}2'] }),
        alone: true,
      },
    ),
  ),
  prepared(
    zerosAndOnes,
    peer(
      'header-x-thousand',
      'a header of 200 kB against `1[01]{1000}2`',
      (socket) => {
        const value = zerosAndOnes().subarray(0, 200_000).toString('latin1');
        socket.end(framed('ok', `${ok}X-State: ${value}\r\n`));
      },
      ['header_mismatch', 'timeout'],
      { module: module({ fail_if_header_not_matches: [{ header: 'X-State', regexp: '1[01]{1000}2' }] }), alone: true },
    ),
  ),
  peer(
    'body-204',
    'status 204 with a body',
    (socket) => void socket.end('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello'),
    ['good'],
  ),
  peer(
    'body-304',
    'status 304 with a body',
    (socket) => void socket.end('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello'),
    ['http_status'],
  ),
  peer('body-of-head', 'a body in answer to HEAD', (socket) => void socket.end(framed('hello')), ['good'], {
    module: module({ method: 'HEAD' }),
  }),
  peer(
    'stall-of-head',
    'Content-Length in answer to HEAD, and the connection stays',
    (socket) => void socket.write(`${ok}Content-Length: 5\r\n\r\n`),
    ['good'],
    {
      module: module({ method: 'HEAD' }),
    },
  ),
  {
    ...peer('never-reads', 'never reads the request, whose body is of 1 MB', () => {}, ['timeout']),
    module: module({ method: 'POST', body: 'x'.repeat(1_000_000) }),
  },
  peer(
    'last-modified',
    'a Last-Modified far outside of time',
    (socket) => void socket.end(framed('ok', `${ok}Last-Modified: Fri, 31 Dec 275760 23:59:59 GMT\r\n`)),
    ['good'],
  ),
];
