import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { version } from '../../src/kernel/version.ts';
import { until } from '../cli/running-agent.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const node = (...words: string[]) => promisify(execFile)(process.execPath, words);

test('build: the bundle alone, without sources and packages, probes over HTTP', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-build-'));
  const server = createServer((_request, response) => response.end('hello'));
  try {
    await node(join(root, 'scripts/build.ts'), join(folder, 'dist/cli.cjs'));
    await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const bothways = (...words: string[]) => node(join(folder, 'bin/bothways'), ...words);
    assert.equal((await bothways('--version')).stdout, `bothways ${version}\n`);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { stdout } = await bothways('probe', `http://127.0.0.1:${port}/`, '--metrics');
    assert.match(stdout, /^probe_success(?:\{.*\})? 1$/m);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

/** A list whose one target has a page and an expression that are too much to be matched between other probes. */
const demanding = (port: number) => `
version: 1
vantages: { laptop: { kind: agent } }
remote_write: [{ url: "http://127.0.0.1:${port}/write", from: [laptop] }]
modules: { demanding: { prober: http, http: { preferred_ip_protocol: ip4, fail_if_body_not_matches_regexp: ['ok.{0,50}ready'] } } }
targets: [{ name: page, target: "http://127.0.0.1:${port}/", module: demanding, interval: 5s, timeout: 5s }]
`;

const pageServer = async () => {
  const server = createServer((request, response) => {
    response.end(request.method === 'POST' ? '' : `${'ok or not '.repeat(30_000)}ok, ready`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0 };
};

test('build: the bundles of the command and of the agent match large pages in a thread of theirs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-build-'));
  const { server, port } = await pageServer();
  try {
    await node(join(root, 'scripts/build.ts'), join(folder, 'dist/cli.cjs'));
    await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'list.yaml'), demanding(port));
    const words = ['probe', 'page', '--config', join(folder, 'list.yaml'), '--metrics'];
    const { stdout } = await node(join(folder, 'bin/bothways'), ...words);
    assert.match(stdout, /^probe_success(?:\{.*\})? 1$/m);
    const agent = spawn(process.execPath, [
      join(folder, 'bin/bothways'),
      ...['agent', '--config', join(folder, 'list.yaml'), '--listen', '127.0.0.1:0'],
    ]);
    try {
      let log = '';
      while (!log.includes('the page is at')) log += String((await once(agent.stderr, 'data'))[0]);
      const [, door = ''] = /the page is at (http[^"\s]+)/.exec(log) ?? [];
      const isGood = async () => /"up":true/.test(await (await fetch(new URL('api/status', door))).text());
      await until(isGood, `the page has not matched: ${log}`);
    } finally {
      agent.kill('SIGTERM');
      if (agent.exitCode === null) await once(agent, 'exit');
    }
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});

test('build: a function built again is never gone meanwhile: what is the same stays, what is not is replaced, the rest goes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-build-'));
  const place = join(folder, 'functions');
  const build = () => node(join(root, 'scripts/build-functions.ts'), place);
  const inodes = async () =>
    new Map(
      await Promise.all(
        (await readdir(place)).map(async (name) => [name, (await stat(join(place, name))).ino] as const),
      ),
    );
  try {
    await build();
    const first = await inodes();
    const main = await readFile(join(place, 'probe.mjs'), 'utf8');
    await build();
    assert.deepEqual(await inodes(), first);

    await writeFile(join(place, 'probe.mjs'), 'of another version');
    await writeFile(join(place, 'chunk-OLD.mjs'), '');
    await Promise.all([build(), build()]);
    assert.equal(await readFile(join(place, 'probe.mjs'), 'utf8'), main);
    assert.deepEqual([...(await inodes()).keys()], [...first.keys()]);
    assert.deepEqual(await readdir(folder), ['functions']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
