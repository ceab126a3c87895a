import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../scripts/test.ts', import.meta.url));

/** Runs `npm test`'s script with these arguments. */
const run = async (words: readonly string[]) => {
  // A test runner that finds itself inside another one would run nothing; what CI demands is not the question here.
  const { NODE_TEST_CONTEXT: _, CI: __, ...environment } = process.env;
  // Without PATH there is no apt, so that nothing is fetched.
  const env = { ...environment, PATH: '', BOTHWAYS_TEST_LIMIT: '2' };
  const child = spawn(process.execPath, [script, ...words], { env });
  const [[code], output] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
  return { code, output, last: output.trimEnd().split('\n').at(-1) };
};

/** The same over test files with these contents. */
const runTests = async (...contents: readonly string[]) => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  try {
    const files = contents.map((_, index) => join(folder, `${index}.test.ts`));
    await Promise.all(files.map((file, index) => writeFile(file, `${importing}${contents[index]}`)));
    return await run(files);
  } finally {
    await rm(folder, { recursive: true });
  }
};

const importing = "import { test } from 'node:test';\n";

test('npm test: its last line counts what passed, failed and was skipped, and each skip says why', async () => {
  const { code, output, last } = await runTests(
    "test('good', () => {});\ntest('unable', (t) => t.skip('no such program'));",
    "test('later', { todo: 'some day' }, () => {});",
  );
  assert.equal(code, 0);
  assert.match(output, /^skipped: unable \(.*0\.test\.ts\): no such program$/m);
  assert.match(output, /^skipped: later \(.*1\.test\.ts\): some day$/m);
  assert.equal(last, '1 passed, 0 failed, 2 skipped');
});

test('npm test: a failing test, a file that breaks and a file that never ends are failures', async () => {
  const { code, output, last } = await runTests(
    "test('bad', () => { throw new Error('as planned'); });",
    "throw new Error('broken file');",
    "test('good', () => {});\nsetInterval(() => {}, 1_000);",
  );
  assert.equal(code, 1);
  assert.match(output, /as planned/);
  assert.match(output, /still running after 2 s, with open: .*Timeout/);
  assert.equal(last, '1 passed, 3 failed, 0 skipped');
});

test('npm test: names that match no file are a failure', async () => {
  const { code, output, last } = await run(['test/nowhere/*.test.ts']);
  assert.equal(code, 1);
  assert.match(output, /^no test ran: 0 files$/m);
  assert.equal(last, '0 passed, 0 failed, 0 skipped');
});
