import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launcher } from './running-agent.ts';

/** Runs a command in a folder of its own, with these files in it. */
const runIn = async (files: Readonly<Record<string, string>>, words: readonly string[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-usual-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return await new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [launcher, ...words], { cwd: folder }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('usual list: where none is, each command says what to write', async () => {
  for (const words of ['check', 'plan', 'regions', 'run --once', 'agent', 'check --json', 'deploy --stage prod']) {
    const { code, stdout, stderr } = await runIn({}, words.split(' '));
    assert.deepEqual([code, stdout], [2, ''], words);
    assert.match(stderr, /^bothways: there is no bothways.yml here; write --config FILE$/m, words);
  }
});

test('usual list: in a repository it is found, and elsewhere by the name of its folder', async () => {
  const files = {
    'bothways.yml': 'vantages: { laptop: { kind: agent } }',
    'targets/web.yml': 'targets: [{ target: "http://127.0.0.1:1", side: inside }]',
  };
  const dry = ['run', '--dry-run'];
  const here = await runIn(files, dry);
  assert.match(here.stdout, /^1 check at laptop:/, here.stderr);
  const inside = Object.fromEntries(Object.entries(files).map(([name, text]) => [`mine/${name}`, text]));
  const there = await runIn(inside, [...dry, '--config', 'mine']);
  assert.equal(there.stdout, here.stdout);
});
