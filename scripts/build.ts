import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { undiciDefine, undiciParts } from './undici-parts.ts';

/**
 * `npm run build`: makes `dist/cli.js` (or the file named), what an installed `bothways` runs: one file, since Node strips no types under node_modules and
 * starts one file faster than hundreds.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const outfile = process.argv[2] ?? `${root}/dist/cli.js`;
if (process.argv[2] === undefined) await rm(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  outfile,
  bundle: true,
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
