import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { http } from '../../src/probers/http/http.ts';
import { testContext } from '../servers/context.ts';
import { needs } from '../servers/peers.ts';
import { freePort, startProgram } from '../servers/program.ts';
import { tcpServer } from '../servers/tcp.ts';
import { type HttpAnswer, httpAnswers, type Judge, judges } from './http-answers.ts';

/** How long a client waits for a response that never ends. */
const limitMs = 1_500;

/** Serves each response under its number, and a page of its own under `/`. */
const answering = async () => {
  const own = Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
  );
  const server = await tcpServer({
    onData: (socket, data) => {
      const row = httpAnswers[Number(/^\S+ \/(\d+) /.exec(data.toString('latin1'))?.[1])];
      socket.write(row === undefined ? own : Buffer.from(row.bytes, 'latin1'), () => {
        if (row?.ends === 'stall') return;
        // A reset takes what was not read with it, so the client gets a moment to read.
        if (row?.ends === 'reset') setTimeout(() => socket.resetAndDestroy(), 100);
        else socket.end();
      });
    },
  });
  const url = (row: HttpAnswer) => `http://127.0.0.1:${server.port}/${httpAnswers.indexOf(row)}`;
  return { url, home: `http://127.0.0.1:${server.port}/`, [Symbol.asyncDispose]: server[Symbol.asyncDispose] };
};

/** What a client made of each response, as the table has it; a client of another version than the table's may differ. */
const compare = async (t: TestContext, judge: Judge, version: string, takes: (row: HttpAnswer) => Promise<boolean>) => {
  const different: string[] = [];
  for (const row of httpAnswers) {
    const isTaken = await takes(row);
    if (isTaken !== row.takenBy.includes(judge)) different.push(`${row.name}: ${isTaken ? 'taken' : 'refused'}`);
  }
  if (version.startsWith(judges[judge].version)) assert.deepEqual(different, []);
  else
    t.diagnostic(
      `${judge} ${version}, the table is of ${judges[judge].version}; it differs in ${JSON.stringify(different)}`,
    );
};

test('http answers: a probe takes what the table says', async () => {
  await using server = await answering();
  const settings = http.settings.parse({ preferred_ip_protocol: 'ip4' });
  for (const row of httpAnswers) {
    // Those that never end meet the time limit, the others their own end.
    await using context = testContext({ timeoutMs: row.ends === 'stall' && !row.ours ? 300 : 20_000 });
    const { failures } = await http.probe(server.url(row), settings, context);
    assert.equal(failures.length === 0, row.ours, `${row.name}: ${JSON.stringify(failures)}`);
    assert.ok(
      failures.every(({ reason }) => reason !== 'unexpected'),
      row.name,
    );
  }
});

test('http answers: we take what Go takes, but for the size of headers', () => {
  const different = httpAnswers.filter(({ ours, takenBy }) => ours !== takenBy.includes('Go (blackbox_exporter)'));
  assert.deepEqual(
    different.map(({ name }) => name),
    ['headers of 300 KB'],
  );
});

test("http answers: Go's client, through blackbox_exporter, takes what the table says", async (t) => {
  const blackbox = await needs(t, 'blackbox-exporter');
  if (blackbox === undefined) return;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await answering());
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const config = join(folder, 'blackbox.yml');
  const module = `{prober: http, timeout: ${limitMs}ms, http: {preferred_ip_protocol: ip4}}`;
  await writeFile(config, `modules: {answer: ${module}}\n`);
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  stack.use(await startProgram(blackbox.path, [`--config.file=${config}`, `--web.listen-address=${address}`], port));
  await compare(t, 'Go (blackbox_exporter)', blackbox.version, async (row) => {
    const answer = await fetch(`http://${address}/probe?module=answer&target=${encodeURIComponent(server.url(row))}`);
    return /^probe_success 1$/m.test(await answer.text());
  });
});

test('http answers: curl takes what the table says', async (t) => {
  const curl = await needs(t, 'curl');
  if (curl === undefined) return;
  await using server = await answering();
  const run = promisify(execFile);
  await compare(t, 'curl', curl.version, (row) =>
    run(curl.path, ['-s', '-o', '/dev/null', '--max-time', String(limitMs / 1_000), server.url(row)]).then(
      () => true,
      () => false,
    ),
  );
});

test('http answers: Chromium takes what the table says', async (t) => {
  const program = await needs(t, 'chromium');
  if (program === undefined) return;
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await answering());
  const browser = await chromium.launch({ executablePath: program.path, args: ['--no-sandbox'] });
  stack.defer(() => browser.close());
  const page = await browser.newPage();
  await page.goto(server.home);
  await compare(t, 'Chromium', program.version, (row) =>
    page.evaluate(
      async ([url, limit]) => {
        try {
          const answer = await fetch(url, { signal: AbortSignal.timeout(limit) });
          await answer.arrayBuffer();
          return answer.ok;
        } catch {
          return false;
        }
      },
      [server.url(row), limitMs] as const,
    ),
  );
});
