import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { collectGarbage } from '../../kernel/garbage.ts';
import type { KubernetesAnswer, KubernetesApi } from './api.ts';
import { linesOf } from './lines.ts';

/** A collection of an API server, for example `/apis/networking.k8s.io/v1/ingresses`, or one in a namespace. */
export type Collection = { readonly path: string; readonly labelSelector?: string | undefined };

/** What is known of a collection. `problem` says why it may be out of date; `absent` that the server does not know such objects. */
export type WatchState = {
  readonly syncedAt: number | undefined;
  readonly problem: string | undefined;
  readonly absent: boolean;
};

/** What {@link listAndWatch} works with. `pick` takes what is needed of an object, or `undefined` to leave it out. */
export type ListAndWatch<T> = {
  readonly api: KubernetesApi;
  readonly collection: Collection;
  readonly pick: (object: unknown) => T | undefined;
  /** Called when what was picked is not what it was. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
  readonly random?: () => number;
  /** How long the server is to keep a watch open, in seconds. */
  readonly watchSeconds?: number;
};

/** A collection that is kept up to date. `objects` are by namespace and name. */
export type Watched<T> = {
  readonly objects: ReadonlyMap<string, T>;
  readonly state: () => WatchState;
  /** Resolves when the first list is complete or has failed. */
  readonly first: Promise<void>;
  /** Resolves when the signal has fired and everything is closed. */
  readonly ended: Promise<void>;
};

/** Objects of one page of a list. */
const pageSize = 100;
/** Where the kind is not there it is looked for again after so many milliseconds: it may be installed later. */
const absentMs = 60_000;
const waits = { leastMs: 500, mostMs: 30_000 };

/** A resource version that the server no longer has; the list is to be read anew. */
class Expired extends Error {}
/** What is no answer of an API server. */
class Nonsense extends Error {}

/**
 * Lists a collection page by page, then watches it, for as long as the signal allows. A watch that ends is begun anew where it stood
 * (bookmarks keep that place fresh); after 410 the list is read anew and what vanished meanwhile is gone; errors are waited out with
 * growing, random pauses, or for as long as the server asks, while the last good state stays. Never rejects.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export const listAndWatch = <T>(options: ListAndWatch<T>): Watched<T> => {
  const { api, collection, pick, changed, signal, random = Math.random, watchSeconds = 290 } = options;
  const objects = new Map<string, T>();
  const first = Promise.withResolvers<void>();
  let state: WatchState = { syncedAt: undefined, problem: undefined, absent: false };

  const ask = async (query: Readonly<Record<string, string>>): Promise<KubernetesAnswer> => {
    const { path, labelSelector } = collection;
    const all = new URLSearchParams({ ...query, ...(labelSelector === undefined ? {} : { labelSelector }) });
    const answer = await api.get(`${path}?${all}`, signal);
    if (answer.status === 200) return answer;
    answer.discard();
    if (answer.status === 410) throw new Expired();
    throw new Refused(answer.status, answer.retryAfterMs);
  };

  const list = async (): Promise<string> => {
    const seen = new Set<string>();
    let [version, pages] = ['', 0];
    for (let next: string | undefined = ''; next !== undefined; ) {
      const answer = await ask({ limit: String(pageSize), ...(next === '' ? {} : { continue: next }) });
      const page = pageOf(await textOf(answer.body));
      for (const item of page.items) {
        const key = keyOf(item);
        const picked = key === undefined ? undefined : pick(item);
        if (key === undefined || picked === undefined) continue;
        seen.add(key);
        objects.set(key, picked);
      }
      ({ version } = page);
      pages += 1;
      next = page.next;
    }
    for (const key of objects.keys()) if (!seen.has(key)) objects.delete(key);
    if (pages > 1) collectGarbage();
    state = { syncedAt: Date.now(), problem: undefined, absent: false };
    changed();
    return version;
  };

  /** Watches from a version on; gives the version that it came to. */
  const watch = async (from: string, reached: (version: string) => void): Promise<void> => {
    const answer = await ask({
      watch: '1',
      resourceVersion: from,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(watchSeconds),
    });
    try {
      for await (const line of linesOf(answer.body)) {
        const event = eventOf(line);
        if (event === undefined) throw new Nonsense('a line of a watch that is no event');
        if (event.type === 'ERROR') {
          if (event.code === 410) throw new Expired();
          throw new Nonsense(`an error in a watch, code ${event.code}`);
        }
        if (event.version !== undefined) reached(event.version);
        state = { ...state, syncedAt: Date.now(), problem: undefined };
        if (event.type === 'BOOKMARK' || event.key === undefined) continue;
        const picked = event.type === 'DELETED' ? undefined : pick(event.object);
        // Most events are of a status that nobody here looks at.
        if (isDeepStrictEqual(picked, objects.get(event.key))) continue;
        if (picked === undefined) objects.delete(event.key);
        else objects.set(event.key, picked);
        changed();
      }
    } catch (error) {
      // A connection that breaks is how a watch ends when something in between is restarted; whether anybody is there shows next.
      if (error instanceof Expired || error instanceof Nonsense) throw error;
    } finally {
      answer.discard();
    }
  };

  const keepUp = async (): Promise<void> => {
    let version: string | undefined;
    let failures = 0;
    while (!signal.aborted) {
      try {
        version ??= await list();
        first.resolve();
        failures = 0;
        const began = performance.now();
        await watch(version, (reached) => {
          version = reached;
        });
        // A server that ends each watch at once is not asked without a pause.
        if (performance.now() - began < 1_000) await wait(waits.leastMs, undefined, { signal });
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof Expired) {
          version = undefined;
          continue;
        }
        failures += 1;
        const absent = error instanceof Refused && error.status === 404;
        if (absent && objects.size > 0) {
          objects.clear();
          changed();
        }
        state = { ...state, problem: absent ? undefined : sentence(error), absent };
        first.resolve();
        const limit = Math.min(waits.mostMs, waits.leastMs * 2 ** Math.min(failures, 10));
        const pause = waits.leastMs + random() * (limit - waits.leastMs);
        const asked = error instanceof Refused ? error.retryAfterMs : undefined;
        await wait(asked ?? (absent ? absentMs : pause), undefined, { signal }).catch(() => {});
      }
    }
    first.resolve();
  };

  return { objects, state: () => state, first: first.promise, ended: keepUp().catch(() => {}) };
};

/** An answer other than 200. */
class Refused extends Error {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  constructor(status: number, retryAfterMs: number | undefined) {
    super(`the API server answered ${status}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const hints: Readonly<Record<number, string>> = {
  401: 'the API server does not know our token (401)',
  403: 'the API server does not let us read this (403); look at the ClusterRole',
  429: 'the API server has no time for us (429)',
};

const sentence = (error: unknown): string => {
  if (error instanceof Refused) return hints[error.status] ?? error.message;
  if (error instanceof Nonsense) return `the API server sent ${error.message}`;
  if (!(error instanceof Error)) return 'the API server cannot be reached';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return `the API server cannot be reached: ${code}`;
};

/** A page is at most some megabytes; more is no page of ours. */
const mostPageBytes = 64 * 1_024 * 1_024;

const textOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > mostPageBytes) throw new Nonsense('an answer that is too long');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  // safe: a plain object has texts as keys
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const metadataOf = (object: unknown) => record(record(object)?.metadata);

const keyOf = (object: unknown): string | undefined => {
  const metadata = metadataOf(object);
  const name = text(metadata?.name);
  return name === undefined ? undefined : `${text(metadata?.namespace) ?? ''}/${name}`;
};

const pageOf = (
  body: string,
): { readonly items: readonly unknown[]; readonly version: string; readonly next: string | undefined } => {
  const page = record(JSON.parse(body));
  const metadata = record(page?.metadata);
  const version = text(metadata?.resourceVersion);
  if (page === undefined || version === undefined) throw new Nonsense('an answer that is no list');
  return { items: Array.isArray(page.items) ? page.items : [], version, next: text(metadata?.continue) };
};

/** An event of a watch. `code` is that of an ERROR's status. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
  readonly key: string | undefined;
  readonly version: string | undefined;
  readonly code: number | undefined;
};

/** Reads a line of a watch; `undefined` if it is none. Never throws. */
export const eventOf = (line: string): WatchEvent | undefined => {
  let event: Readonly<Record<string, unknown>> | undefined;
  try {
    event = record(JSON.parse(line));
  } catch {
    return undefined;
  }
  const type = text(event?.type);
  if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK' && type !== 'ERROR')
    return undefined;
  const object = event?.object;
  const code = record(object)?.code;
  return {
    type,
    object,
    key: keyOf(object),
    version: text(metadataOf(object)?.resourceVersion),
    code: typeof code === 'number' ? code : undefined,
  };
};
