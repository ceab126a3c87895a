import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { agent } from '../../src/cli/agent.ts';
import { exitCodes } from '../../src/cli/command.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import { needs } from '../servers/peers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The unit in a folder of its own, its program being the one of this repository. */
const unit = async (change: (text: string) => string = (text) => text) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-unit-'));
  const path = join(folder, 'bothways.service');
  const text = await readFile(join(root, 'infra/systemd/bothways.service'), 'utf8');
  await writeFile(path, change(text.replace('/opt/bothways/bin/bothways', join(root, 'bin/bothways'))));
  return { path, text, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};
const run = (program: string, words: readonly string[]) =>
  new Promise<{ readonly code: number; readonly said: string }>((resolve) => {
    execFile(program, words, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr }),
    );
  });

test('systemd: the unit is sound, and is as little exposed as a prober can be', async (t) => {
  const analyze = await needs(t, 'systemd-analyze');
  if (analyze === undefined) return;
  await using there = await unit();
  assert.deepEqual(await run(analyze.path, ['verify', there.path]), { code: 0, said: '' });
  await using wrong = await unit((text) => text.replace('ProtectSystem=strict', 'ProtectSystem=somewhat'));
  assert.match((await run(analyze.path, ['verify', wrong.path])).said, /Failed to parse protect system value/);
  const { said } = await run(analyze.path, ['security', '--offline=true', '--no-pager', there.path]);
  const exposure = Number(/Overall exposure level for bothways\.service: (\d+\.\d)/.exec(said)?.[1]);
  assert.ok(exposure <= 1.5, said);
});

test('systemd: an agent that ends is started again however often, unless its list is bad', async () => {
  await using there = await unit();
  const [head = '', service = ''] = there.text.split('[Service]');
  assert.match(head, /^StartLimitIntervalSec=0$/m);
  assert.match(service, /^Restart=always$/m);
  assert.match(service, /^RestartPreventExitStatus=2$/m);
  assert.match(exitCodes[1], /not there yet/);
});

test('systemd: the command that it starts is one', async () => {
  await using there = await unit();
  const [, name, ...words] = /^ExecStart=(.*)$/m.exec(there.text)?.[1]?.split(' ') ?? [];
  assert.equal(name, 'agent');
  const flags = parseFlags(agent, words);
  assert.ok(flags.ok, JSON.stringify(flags));
});
