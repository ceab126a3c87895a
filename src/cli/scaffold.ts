import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { version } from '../kernel/version.ts';

/** The package's own root: above the bundle in dist/, or above src/cli. */
const packageRoot = (): string => {
  const up = ['..', '../..'].map((place) => join(import.meta.dirname, place));
  return up.find((place) => existsSync(join(place, 'infra/init'))) ?? import.meta.dirname;
};

/** Files of a new repository, and where this package has them. Those of its own root are what it is deployed with itself. */
const sources: Readonly<Record<string, string>> = {
  'bothways.yml': 'bothways.yml',
  'targets/websites.yml': 'targets/websites.yml',
  'serverless.yml': 'serverless.yml',
  '.github/workflows/bothways.yml': '.github/workflows/bothways.yml',
  '.gitignore': 'infra/init/gitignore',
  'README.md': 'infra/init/README.md',
};

/** What a repository that has Bothways as a package writes where this one names its own files. */
const inPackage = [
  ['./infra/aws/plugin.mjs', 'bothways/serverless'],
  ['./docs/', './node_modules/bothways/docs/'],
] as const;

/** The files of a repository of a user's own, by their path in it. */
export const scaffold = async (folder: string): Promise<ReadonlyMap<string, string>> => {
  const root = packageRoot();
  const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const files = Object.entries(sources).map(async ([path, source]) => {
    const text = await readFile(join(root, source), 'utf8');
    return [path, inPackage.reduce((all, [here, there]) => all.replaceAll(here, there), text)] as const;
  });
  const manifest = {
    name: packageName(folder),
    private: true,
    engines: own.engines,
    scripts: {
      bothways: 'bothways',
      check: 'bothways check',
      plan: 'bothways plan',
      test: 'bothways check',
      deploy: 'bothways deploy',
      remove: 'bothways remove',
    },
    // None of these is needed; npm asks about each that is not named.
    allowScripts: { 'es5-ext': false, esbuild: false, koffi: false },
    dependencies: { bothways: version },
    devDependencies: { serverless: own.devDependencies.serverless },
  };
  return new Map([['package.json', `${JSON.stringify(manifest, undefined, 2)}\n`], ...(await Promise.all(files))]);
};

/** A folder's name as a package may be called: lower case, digits, hyphens. */
const packageName = (folder: string): string => {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 100);
  // A package that is called like what it depends on cannot be installed.
  return name === '' || name === 'bothways' || name === 'serverless' ? 'probes' : name;
};
