import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { undiciDefine, undiciParts } from './undici-parts.ts';

/**
 * `npm run build:functions [-- FOLDER]`: makes `dist/functions/probe.mjs` (or in the folder named), what a function's zip holds
 * beside its list. Split, so that what the first event does not need is not read at a cold start.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = process.argv[2] ?? `${root}/dist/functions`;
await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['functions/probe.ts'],
  outdir,
  outExtension: { '.js': '.mjs' },
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
