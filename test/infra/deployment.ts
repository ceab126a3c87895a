import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a program ended, and what it said. */
export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** A folder with a list and serverless.yml as in the repository's root. */
export type Deployment = AsyncDisposable & {
  readonly folder: string;
  /** Runs `bothways` there. */
  readonly bothways: (words: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<Ended>;
  /** Runs the serverless framework there. */
  readonly serverless: (words: readonly string[], environment?: Readonly<Record<string, string>>) => Promise<Ended>;
  readonly write: (name: string, text: string) => Promise<void>;
  /** All that is in the folder but packages, by path. */
  readonly files: () => Promise<ReadonlyMap<string, Buffer>>;
};

/** Makes the folder. The function is to be built already (see {@link buildFunctions}). */
export const deployment = async (list: string): Promise<Deployment> => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-deployment-'));
  await cp(join(root, 'serverless.yml'), join(folder, 'serverless.yml'));
  await writeFile(join(folder, 'bothways.yml'), list);
  for (const name of ['infra', 'node_modules']) await symlink(join(root, name), join(folder, name));
  const run = (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    new Promise((resolve) => {
      const env = {
        PATH: process.env.PATH,
        HOME: folder,
        SLS_AWS_MONITORING_FREQUENCY: '100',
        SLS_NOTIFICATIONS_MODE: 'off',
        AWS_EC2_METADATA_DISABLED: 'true',
        ...environment,
      };
      execFile(process.execPath, words, { cwd: folder, env, maxBuffer: 64e6 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  return {
    folder,
    bothways: (words, environment) => run([join(root, 'bin', 'bothways'), ...words], environment),
    serverless: (words, environment) => run([join(root, 'node_modules/.bin/serverless'), ...words], environment),
    write: (name, text) => writeFile(join(folder, name), text),
    files: async () => {
      const found = new Map<string, Buffer>();
      for (const top of ['.serverless', '.bothways'])
        for (const name of await readdir(join(folder, top)).catch(() => []))
          found.set(`${top}/${name}`, await readFile(join(folder, top, name)));
      return found;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};

/** Builds the function into dist/functions, where `bothways` looks for it. */
export const buildFunctions = (): Promise<void> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, ['scripts/build-functions.ts'], { cwd: root }, (error) =>
      error === null ? resolve() : reject(error),
    );
  });
