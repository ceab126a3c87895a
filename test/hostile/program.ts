import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The agent as it is installed: launcher, bundle and dependencies in a folder that goes away. `words` start the launcher. */
export const installed = async (): Promise<AsyncDisposable & { readonly words: readonly string[] }> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-installed-'));
  await using unfinished = new AsyncDisposableStack();
  unfinished.defer(() => rm(folder, { recursive: true, force: true }));
  await run(process.execPath, ['scripts/build.ts', join(folder, 'dist', 'cli.cjs')], { cwd: root });
  await cp(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  await cp(join(root, 'package.json'), join(folder, 'package.json'));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const made = unfinished.move();
  return {
    words: [process.execPath, join(folder, 'bin', 'bothways')],
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
};
