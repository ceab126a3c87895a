import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { loadTexts, loadValue } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { probers } from '../../src/probers/index.ts';

// A block ```yaml is a whole list. A block ```yaml fragment is completed with a vantage, a receiver and a target where it has none.

const root = fileURLToPath(new URL('../../', import.meta.url));
const block = /^```yaml( fragment)?\n(.*?)^```$/gms;

test('docs: every YAML block in the README and the docs is a list that loads without a warning', async () => {
  let blocks = 0;
  for await (const page of glob(['README.md', 'docs/**/*.md'], { cwd: root })) {
    const text = await readFile(`${root}${page}`, 'utf8');
    for (const [, fragment, yaml = ''] of text.matchAll(block)) {
      blocks += 1;
      const completed = {
        vantages: { laptop: { kind: 'agent' } },
        remote_write: [{ url: 'http://push.svc/' }],
        targets: ['http://shop.svc'],
      };
      const loaded =
        fragment === undefined
          ? loadTexts([{ file: page, text: yaml }], { probers })
          : loadValue({ ...completed, ...parse(yaml) }, { probers });
      const problems = loaded.ok ? loaded.warnings : loaded.problems;
      assert.deepEqual(problems.map(problemText), [], `${page}:\n${yaml}`);
    }
  }
  assert.ok(blocks >= 7);
});

test('docs: no block is marked as YAML in a way that this test does not see', async () => {
  for await (const page of glob(['README.md', 'docs/**/*.md'], { cwd: root })) {
    const text = await readFile(`${root}${page}`, 'utf8');
    const marked = text.match(/^\s*(?:```+|~~~+)\s*ya?ml.*$/gim) ?? [];
    assert.deepEqual(marked.length, [...text.matchAll(block)].length, page);
  }
});
