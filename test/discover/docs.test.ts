import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { kubernetesKinds } from '../../src/config/discover.ts';
import { annotations } from '../../src/discover/annotations.ts';

test('discovery: the page names every annotation and every kind, and none that is not there', async () => {
  const page = await readFile(new URL('../../docs/discovery.md', import.meta.url), 'utf8');
  const named = new Set([...page.matchAll(/bothways\.io\/([a-z]+)/g)].map(([, name = '']) => name));
  assert.deepEqual([...named].sort(), Object.keys(annotations).sort());
  for (const kind of kubernetesKinds) assert.match(page, new RegExp(`^\\| \`${kind}\` \\|`, 'm'));
});
