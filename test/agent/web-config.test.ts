// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readWebConfig } from '../../src/agent/web-config.ts';

/** What a web configuration of this content gives. */
const read = async (content: object, environment: Record<string, string> = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-web-config-'));
  const path = join(folder, 'web.yml');
  try {
    await writeFile(path, JSON.stringify(content));
    await writeFile(join(folder, 'token'), 'from-a-file\n');
    const read = await readWebConfig(path, environment);
    return read?.ok === true
      ? { admits: read.locks.admits, warnings: read.warnings.map((text) => text.replace(`${path}: `, '')) }
      : { problem: read?.problem.replace(`${path}: `, '') };
  } finally {
    await rm(folder, { recursive: true });
  }
};

test('web config: a token is what is written, what a variable has, or what a file has', async () => {
  const admitted = async (authorization: object, token: string) =>
    (await read({ authorization }, { TOKEN: 'from-a-variable' })).admits?.(`Bearer ${token}`, '');
  assert.equal(await admitted({ credentials: 'as-it-is' }, 'as-it-is'), 'admitted');
  assert.equal(await admitted({ credentials: '${env:TOKEN}' }, 'from-a-variable'), 'admitted');
  assert.equal(await admitted({ credentials_file: 'token' }, 'from-a-file'), 'admitted');
  assert.equal(await admitted({ credentials: 'as-it-is' }, 'other'), 'refused');
});

test('web config: a reference of a kind that is not read here is no password, and no message repeats one', async () => {
  const { problem: unset } = await read({ authorization: { credentials: '${env:TOKEN}' } });
  assert.equal(unset, 'the variable TOKEN is not set');
  for (const text of ['${file:/run/canary}', '${ssm:/canary}', 'canary ${env:TOKEN}', '${canary:x}', '${env:}']) {
    const { problem } = await read({ basic_auth: { username: 'u', password: text } }, { TOKEN: 't' });
    assert.equal(problem, 'a password or token is written as it is, as ${env:NAME}, or as the key that ends in _file');
  }
});
