import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { listening } from './tcp.ts';

type Object_ = {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly annotations?: object };
  readonly [key: string]: unknown;
};

/** A request that the stand-in saw. `verb` is as RBAC calls it. */
export type SeenRequest = { readonly verb: 'list' | 'watch'; readonly path: string; readonly query: URLSearchParams };

/** A stand-in for an API server on loopback: paged lists, watches, and troubles on request. */
export type KubernetesServer = AsyncDisposable & {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Puts an object into a collection such as `/api/v1/services`, and tells who watches. */
  readonly put: (collection: string, object: Object_) => void;
  readonly remove: (collection: string, namespace: string, name: string) => void;
  /** Sends a bookmark to who watches. */
  readonly bookmark: () => void;
  /** Writes bytes to who watches, as they are, and ends their connections if asked. */
  readonly write: (text: string, end?: 'cut') => void;
  /** Versions up to now are no longer there: a watch from them is answered 410, by status or by an event. */
  readonly forget: (how: 'status' | 'event') => void;
  /** The token that is admitted; anybody if not set. */
  token: string | undefined;
  /** Answers the next requests with a status. */
  readonly fail: (status: number, times: number, headers?: Readonly<Record<string, string>>) => void;
  /** Kinds that the server does not know. */
  readonly absent: Set<string>;
  /** Milliseconds before each answer. */
  delayMs: number;
  /** Begins its answers to lists, and does not end them. */
  stalls: boolean;
  /** Sent in place of lists, with status 200. */
  page: string | undefined;
  /** So many lists have expired when their next page is asked for. */
  expiredPages: number;
};

const root = /^((?:\/api\/v1|\/apis\/[^/]+\/[^/]+))(?:\/namespaces\/([^/]+))?\/([a-z]+)$/;

/** Starts the stand-in. `url` is the base. */
export const kubernetesServer = async (
  pageLimit = 250,
  tls?: { readonly cert: string; readonly key: string },
): Promise<KubernetesServer> => {
  const collections = new Map<string, Map<string, Object_>>();
  const watchers = new Set<{
    readonly collection: string;
    readonly namespace: string | undefined;
    readonly response: ServerResponse;
  }>();
  let version = 100;
  let oldest = 0;
  let expiredBy: 'status' | 'event' = 'status';
  let failing = { status: 0, times: 0, headers: {} as Readonly<Record<string, string>> };
  const seen: SeenRequest[] = [];
  const stored = (object: Object_): Object_ => {
    version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } as Object_['metadata'] };
  };
  const tell = (collection: string, type: string, object: Object_) => {
    for (const one of watchers)
      if (one.collection === collection && (one.namespace ?? object.metadata.namespace) === object.metadata.namespace)
        one.response.write(`${JSON.stringify({ type, object })}\n`);
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '', 'http://api');
    const [, group = '', namespace, resource = ''] = root.exec(url.pathname) ?? [];
    const collection = `${group}/${resource}`;
    const query = url.searchParams;
    const isWatch = query.has('watch');
    const say = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
    if (state.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, state.delayMs));
    if (state.token !== undefined && request.headers.authorization !== `Bearer ${state.token}`)
      return say(401, { kind: 'Status', code: 401 });
    seen.push({ verb: isWatch ? 'watch' : 'list', path: url.pathname, query });
    if (failing.times > 0) {
      failing = { ...failing, times: failing.times - 1 };
      return say(failing.status, { kind: 'Status', code: failing.status }, failing.headers);
    }
    if (state.absent.has(resource)) return say(404, { kind: 'Status', code: 404 });
    if (isWatch) {
      const from = Number(query.get('resourceVersion'));
      if (from < oldest && expiredBy === 'status') return say(410, { kind: 'Status', code: 410 });
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.flushHeaders();
      if (from < oldest)
        return response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410 } })}\n`);
      for (const object of collections.get(collection)?.values() ?? [])
        if (Number((object.metadata as { resourceVersion?: string }).resourceVersion) > from)
          response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
      const watcher = { collection, namespace, response };
      watchers.add(watcher);
      response.on('close', () => watchers.delete(watcher));
      return undefined;
    }
    const all = [...(collections.get(collection)?.values() ?? [])].filter(
      ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
    );
    if (query.has('continue') && state.expiredPages > 0) {
      state.expiredPages -= 1;
      return say(410, { kind: 'Status', code: 410, reason: 'Expired' });
    }
    if (state.stalls) return response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"kind":"List",');
    if (state.page !== undefined) return response.end(state.page);
    const from = Number(query.get('continue') ?? 0);
    const until = from + Math.min(pageLimit, Number(query.get('limit') ?? pageLimit));
    return say(200, {
      kind: 'List',
      metadata: { resourceVersion: String(version), ...(until < all.length ? { continue: String(until) } : {}) },
      items: all.slice(from, until),
    });
  };
  const server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer);
  const { port, [Symbol.asyncDispose]: close } = await listening(server);
  const state: KubernetesServer = {
    url: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    seen,
    token: undefined,
    delayMs: 0,
    stalls: false,
    expiredPages: 0,
    page: undefined,
    absent: new Set(),
    put: (collection, object) => {
      const all = collections.get(collection) ?? new Map<string, Object_>();
      collections.set(collection, all);
      const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
      const type = all.has(key) ? 'MODIFIED' : 'ADDED';
      const one = stored(object);
      all.set(key, one);
      tell(collection, type, one);
    },
    remove: (collection, namespace, name) => {
      const object = collections.get(collection)?.get(`${namespace}/${name}`);
      if (object === undefined) return;
      collections.get(collection)?.delete(`${namespace}/${name}`);
      tell(collection, 'DELETED', stored(object));
    },
    bookmark: () => {
      version += 1;
      for (const { response } of watchers)
        response.write(
          `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })}\n`,
        );
    },
    write: (text, end) => {
      for (const { response } of watchers) {
        response.write(text);
        if (end === 'cut') setTimeout(() => response.destroy(), 5);
      }
    },
    forget: (how) => {
      version += 1;
      oldest = version;
      expiredBy = how;
    },
    fail: (status, times, headers = {}) => {
      failing = { status, times, headers };
    },
    [Symbol.asyncDispose]: async () => {
      for (const { response } of watchers) response.destroy();
      await close();
    },
  };
  return state;
};
