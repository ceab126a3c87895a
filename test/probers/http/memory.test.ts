import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import type { Writable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { answer, http2Server, httpServer, type Script } from '../../servers/http.ts';
import type { Given } from './probe.ts';

// What a hostile body costs in memory, seen from outside of the process that reads it.

type Measured = {
  readonly grownMB: number;
  readonly failures: readonly string[];
  readonly took: number;
  readonly delayMs: number;
  readonly after: readonly string[];
};

/** As `bin/bothways` starts an agent. */
const flags = ['--v8-pool-size=1', '--max-semi-space-size=2', '--heap-growing-percent=20', '--expose-gc'];
const env = { ...process.env, MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '65536' };

const worker = fileURLToPath(new URL('memory-worker.ts', import.meta.url));

const measure = async (url: string, given: Given, times = 1, timeoutMs = 5_000): Promise<Measured> => {
  await using calm = await httpServer(() => answer(200, {}, 'ok '.repeat(20)));
  const words = [...flags, worker, url, calm.url, JSON.stringify(given), String(times), String(timeoutMs)];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env, timeout: 60_000 });
  return JSON.parse(stdout);
};

const flood = (stream: Writable, piece: Uint8Array): void => {
  const more = () => {
    while (!stream.destroyed && stream.write(piece));
    if (!stream.destroyed) stream.once('drain', more);
  };
  more();
};

const head = 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n';
const floods =
  (start: Uint8Array, piece: Uint8Array): Script =>
  (_request, socket) => {
    socket.write(head);
    socket.write(start);
    flood(socket, piece);
    return undefined;
  };

/** Raw deflate: blocks without a byte in them, none of them the last (RFC 1951, section 3.2.4), behind a gzip head. */
const gzipHead = Buffer.from('1f8b0800000000000003', 'hex');
const emptyBlocks = Buffer.concat(Array.from({ length: 13_000 }, () => Buffer.from('000000ffff', 'hex')));

/** Zeros in each encoding; members of gzip follow each other without end. */
const zeros = Buffer.alloc(1_000_000);
const large = Buffer.alloc(300_000_000);
const bombs = {
  gzip: gzipSync(zeros),
  zstd: zstdCompressSync(large),
  br: brotliCompressSync(large),
  deflate: deflateSync(large),
} as const;

/** Of what a body may cost beside what is kept of it: pieces on their way that are not collected yet. */
const slackMB = 60;

test('http memory: empty blocks without end, which unpack to nothing, keep the peer waiting', async () => {
  await using server = await httpServer(floods(gzipHead, emptyBlocks));
  const given: Given = { compression: 'gzip' };
  const free = await measure(server.url, given, 1, 2_000);
  assert.deepEqual(free.failures, ['transfer timeout']);
  assert.ok(free.grownMB < slackMB, `${free.grownMB} MB`);
  const limited = await measure(server.url, { ...given, body_size_limit: '1MB' }, 1, 20_000);
  assert.deepEqual(limited.failures, ['transfer body_too_large']);
  assert.ok(limited.took < 10 && limited.grownMB < slackMB, JSON.stringify(limited));
});

for (const [compression, bytes] of Object.entries(bombs) as [keyof typeof bombs, Buffer][])
  test(`http memory: a bomb of ${compression} costs what is kept of it, read without end or with a limit`, async () => {
    await using server = await httpServer(
      compression === 'gzip' ? floods(Buffer.alloc(0), bytes) : () => Buffer.concat([Buffer.from(head), bytes]),
    );
    const counted = await measure(server.url, { compression }, 1, 2_000);
    assert.ok(counted.grownMB < slackMB, `${counted.grownMB} MB`);
    const given: Given = { compression, fail_if_body_not_matches_regexp: ['never'] };
    const kept = await measure(server.url, given, 1, 20_000);
    assert.deepEqual(kept.failures, ['transfer body_too_large']);
    assert.ok(kept.grownMB < slackMB + 10, `${kept.grownMB} MB`);
    assert.deepEqual(kept.after, []);
  });

test('http memory: a body over HTTP/2 waits in the same way', async () => {
  await using server = await http2Server((stream) => {
    stream.respond({ ':status': 200 });
    stream.write(gzipHead);
    flood(stream, emptyBlocks);
  });
  const { grownMB, failures } = await measure(server.url, { compression: 'gzip' }, 1, 2_000);
  assert.deepEqual(failures, ['transfer timeout']);
  assert.ok(grownMB < slackMB, `${grownMB} MB`);
});

test('http memory: a frame of zstd with a window above that of RFC 9659 is refused', async () => {
  // Magic number, a frame header with a window of 64 MiB (RFC 8878, section 3.1.1.1.2), an RLE block.
  const frame = Buffer.from('28b52ffd0080030080ff00', 'hex');
  await using server = await httpServer(() => Buffer.concat([Buffer.from(head), frame]));
  const { failures } = await measure(server.url, { compression: 'zstd' }, 1, 1_000);
  assert.deepEqual(failures, ['transfer body_encoding']);
});

test('http memory: sixty bodies that stall just below the limit hold no more than all may hold together, and small ones still pass', async () => {
  const body = Buffer.alloc(9_500_000, 'x');
  await using server = await httpServer((_request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n`);
    socket.write(body);
    return undefined;
  });
  const given: Given = { fail_if_body_not_matches_regexp: ['ok'] };
  const { grownMB, failures, after } = await measure(server.url, given, 60, 8_000);
  assert.ok(grownMB < 64 + 2 * slackMB, `${grownMB} MB`);
  assert.ok(
    failures.every((said) => /^transfer timeout/.test(said) || /^transfer local_resources/.test(said)),
    `${failures}`,
  );
  assert.ok(
    failures.some((said) => said.includes('local_resources')),
    `${failures}`,
  );
  assert.deepEqual(after, []);
});
