import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

/**
 * Bundles the parts of undici that we use and no others: its index brings fetch, WebSocket, caches and mocks, which are half of
 * a bundle and a tenth of an idle agent's memory. Its request function is bound to dispatchers by that index, so that is done
 * here. `npm run build` fails if we come to use a name that is not among them.
 */
export const undiciParts: Plugin = {
  name: 'undici-parts',
  setup: (build) => {
    // What we push asks undici for no HTTP/2, with which comes all of node:http2, and has no FormData or streams of the web as its body.
    build.onResolve({ filter: /^\.\/client-h2\.js$|^\.\.\/web\/fetch\/body\.js$/ }, ({ path }) => ({
      path,
      namespace: 'undici-left-out',
    }));
    // It brings its parser twice, with SIMD and without. Answers to pushes are short, so the one that runs everywhere will do.
    build.onResolve({ filter: /llhttp_simd-wasm\.js$/ }, ({ resolveDir }) => ({
      path: join(resolveDir, '../llhttp/llhttp-wasm.js'),
    }));
    build.onLoad({ filter: /.*/, namespace: 'undici-left-out' }, () => ({ contents: 'module.exports = undefined;' }));
    build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'undici-parts' }));
    build.onLoad({ filter: /.*/, namespace: 'undici-parts' }, () => ({ contents: parts, resolveDir: root }));
  },
};

/** For esbuild's `define`: leaves out undici's second, experimental parser, as Node's own build of it does. */
export const undiciDefine = { esbuildDetection: 'true' };

const root = fileURLToPath(new URL('..', import.meta.url));

const parts = `
import Agent from 'undici/lib/dispatcher/agent.js';
import requestBy from 'undici/lib/api/api-request.js';
const request = (url, { dispatcher, ...options }) => {
  const { origin, pathname, search } = new URL(url);
  return requestBy.call(dispatcher, { ...options, origin, path: pathname + search });
};
export { Agent, request };
`;
