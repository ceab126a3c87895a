import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { collectGarbage } from '../../kernel/garbage.ts';
import { backoffMs } from '../../protocol/backoff.ts';
import { whyUnusable } from '../unusable.ts';
import { eventOf, keyOf, Nonsense, pageOf, TooLong, textOf } from './answers.ts';
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
  /** Whether what was picked is kept; called with `undefined` for what is gone. All is kept unless given. */
  readonly admit?: (key: string, picked: T | undefined) => boolean;
  /** Whether something was not admitted that might be now: then all is listed again when a watch has ended. */
  readonly isPartial?: () => boolean;
  /** Called when what was picked is not what it was, and when it is out of date or up to date again. */
  readonly changed: () => void;
  readonly signal: AbortSignal;
  readonly random?: () => number;
  /** How long the server is to keep a watch open at least, in seconds; up to twice as long, so that not all end at once. */
  readonly watchSeconds?: number;
  /** How long a whole answer may take, beyond the time that a watch is open, in milliseconds. */
  readonly answerMs?: number;
  /** How long nothing but 404 has to come before objects that were there are taken for gone, in milliseconds. */
  readonly absentMs?: number;
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
const waits = { minMs: 500, maxMs: 30_000 };

/** A resource version that the server no longer has; the list is to be read anew. */
class Expired extends Error {
  constructor() {
    super('the API server forgets its versions at once (410)');
  }
}

/**
 * Lists a collection page by page, then watches it, for as long as the signal allows. A watch that ends is begun anew where it stood
 * (bookmarks keep that place fresh); when the server refuses that place, with 410 or otherwise, the list is read anew and what vanished
 * meanwhile is gone; errors are waited out with growing, random pauses, or for as long as the server asks, while the last good state
 * stays, also for a minute of 404: a server that starts, or something before it, may answer so in passing. A connection whose other
 * end is gone without a word is given up when the answer should have ended. Never rejects.
 * @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export const listAndWatch = <T>(options: ListAndWatch<T>): Watched<T> => {
  const { api, collection, changed, signal, random = Math.random } = options;
  const { admit = () => true, isPartial = () => false } = options;
  // Where the kind is not there it is looked for again after that time too: it may be installed later.
  const { watchSeconds = 290, answerMs = 30_000, absentMs = 60_000 } = options;
  const objects = new Map<string, T>();
  const first = Promise.withResolvers<void>();
  let state: WatchState = { syncedAt: undefined, problem: undefined, absent: false };

  const isNow = (next: WatchState) => {
    const before = state;
    state = next;
    if (before.problem !== next.problem || before.absent !== next.absent) changed();
  };

  const ask = async (query: Readonly<Record<string, string>>, limit: AbortSignal): Promise<KubernetesAnswer> => {
    const { path, labelSelector } = collection;
    const all = new URLSearchParams({ ...query, ...(labelSelector === undefined ? {} : { labelSelector }) });
    const answer = await api.get(`${path}?${all}`, AbortSignal.any([signal, limit]));
    if (answer.status === 200) return answer;
    answer.discard();
    if (answer.status === 410) throw new Expired();
    throw new Refused(answer.status, answer.retryAfterMs);
  };

  /** One object that cannot be read costs that object alone. */
  const pick = (object: unknown): T | undefined => {
    try {
      return options.pick(object);
    } catch {
      return undefined;
    }
  };
  const keep = (key: string, picked: T | undefined): boolean => {
    const isKept = admit(key, picked) && picked !== undefined;
    if (isKept) objects.set(key, picked);
    else objects.delete(key);
    return isKept;
  };

  /** A page of at most so many objects; of fewer where these are too large together. */
  const pageFrom = async (next: string, size: number): Promise<ReturnType<typeof pageOf>> => {
    const limit = AbortSignal.timeout(answerMs);
    const answer = await ask({ limit: String(size), ...(next === '' ? {} : { continue: next }) }, limit);
    try {
      return pageOf(await textOf(answer.body));
    } catch (error) {
      if (limit.aborted) throw new Nonsense('an answer without an end');
      if (!(error instanceof TooLong) || size === 1) throw error;
      answer.discard();
      return pageFrom(next, Math.max(1, Math.floor(size / 10)));
    }
  };

  const list = async (): Promise<string> => {
    const seen = new Set<string>();
    let [version, pages] = ['', 0];
    for (let next: string | undefined = ''; next !== undefined; ) {
      const page = await pageFrom(next, pageSize);
      for (const item of page.items) {
        const key = keyOf(item);
        if (key !== undefined && keep(key, pick(item))) seen.add(key);
      }
      ({ version } = page);
      pages += 1;
      next = page.next;
    }
    for (const key of objects.keys()) if (!seen.has(key)) keep(key, undefined);
    if (pages > 1) collectGarbage();
    state = { syncedAt: Date.now(), problem: undefined, absent: false };
    changed();
    return version;
  };

  /** Watches from a version on; gives the version that it came to. */
  const watch = async (from: string, reached: (version: string) => void): Promise<void> => {
    const seconds = Math.round(watchSeconds * (1 + random()));
    const query = {
      watch: '1',
      resourceVersion: from,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(seconds),
    };
    const answer = await ask(query, AbortSignal.timeout(seconds * 1_000 + answerMs));
    isNow({ syncedAt: Date.now(), problem: undefined, absent: false });
    try {
      for await (const line of linesOf(answer.body)) {
        const event = eventOf(line);
        if (event === undefined) throw new Nonsense('a line of a watch that is no event');
        if (event.type === 'ERROR') {
          if (event.code === 410) throw new Expired();
          throw new Nonsense(`an error in a watch, code ${event.code}`);
        }
        if (event.version !== undefined) reached(event.version);
        state = { ...state, syncedAt: Date.now() };
        if (event.type === 'BOOKMARK' || event.key === undefined) continue;
        const picked = event.type === 'DELETED' ? undefined : pick(event.object);
        // Most events are of a status that nobody here looks at.
        if (isDeepStrictEqual(picked, objects.get(event.key))) continue;
        const before = objects.get(event.key);
        if (keep(event.key, picked) || before !== undefined) changed();
      }
    } catch (error) {
      // A connection that breaks is how a watch ends when something in between is restarted; whether anybody is there shows next.
      if (error instanceof Expired || error instanceof Nonsense) throw error;
    } finally {
      answer.discard();
    }
  };

  /** Whether the kind is not there: objects that were are gone when the server has said so for long enough. */
  const isAbsent = (since: number | undefined): boolean => {
    if (since === undefined) return false;
    if (objects.size === 0) return true;
    if (performance.now() - since < absentMs) return false;
    for (const key of objects.keys()) keep(key, undefined);
    changed();
    return true;
  };

  const keepUp = async (): Promise<void> => {
    let version: string | undefined;
    let failures = 0;
    let absentSince: number | undefined;
    while (!signal.aborted) {
      try {
        version ??= await list();
        first.resolve();
        const began = performance.now();
        await watch(version, (reached) => {
          version = reached;
        });
        [failures, absentSince] = [0, undefined];
        if (isPartial()) version = undefined;
        // A server that ends each watch at once is not asked without a pause.
        if (performance.now() - began < 1_000) await wait(waits.minMs, undefined, { signal });
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        if (isOfVersion(error)) version = undefined;
        // What was to be expected after a long pause; a server that says so again and again is not asked without one.
        if (error instanceof Expired && failures === 1) continue;
        const isThere = !(error instanceof Refused) || error.status !== 404;
        absentSince = isThere ? undefined : (absentSince ?? performance.now());
        const absent = isAbsent(absentSince);
        isNow({ ...state, problem: absent ? undefined : sentence(error), absent });
        first.resolve();
        const pause = absent ? absentMs : backoffMs(waits, failures, random);
        const asked = error instanceof Refused ? (error.retryAfterMs ?? 0) : 0;
        await wait(Math.max(asked, pause), undefined, { signal }).catch(() => {});
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

/** Statuses that say nothing of the version that was asked for. */
const ofOthers = new Set([401, 403, 429]);

/**
 * Whether another version may mend it: the server forgot it, never had it (a restored etcd), or sent what cannot be followed. A
 * connection that breaks says nothing of it.
 */
const isOfVersion = (error: unknown): boolean =>
  error instanceof Expired || error instanceof Nonsense || (error instanceof Refused && !ofOthers.has(error.status));

const hints: Readonly<Record<number, string>> = {
  401: 'the API server does not know our token (401)',
  403: 'the API server does not let us read this (403); look at the ClusterRole',
  404: 'the API server says that it has no such kind any more (404)',
  429: 'the API server has no time for us (429)',
};

const sentence = (error: unknown): string => {
  if (error instanceof Refused) return hints[error.status] ?? error.message;
  if (error instanceof Nonsense) return `the API server sent ${error.message}`;
  if (error instanceof Expired) return error.message;
  const unusable = whyUnusable(error);
  if (unusable !== undefined) return unusable;
  if (!(error instanceof Error)) return 'the API server cannot be reached';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  return `the API server cannot be reached: ${code}`;
};
