import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PeerRow } from '../test/servers/peer-table.ts';
import { startFile } from '../test/servers/peers.ts';
import { type AptSource, otherSuite, parseAptSources, plannedPackages } from './apt-sources.ts';

const run = promisify(execFile);
const limits = { timeout: 300_000, maxBuffer: 16_000_000, env: { ...process.env, LC_ALL: 'C' } };

/** An apt with lists, cache and sources of its own: it needs no rights and leaves the machine's as they are. */
export type PrivateApt = AsyncDisposable & {
  /** Downloads a row's package (and, from the machine's own suite, the libraries it lacks) and unpacks them into `peers`. */
  readonly unpack: (row: PeerRow, peers: string) => Promise<void>;
};

/** Whether this machine has apt and dpkg. */
export const hasApt = async (): Promise<boolean> => {
  try {
    await Promise.all([run('apt-get', ['--version'], limits), run('dpkg', ['--version'], limits)]);
    return true;
  } catch {
    return false;
  }
};

/**
 * Sets up an apt beside the machine's own in `folder`, for one of Debian's suites or for what the machine is set up for,
 * and fetches its package lists. Rejects with a sentence if that cannot be.
 */
export const privateApt = async (folder: string, suite: PeerRow['suite']): Promise<PrivateApt> => {
  await mkdir(folder, { recursive: true });
  const home = await mkdtemp(join(folder, 'apt-'));
  const dispose = () => rm(home, { recursive: true, force: true });
  try {
    await mkdir(join(home, 'state/lists/partial'), { recursive: true });
    await mkdir(join(home, 'cache/archives/partial'), { recursive: true });
    const config = join(home, 'apt.conf');
    await writeFile(config, await configuration(home, suite));
    // A foreign source of the machine that fails is not our business; ours is.
    await apt(config, suite === undefined ? ['update'] : ['--error-on=any', 'update']);
    return {
      unpack: (row, peers) => unpack(row, peers, home, config),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
};

const configuration = async (home: string, suite: PeerRow['suite']): Promise<string> => {
  const lines = [
    `Dir::State "${home}/state";`,
    'Dir::State::status "/var/lib/dpkg/status";',
    `Dir::Cache "${home}/cache";`,
    'Acquire::Languages "none";',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";',
    // Hooks of the machine would clean or index its own folders.
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  ];
  // Root's apt would download as the user _apt, who may not enter a home folder.
  if (process.getuid?.() === 0) lines.push('APT::Sandbox::User "root";');
  if (suite !== undefined) {
    const sources = join(home, 'peers.sources');
    await writeFile(sources, await sourcesOf(suite));
    lines.push(`Dir::Etc::sourcelist "${sources}";`, 'Dir::Etc::sourceparts "-";');
  }
  return `${lines.join('\n')}\n`;
};

const sourcesOf = async (suite: string): Promise<string> => {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID="?debian"?$/m.test(release)) throw new Error(`Debian's ${suite} is for Debian machines, which this is not`);
  const codename = /^VERSION_CODENAME="?([a-z]*)"?$/m.exec(release)?.[1] ?? '';
  const text = otherSuite(await machineSources(), codename, suite);
  if (text === undefined) throw new Error(`no source in /etc/apt holds ${codename || 'this Debian'} main`);
  return text;
};

const machineSources = async (): Promise<AptSource[]> => {
  const names = (await readdir('/etc/apt/sources.list.d').catch(() => []))
    .filter((name) => /^[\w.-]+\.(?:list|sources)$/.test(name))
    .map((name) => `/etc/apt/sources.list.d/${name}`);
  const files = ['/etc/apt/sources.list', ...names];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return files.flatMap((file, index) => parseAptSources(file, texts[index] ?? ''));
};

const apt = async (config: string, words: readonly string[], cwd?: string): Promise<string> => {
  try {
    const { stdout } = await run('apt-get', ['-c', config, '-q', ...words], { ...limits, cwd });
    return stdout;
  } catch (error) {
    throw new Error(`apt-get ${words.join(' ')}: ${lastWords(error)}`);
  }
};

const lastWords = (error: unknown): string => {
  const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  const lines = text.split('\n').filter((line) => line.startsWith('E:') || line.startsWith('W:'));
  return (lines.length > 0 ? lines : [text.trim()]).slice(0, 3).join(' ');
};

const unpack = async (row: PeerRow, peers: string, home: string, config: string): Promise<void> => {
  const debs = await mkdtemp(join(home, 'debs-'));
  const packages =
    row.suite === undefined
      ? plannedPackages(await apt(config, ['--simulate', '--no-install-recommends', 'install', row.package]))
      : // The machine may have a newer one from elsewhere installed, which no suite of Debian has.
        [`${row.package}/${row.suite}`];
  // What is installed already needs no unpacking, but its program was not found or too old, so it is taken all the same.
  const own = packages.some((name) => name.split(/[=/]/)[0] === row.package);
  await apt(config, ['download', ...packages, ...(own ? [] : [row.package])], debs);
  const tree = await mkdtemp(join(home, 'tree-'));
  const files = await readdir(debs);
  for (const file of files) await run('dpkg', ['-x', join(debs, file), tree], limits);
  await writeStart(tree, row);
  const version = decodeURIComponent(files.find((file) => file.startsWith(`${row.package}_`))?.split('_')[1] ?? '0');
  const place = join(peers, `${row.package}-${version.replace(/^\d+:/, '')}`);
  await chmod(tree, 0o755);
  await mkdir(peers, { recursive: true });
  await rm(place, { recursive: true, force: true });
  await rename(tree, place);
};

/** The program may need libraries that were unpacked beside it and not installed. */
const writeStart = async (tree: string, row: PeerRow): Promise<void> => {
  const file = join(tree, startFile);
  const text = [
    '#!/bin/sh',
    `# Starts ${row.program} of Debian's package ${row.package} with the libraries unpacked beside it.`,
    'here=$(dirname "$(readlink -f "$0")")',
    'paths= colon=',
    // Some libraries keep their parts in a folder of their own.
    'for folder in "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-* "$here"/usr/lib/*-linux-*/*; do',
    '  [ -d "$folder" ] && paths=$paths$colon$folder && colon=:',
    'done',
    '[ -n "$paths" ] && export LD_LIBRARY_PATH="$paths"',
    `exec "$here/${row.program}" "$@"`,
  ];
  await writeFile(file, `${text.join('\n')}\n`);
  await chmod(file, 0o755);
};
