import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { listFiles } from '../../src/config/files.ts';
import { asNobody } from '../servers/nobody.ts';

/** A folder with empty files, and what is read when it is given as the list. */
const readFrom = async (names: readonly string[]): Promise<readonly string[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-files-'));
  try {
    for (const name of names) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), '');
    }
    const { files, problems } = await listFiles([folder]);
    assert.deepEqual(problems, []);
    return files.map(({ file }) => relative(folder, file));
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('files: a folder gives its YAML files in the order of their names, and nothing of folders in it', async () => {
  const names = ['b.yml', 'a.yaml', '.hidden.yml', 'notes.txt', 'deeper/c.yml'];
  assert.deepEqual(await readFrom(names), ['a.yaml', 'b.yml']);
  assert.deepEqual(await readFrom(['bothways.yml', 'a.yml']), ['a.yml', 'bothways.yml']);
});

test('files: the folder of a repository gives its list', async () => {
  const names = ['bothways.yml', 'serverless.yml', 'docker-compose.yml', 'targets/web.yml', 'targets/api.yaml'];
  assert.deepEqual(await readFrom(names), ['bothways.yml', 'targets/api.yaml', 'targets/web.yml']);
  assert.deepEqual(await readFrom(['bothways.yml', 'serverless.yml']), ['bothways.yml']);
});

test('files: a folder that this user may not read is a problem, also where it is a part of a repository', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-files-'));
  const targets = join(folder, 'targets');
  try {
    await mkdir(targets);
    await writeFile(join(folder, 'bothways.yml'), '');
    for (const [closed, file] of [
      [targets, targets],
      [folder, folder],
    ] as const) {
      await chmod(folder, 0o755);
      await chmod(closed, 0o311);
      const { problems } = await asNobody(() => listFiles([folder]));
      assert.deepEqual(problems, [{ file, line: 0, path: '', message: 'may not be read by this user' }]);
    }
  } finally {
    await chmod(folder, 0o755);
    await chmod(targets, 0o755);
    await rm(folder, { recursive: true });
  }
});
