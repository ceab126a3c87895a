import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type PeerName, type PeerRow, peerTable } from './peer-table.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A program that is there, or a sentence that says why not and how to name its path. */
export type Peer =
  | { readonly path: string; readonly version: string; readonly missing?: never }
  | { readonly missing: string; readonly path?: never; readonly version?: never };

/** Where `npm run peers` unpacks programs to: `<package>-<version>` each. */
export const peersFolder = (environment: Environment = process.env): string =>
  join(environment.XDG_CACHE_HOME || join(environment.HOME || homedir(), '.cache'), 'bothways', 'peers');

/** The program that `npm run peers` makes in an unpacked folder: it starts the real one with the libraries beside it. */
export const startFile = 'start';

const found = new Map<PeerName, Promise<Peer>>();

/** Finds a program of the table, once per process: by its variable, in the cache folder, in PATH. Never rejects. */
export const peer = (name: PeerName): Promise<Peer> => {
  const known = found.get(name) ?? findPeer(peerTable[name]);
  found.set(name, known);
  return known;
};

/**
 * The program, or `undefined` after skipping the test with the reason; in CI a missing program fails the test.
 * `const prometheus = await needs(t, 'prometheus-3.5'); if (prometheus === undefined) return;`
 */
export const needs = async (
  t: Pick<TestContext, 'skip'>,
  name: PeerName,
): Promise<{ readonly path: string; readonly version: string } | undefined> => {
  const result = await peer(name);
  if (result.missing === undefined) return result;
  if (isCi(process.env)) throw new Error(result.missing);
  t.skip(result.missing);
  return undefined;
};

/** Whether this is CI, where nothing may be missing. */
export const isCi = (environment: Environment): boolean => ['true', '1'].includes(environment.CI ?? '');

/** Finds the program of a row by what `environment` says. Never rejects. */
export const findPeer = async (row: PeerRow, environment: Environment = process.env): Promise<Peer> => {
  const named = environment[row.variable];
  if (named !== undefined && named !== '') {
    const version = await versionOf(named, row);
    if (version === undefined) return { missing: `${row.variable} names ${named}, which does not run` };
    if (!suits(version, row))
      return { missing: `${row.variable} names ${named}, which is ${version}; wanted is ${wanted(row)}` };
    return { path: named, version };
  }
  for (const path of [...(await unpacked(row, environment)), ...inPath(row, environment)]) {
    if (!(await isProgram(path))) continue;
    const version = await versionOf(path, row);
    if (version !== undefined && suits(version, row)) return { path, version };
  }
  return {
    missing: `${row.command} ${wanted(row)} is not here (for ${row.for}); \`npm run peers\` gets it on Debian, or ${row.variable} names its path`,
  };
};

const wanted = ({ from, below }: PeerRow) =>
  below === undefined ? `${from} or newer` : `from ${from} and below ${below}`;

/** Folders of the cache that hold the row's package, the newest first. */
const unpacked = async (row: PeerRow, environment: Environment): Promise<string[]> => {
  const folder = peersFolder(environment);
  const names = await readdir(folder).catch(() => []);
  const versions = names
    .filter((name) => name.startsWith(`${row.package}-`))
    .map((name) => name.slice(row.package.length + 1))
    .filter((version) => /^\d/.test(version) && suits(version, row));
  return versions.sort((a, b) => compareVersions(b, a)).map((v) => join(folder, `${row.package}-${v}`, startFile));
};

const inPath = (row: PeerRow, environment: Environment): string[] =>
  (environment.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    // Debian keeps servers in sbin, which is in root's PATH alone.
    .flatMap((folder) => (folder.endsWith('/bin') ? [folder, join(folder, '..', 'sbin')] : [folder]))
    .map((folder) => join(folder, row.command));

const isProgram = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const versionOf = (path: string, row: PeerRow): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(path, [...row.version], { timeout: 10_000 }, (error, stdout, stderr) => {
      if (error !== null) return resolve(undefined);
      resolve(/\d+(?:\.\d+)+/.exec(`${stdout}\n${stderr}`)?.[0] ?? packageVersion(path, row));
    });
  });

/** Some packages are built without a version in the program; then the folder that it was unpacked to says which one it is. */
const packageVersion = (path: string, row: PeerRow): string | undefined => {
  const folder = path.split('/').at(-2) ?? '';
  return folder.startsWith(`${row.package}-`)
    ? /^\d+(?:\.\d+)+/.exec(folder.slice(row.package.length + 1))?.[0]
    : undefined;
};

/** Whether a version is one that the row takes. */
const suits = (version: string, { from, below }: Pick<PeerRow, 'from' | 'below'>): boolean =>
  compareVersions(version, from) >= 0 && (below === undefined || compareVersions(version, below) < 0);

/** Negative, 0 or positive as the dotted numbers at the start of `a` come before, with or after those of `b`. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

const numbers = (version: string) => (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
