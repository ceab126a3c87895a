import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { targetFiles } from '../../src/discover/target-files.ts';
import { until } from '../cli/running-agent.ts';
import { asNobody } from '../servers/nobody.ts';

/** A folder with lists, and a source that looks at it every few milliseconds. */
const world = async (pattern: string) => {
  const stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-file-sd-'));
  stack.defer(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o755);
  const path = (name: string) => join(folder, name);
  const put = (name: string, ...targets: string[]) => writeFile(path(name), JSON.stringify([{ targets }]));
  const state = { changes: 0 };
  const open = () => {
    const source = stack.use(targetFiles('file_sd[0]', { files: [path(pattern)] }, () => (state.changes += 1), 10));
    const targets = () => source.finds().found.map(({ entry }) => entry.target);
    return { source, targets, problem: () => source.state().problem?.replaceAll(`${folder}/`, '') };
  };
  return { path, put, open, state, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

test('target files: a folder that cannot be read any more leaves what it had, and is said; readable again it goes on', async () => {
  await using there = await world('lists/*.json');
  await mkdir(there.path('lists'));
  await there.put('lists/a.json', 'http://a');
  const { targets, problem, source } = there.open();
  await source.first;
  assert.deepEqual([targets(), problem()], [['http://a'], undefined]);
  await chmod(there.path('lists'), 0o000);
  await asNobody(async () => {
    await until(() => problem() !== undefined, 'a problem');
    assert.deepEqual([targets(), problem()], [['http://a'], 'lists/*.json cannot be looked for: EACCES']);
  });
  await chmod(there.path('lists'), 0o755);
  await there.put('lists/a.json', 'http://b');
  await until(() => targets().join() === 'http://b', 'what is new');
  await rm(there.path('lists/a.json'));
  await until(() => targets().length === 0, 'the end of what is gone');
  assert.equal(problem(), undefined);
});

test('target files: a folder that is not there yet is said, and its files are found when it comes', async () => {
  await using there = await world('later/*.json');
  const { targets, problem, source } = there.open();
  await source.first;
  assert.equal(problem(), 'later/*.json cannot be looked for: ENOENT');
  await mkdir(there.path('later'));
  await there.put('later/a.json', 'http://a');
  await until(() => targets().length === 1, 'the target');
  assert.equal(problem(), undefined);
});

test('target files: a pipe, a folder and a file of gigabytes are refused unread, and hold up no end', async () => {
  for (const [make, expected] of [
    [(path: string) => execFileSync('mkfifo', [path]), 'x.json is no file'],
    [(path: string) => mkdir(path), 'x.json is no file'],
    [(path: string) => writeFile(path, '').then(() => truncate(path, 4_000_000_000)), 'x.json is larger than 32 MiB'],
  ] as const) {
    await using there = await world('x.json');
    await make(there.path('x.json'));
    const { problem, source } = there.open();
    await source.first;
    assert.equal(problem(), expected);
  }
});
