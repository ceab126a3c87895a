import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { readWebConfig } from '../../src/agent/web-config.ts';
import { fileSdFinds } from '../../src/discover/file-sd.ts';

// The library that reads YAML warns of tags by printing their line, which may hold a password.
test('yaml: no line of a file is printed by way of a warning', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-warnings-'));
  try {
    const path = join(folder, 'web.yml');
    await writeFile(path, 'basic_auth: { username: me, password: !tag canary }\n');
    const warned = once(process, 'warning').then(([warning]) => String(warning));
    await readWebConfig(path, {});
    fileSdFinds('a.yml', '%]]\n');
    fileSdFinds('a.yml', '- targets: [!tag canary]');
    assert.equal(await Promise.race([warned, wait(50, 'silence')]), 'silence');
  } finally {
    await rm(folder, { recursive: true });
  }
});
