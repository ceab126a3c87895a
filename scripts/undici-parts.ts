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
    // Neither what we send nor what we probe over HTTP/1.1 asks undici for HTTP/2, and with this part comes all of node:http2.
    build.onResolve({ filter: /^\.\/client-h2\.js$/ }, () => ({ path: 'client-h2', namespace: 'undici-left-out' }));
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
import Client from 'undici/lib/dispatcher/client.js';
import requestBy from 'undici/lib/api/api-request.js';
const request = (url, { dispatcher, ...options }) => {
  const { origin, pathname, search } = new URL(url);
  return requestBy.call(dispatcher, { ...options, origin, path: pathname + search });
};
export { Agent, Client, request };
`;
