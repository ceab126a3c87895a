import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { version } from '../../src/kernel/version.ts';

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
