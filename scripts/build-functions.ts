import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { undiciDefine, undiciParts } from './undici-parts.ts';

/**
 * `npm run build:functions [-- FOLDER]`: makes `dist/functions/probe.mjs` and `matcher-worker.mjs` (or in the folder named), what a function's zip holds
 * beside its list. Split, so that what the first event does not need is not read at a cold start.
 *
 * File by file, and only those that changed: who packages at the same time finds a whole function.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = resolve(process.argv[2] ?? `${root}/dist/functions`);
const { outputFiles } = await build({
  absWorkingDir: root,
  // The second is what the first starts as a thread for expensive matching; both take the same chunks.
  entryPoints: { probe: 'functions/probe.ts', 'matcher-worker': 'src/net/matcher-worker.ts' },
  outdir,
  outExtension: { '.js': '.mjs' },
  write: false,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  legalComments: 'linked',
  plugins: [undiciParts],
  define: undiciDefine,
  // Packages written for CommonJS ask for Node's own modules by `require`, which an ES module does not have.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  logLevel: 'warning',
});

const built = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
await mkdir(outdir, { recursive: true });
const unfinished = await mkdtemp(`${outdir}-`);
try {
  for (const [name, contents] of built) {
    const old = await readFile(join(outdir, name)).catch(() => undefined);
    if (old !== undefined && Buffer.compare(old, contents) === 0) continue;
    await writeFile(join(unfinished, name), contents);
    await rename(join(unfinished, name), join(outdir, name));
  }
} finally {
  await rm(unfinished, { recursive: true });
}
for (const name of await readdir(outdir))
  if (!built.has(name)) await rm(join(outdir, name), { recursive: true, force: true });
