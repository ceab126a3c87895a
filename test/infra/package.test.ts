import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('package: what its docs link to is in it', () => {
  const { files }: { readonly files: readonly string[] } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const isIn = (path: string) => files.some((one) => path === one || path.startsWith(`${one}/`));
  const links = globSync('docs/*.md', { cwd: root }).flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((\.\.?\/[^)#]+|[^):#]+\.md)/g)].map(([, to = '']) =>
      normalize(join(dirname(page), to)),
    ),
  );
  assert.ok(links.length > 10);
  assert.deepEqual(
    links.filter((path) => !existsSync(join(root, path)) || !isIn(path)),
    [],
  );
});
