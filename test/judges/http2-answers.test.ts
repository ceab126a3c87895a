import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { http } from '../../src/probers/http/http.ts';
import { encodeHpack } from '../../src/protocol/hpack.ts';
import { frameBytes, frameFlags, frameTypes, settingsFrame } from '../../src/protocol/http2-frames.ts';
import { testContext } from '../servers/context.ts';
import { framedServer } from '../servers/http2-framed.ts';
import { needs } from '../servers/peers.ts';
import { freePort, startProgram } from '../servers/program.ts';
import { type Judge, judges } from './http-answers.ts';
import { type Http2Answer, http2Answers } from './http2-answers.ts';

/** How long a client waits for a response that never ends. */
const limitMs = 1_500;

const settings = settingsFrame([]);
const acknowledgement = frameBytes(frameTypes.settings, frameFlags.acknowledged, 0, Buffer.alloc(0));
const { endHeaders, endStream } = frameFlags;

/** Serves each response under its number on a connection of its own, and a page of its own under `/`. */
const answering = async () => {
  const own = (stream: number) => [
    frameBytes(
      frameTypes.headers,
      endHeaders,
      stream,
      encodeHpack([[':status', '200']], () => false),
    ),
    frameBytes(frameTypes.data, endStream, stream, Buffer.from('ok')),
  ];
  const server = await framedServer({
    onRequest: ({ stream, path }, socket) => {
      const row = http2Answers[Number(/^\/(\d+)$/.exec(path)?.[1])];
      const frames = row === undefined ? own(stream) : row.frames(stream);
      // Clients send their requests without waiting for SETTINGS, so each row has its own.
      socket.write(Buffer.concat([row?.opening ?? settings, acknowledgement, ...frames]), () => {
        if (row?.ends !== 'never') socket.end();
      });
    },
  });
  const url = (row: Http2Answer) => `${server.url}/${http2Answers.indexOf(row)}`;
  return { url, home: `${server.url}/`, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
};

/** What a client made of each response, as the table has it; a client of another version than the table's may differ. */
const compare = async (
  t: TestContext,
  judge: Judge,
  version: string,
  takes: (row: Http2Answer) => Promise<boolean>,
) => {
  const different: string[] = [];
  for (const row of http2Answers) {
    const isTaken = await takes(row);
    if (isTaken !== row.takenBy.includes(judge)) different.push(`${row.name}: ${isTaken ? 'taken' : 'refused'}`);
  }
  if (version.startsWith(judges[judge].version)) assert.deepEqual(different, []);
  else
    t.diagnostic(
      `${judge} ${version}, the table is of ${judges[judge].version}; it differs in ${JSON.stringify(different)}`,
    );
};

const judged = {
  preferred_ip_protocol: 'ip4',
  valid_status_codes: [200, 204, 304],
  tls_config: { insecure_skip_verify: true },
};

test('http2 answers: a probe takes what the table says', async () => {
  await using server = await answering();
  const different: string[] = [];
  for (const row of http2Answers) {
    // Those that never end meet the time limit, the others their own end.
    await using context = testContext({ timeoutMs: row.ends === 'never' && !row.ours ? 300 : 20_000 });
    const { method = 'GET' } = row;
    const asked = http.settings.parse({ ...judged, method });
    const { failures, facts } = await http.probe(server.url(row), asked, context);
    if ((failures.length === 0) !== row.ours) different.push(`${row.name}: ${JSON.stringify(failures)}`);
    assert.ok(
      failures.every(({ reason }) => reason !== 'unexpected'),
      row.name,
    );
    if (failures.length === 0) assert.equal(facts.version, 'HTTP/2.0', row.name);
  }
  assert.deepEqual(different, []);
});

test('http2 answers: we take what Go takes, but for sizes and a legal 304', () => {
  const different = http2Answers.filter(({ ours, takenBy }) => ours !== takenBy.includes('Go (blackbox_exporter)'));
  assert.deepEqual(
    different.map(({ name }) => name),
    ['headers of 300 KB', '304 with a length, and the end with the headers', 'a frame of 16,385 bytes'],
  );
});

test("http2 answers: Go's client, through blackbox_exporter, takes what the table says", async (t) => {
  const blackbox = await needs(t, 'blackbox-exporter');
  if (blackbox === undefined) return;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await answering());
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const config = join(folder, 'blackbox.yml');
  const module = (method: string) => ({
    prober: 'http',
    timeout: `${limitMs}ms`,
    http: { ...judged, method },
  });
  // JSON is YAML.
  await writeFile(config, JSON.stringify({ modules: { GET: module('GET'), HEAD: module('HEAD') } }));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  stack.use(await startProgram(blackbox.path, [`--config.file=${config}`, `--web.listen-address=${address}`], port));
  await compare(t, 'Go (blackbox_exporter)', blackbox.version, async (row) => {
    const query = `module=${row.method ?? 'GET'}&target=${encodeURIComponent(server.url(row))}`;
    const answer = await fetch(`http://${address}/probe?${query}`);
    return /^probe_success 1$/m.test(await answer.text());
  });
});

test('http2 answers: curl takes what the table says', async (t) => {
  const curl = await needs(t, 'curl');
  if (curl === undefined) return;
  await using server = await answering();
  const run = promisify(execFile);
  await compare(t, 'curl', curl.version, (row) => {
    const options = ['--max-time', String(limitMs / 1_000), ...(row.method === 'HEAD' ? ['--head'] : [])];
    return run(curl.path, ['-s', '-k', '--http2', '--fail', '-o', '/dev/null', ...options, server.url(row)]).then(
      () => true,
      () => false,
    );
  });
});

test('http2 answers: Chromium takes what the table says', async (t) => {
  const program = await needs(t, 'chromium');
  if (program === undefined) return;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await answering());
  const browser = await chromium.launch({ executablePath: program.path, args: ['--no-sandbox'] });
  stack.defer(() => browser.close());
  const page = await browser.newPage({ ignoreHTTPSErrors: true });
  await page.goto(server.home);
  await compare(t, 'Chromium', program.version, (row) =>
    page.evaluate(
      async ([url, limit, method]) => {
        try {
          const answer = await fetch(url, { method, signal: AbortSignal.timeout(limit) });
          await answer.arrayBuffer();
          return answer.ok;
        } catch {
          return false;
        }
      },
      [server.url(row), limitMs, row.method ?? 'GET'] as const,
    ),
  );
});
