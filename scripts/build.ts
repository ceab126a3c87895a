import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { undiciDefine, undiciParts } from './undici-parts.ts';

/**
 * `npm run build`: makes `dist/cli.cjs` (or the file named), what an installed `bothways` runs: one file, since Node strips
 * no types under node_modules and starts one file faster than hundreds. CommonJS, since an ES module that imports
 * `node:http` or `node:crypto` reads all their names, and so has Node load a fetch, a WebSocket and a WebCrypto that nobody
 * here uses.
 *
 * Beside it:
 * - `agent.cjs`: the same with nothing but the agent, whose memory holds all that its file has;
 * - `bcrypt-worker.cjs`: the thread of the agent that compares passwords;
 * - `matcher-worker.cjs`: what both start as a thread for expensive matching (src/net/matcher-thread.ts looks for it there);
 * - `serverless.cjs`: the plugin for the serverless framework, which others import as `bothways/serverless`.
 */
const root = fileURLToPath(new URL('..', import.meta.url));
const [, , outfile] = process.argv;
if (outfile === undefined) await rm(`${root}/dist`, { recursive: true, force: true });
const bundle = (entry: string, to: string, footer = '') =>
  build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: to,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minify: true,
    legalComments: 'linked',
    // It has a native file of its own, which stays in its package.
    external: ['koffi'],
    plugins: [undiciParts],
    define: { ...undiciDefine, 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    footer: { js: footer },
    logLevel: 'warning',
  });
const main = outfile ?? `${root}/dist/cli.cjs`;
await bundle('src/cli/main.ts', main);
await bundle('src/cli/agent-main.ts', join(dirname(main), 'agent.cjs'));
await bundle('src/agent/bcrypt-worker.ts', join(dirname(main), 'bcrypt-worker.cjs'));
await bundle('src/net/matcher-worker.ts', join(dirname(main), 'matcher-worker.cjs'));
// The framework takes what a plugin's file exports, not a default among it.
if (outfile === undefined)
  await bundle('infra/aws/plugin.mjs', `${root}/dist/serverless.cjs`, 'module.exports = module.exports.default;');
