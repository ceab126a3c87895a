import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../bin', import.meta.url));

/** A folder with our launcher and what the test puts beside it. */
const folder = async (files: Record<string, string> = {}) => {
  const path = await mkdtemp(join(tmpdir(), 'bothways-launcher-'));
  await cp(bin, join(path, 'bin'), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true });
    await writeFile(join(path, name), content);
    await chmod(join(path, name), 0o755);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};

const run = (path: string, words: string[], nodeFlags: string[] = [], env = process.env) => {
  const child = spawn(process.execPath, [...nodeFlags, join(path, 'bin/bothways'), ...words], { env });
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code, signal], stdout, stderr]) => ({ code, signal, stdout, stderr }),
  );
  return { child, ended };
};

/** Makes Node say that it is an old one. */
const pretend = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });";
/** Stands for the Node that npm brought: a program that prints what it was given and does as told. */
const broughtNode = [
  '#!/bin/sh',
  '[ "$2" = wait ] && trap "exit 7" TERM',
  'echo "brought $2 $3"',
  'case $2 in exit) exit $3;; wait) while kill -0 $PPID; do sleep 0.05; done;; esac',
  'kill -KILL $$',
  '',
].join('\n');

test('launcher: in a checkout it runs the sources, installed it runs the bundle', async () => {
  await using checkout = await folder({ 'src/cli/main.ts': "const from: string = 'sources'; console.log(from);" });
  assert.equal((await run(checkout.path, []).ended).stdout, 'sources\n');
  await using installed = await folder({
    'dist/cli.cjs': "console.log('bundle');",
    'dist/agent.cjs': "console.log('the agent alone');",
  });
  assert.equal((await run(installed.path, []).ended).stdout, 'bundle\n');
  assert.equal((await run(installed.path, ['agent']).ended).stdout, 'the agent alone\n');
  assert.equal((await run(installed.path, ['probe', 'agent']).ended).stdout, 'bundle\n');
});

test('launcher: an old Node runs the newer one that npm brought, arguments and exit code passed on', async () => {
  await using checkout = await folder({
    'src/cli/main.ts': '',
    'node_modules/.bin/node': broughtNode,
    'pretend.cjs': pretend,
  });
  const old = ['--require', join(checkout.path, 'pretend.cjs')];
  const exit = await run(checkout.path, ['exit', '3'], old).ended;
  assert.deepEqual([exit.code, exit.stdout], [3, 'brought exit 3\n']);
  const killed = await run(checkout.path, ['die'], old).ended;
  assert.equal(killed.signal, 'SIGKILL');
});

test('launcher: signals are passed on to the newer Node', async () => {
  await using checkout = await folder({
    'src/cli/main.ts': '',
    'node_modules/.bin/node': broughtNode,
    'pretend.cjs': pretend,
  });
  const { child, ended } = run(checkout.path, ['wait'], ['--require', join(checkout.path, 'pretend.cjs')]);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  assert.equal((await ended).code, 7);
});

test('launcher: an old Node without a newer one says what to do, with exit code 2', async () => {
  for (const [files, advice] of [
    [{ 'src/cli/main.ts': '' }, 'run `npm ci` here'],
    [{ 'dist/cli.cjs': '' }, 'put a newer `node` first in PATH'],
  ] as const) {
    await using place = await folder({ ...files, 'pretend.cjs': pretend });
    const { code, stdout, stderr } = await run(place.path, [], ['--require', join(place.path, 'pretend.cjs')]).ended;
    assert.deepEqual([code, stdout], [2, '']);
    assert.ok(stderr.startsWith('bothways: needs Node 24 or newer') && stderr.includes(advice), stderr);
    assert.equal(stderr.split('\n').length, 2);
  }
});

test('launcher: an agent starts anew with settings for a small memory, unless there are some', async (t) => {
  if (process.platform !== 'linux') return t.skip('only Linux has execve and glibc');
  const said =
    'console.log(process.env.MALLOC_ARENA_MAX, process.env.MALLOC_TRIM_THRESHOLD_, typeof gc, process.argv[2])';
  await using installed = await folder({ 'dist/cli.cjs': said, 'dist/agent.cjs': said });
  const without = { ...process.env, MALLOC_ARENA_MAX: '' };
  assert.equal((await run(installed.path, ['agent'], [], without).ended).stdout, '1 65536 function agent\n');
  assert.equal((await run(installed.path, ['probe'], [], without).ended).stdout, ' undefined undefined probe\n');
  const own = { ...process.env, MALLOC_ARENA_MAX: '2' };
  assert.equal((await run(installed.path, ['agent'], [], own).ended).stdout, '2 undefined undefined agent\n');
});

test('launcher: our own command line starts through it', async () => {
  const { code, stdout } = await run(join(bin, '..'), ['--version']).ended;
  assert.equal(code, 0);
  assert.match(stdout, /^bothways \d+\.\d+\.\d+\n$/);
});

test('launcher: who reads only the first line is no trouble', async () => {
  const child = spawn(process.execPath, [join(bin, 'bothways'), 'explain', '--json']);
  child.stdout.once('data', () => child.stdout.destroy());
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  assert.deepEqual([code, stderr], [0, '']);
});
