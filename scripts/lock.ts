import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * `npm run lock`: brings package-lock.json in line with package.json, and gives every entry that lacks a hash the one that the registry
 * names. npm leaves out the hash of a package for another kind of machine when it writes the file beside an installed `node_modules`;
 * `npm ci` there would then take whatever it is sent. Exits with 1 where a hash cannot be had.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const file = fileURLToPath(new URL('../package-lock.json', import.meta.url));

type Entry = {
  readonly name?: string;
  readonly version?: string;
  readonly link?: boolean;
  readonly integrity?: string;
};

const npm = (...words: readonly string[]): string => {
  const { status, stdout } = spawnSync('npm', words, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) {
    console.error(`lock: npm ${words.join(' ')} failed; run it again when the registry can be reached`);
    process.exit(1);
  }
  return stdout;
};

npm('install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund');
const lock: { packages: Record<string, Entry> } = JSON.parse(readFileSync(file, 'utf8'));
let filled = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  // The package itself and its folders are in the repository.
  if (!place.includes('node_modules/') || entry.link === true || entry.integrity !== undefined) continue;
  const name = entry.name ?? place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const integrity = npm('view', `${name}@${entry.version}`, 'dist.integrity').trim();
  if (!integrity.startsWith('sha512-')) {
    console.error(`lock: ${name}@${entry.version}: the registry names no sha512 hash; take another version`);
    process.exit(1);
  }
  const { version, ...rest } = entry;
  lock.packages[place] = { ...(version === undefined ? {} : { version }), integrity, ...rest };
  filled += 1;
}
writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
console.log(`lock: every package has its hash; ${filled} were added`);
