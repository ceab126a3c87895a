import { gzipSync } from 'node:zlib';
import { type Compiled, compile } from '../config/compile.ts';
import { type PublishSettings, publishedShareOf } from '../config/discover.ts';
import { type Allowed, allowedFor } from '../config/from-cluster.ts';
import type { List, ProberTable } from '../config/schema.ts';
import { nextPublication, type Publication, type Publishable, publishable } from '../discover/publication.ts';
import type { Check } from '../kernel/check.ts';
import { parseDuration } from '../kernel/duration.ts';
import type { Aws } from '../net/aws/aws.ts';
import { s3Get, s3Put, s3Url } from '../net/aws/s3.ts';
import { inTurns } from '../protocol/fair-share.ts';
import type { Log } from './log.ts';
import { type Place, packedFor, placesOf, publishedIn } from './published-objects.ts';

/** What was found and is to be known outside. `isComplete` says that the sources were all heard of. */
export type News = { readonly list: List; readonly checks: readonly Check[]; readonly isComplete: boolean };

/** How the publishing stands. `leftOut` are targets that are too many, or that functions would not take. */
export type PublisherState = {
  readonly targets: number;
  readonly leftOut: number;
  readonly publishedAt: number | undefined;
  readonly problem: string | undefined;
};

/** Tells the functions outside what a cluster has. */
export type Publisher = AsyncDisposable & {
  readonly tell: (news: News) => void;
  /** The list in use has no `publish`, or none any more: what was published is taken back. */
  readonly nothing: () => void;
  /** `undefined` while nothing is to be published. */
  readonly state: () => PublisherState | undefined;
};

/** What a publisher is made of. The times are the usual ones unless given, in milliseconds. */
export type PublisherParts = {
  readonly aws: Aws;
  readonly log: Log;
  readonly probers: ProberTable;
  readonly pauseMs?: number;
  readonly refreshMs?: number;
};

/** How often it is looked whether something is to be written or has ended, and when an object is written anew without a change. */
const usual = { pauseMs: 30_000, refreshMs: 240_000 };
/** Remarks that are said at once; more are counted. */
const mostRemarks = 20;

/** An object that is ours: what it says, and when it was written. The text of one that an agent before us wrote is not known. */
type Written = { readonly place: Place; readonly text: string; readonly etag: string; readonly at: number };

/**
 * Writes what was found into the bucket, an object for each Lambda vantage, when it has changed, and now and then without a change, as
 * a sign of life. What an agent before this one has written is taken over first; a place that is not published to any more is emptied.
 * Nothing that goes wrong here disturbs the probing.
 */
export const publisher = ({ aws, log, probers, ...times }: PublisherParts): Publisher => {
  const { pauseMs, refreshMs } = { ...usual, ...times };
  let news: News | undefined;
  let before: Publication | undefined;
  let placesBefore = '';
  let looked: { readonly at: News; readonly found: Publishable } | undefined;
  let leftOut = 0;
  let publishedAt: number | undefined;
  let problem: string | undefined;
  let working: Promise<void> | undefined;
  let said: ReadonlySet<string> = new Set();
  const written = new Map<string, Written>();
  /** Why what is there could not be read. It may not be there at all, so writing it as a new object is tried. */
  const unread = new Map<string, string>();
  const allowed = allowedIn(probers);

  /** What is there already, as if it had just been found: its grace begins now. */
  const takeOver = async ({ list }: News, places: readonly Place[], cluster: string): Promise<Publication> => {
    const found: [string, { check: Check; seenAt: number }][] = [];
    for (const place of places) {
      const read = await s3Get(aws, place.at);
      const url = s3Url(place.at);
      if (read.kind === 'refused') unread.set(url, read.why);
      else unread.delete(url);
      written.delete(url);
      if (read.kind !== 'content') continue;
      written.set(url, { place, text: '', etag: read.etag, at: 0 });
      const rules = { cluster, probers, allowed: allowed(list, place.vantage.name) };
      for (const check of publishedIn(read.body, place.vantage, rules))
        found.push([check.id, { check, seenAt: Date.now() }]);
    }
    return new Map(found);
  };

  const write = async (place: Place, checks: readonly Check[]): Promise<'done' | 'lost'> => {
    const url = s3Url(place.at);
    const there = written.get(url);
    const now = Date.now();
    const text = packedFor(place.vantage, checks);
    if (there?.text === text && now - there.at < refreshMs) return 'done';
    const condition = there === undefined ? 'new' : { etag: there.etag };
    const body = gzipSync(packedFor(place.vantage, checks, now));
    const etag = await s3Put(aws, place.at, body, condition, place.kmsKey);
    if (etag === undefined) written.delete(url);
    else written.set(url, { place, text, etag, at: now });
    return etag === undefined ? 'lost' : 'done';
  };

  /** Empties what is ours and not published to any more: nobody would ever end the probing of what it says. */
  const takeBack = async (places: readonly Place[]): Promise<void> => {
    const urls = new Set(places.map(({ at }) => s3Url(at)));
    for (const [url, { place }] of written) {
      if (urls.has(url)) continue;
      // Whoever else has written it meanwhile is answerable for it.
      if ((await write(place, [])) === 'done') log('info', `nothing is told outside any more by ${url}`);
      written.delete(url);
    }
  };

  const work = async (): Promise<void> => {
    const told = news;
    const places = told === undefined ? [] : placesOf(told.list);
    const key = places.map(({ at }) => s3Url(at)).join(' ');
    if (key !== placesBefore) before = undefined;
    placesBefore = key;
    try {
      const publish = told?.list.discover?.publish;
      if (told !== undefined && publish !== undefined) await publishTo(places, told, publish);
    } finally {
      await takeBack(places);
    }
  };

  const publishTo = async (places: readonly Place[], told: News, publish: PublishSettings): Promise<void> => {
    before ??= await takeOver(told, places, publish.cluster);
    if (looked?.at !== told)
      looked = {
        at: told,
        found: publishable(told.checks, { publish, probers, allowed: (vantage) => allowed(told.list, vantage) }),
      };
    const { checks, remarks } = looked.found;
    const next = nextPublication(before, {
      checks,
      now: Date.now(),
      graceMs: parseDuration(publish.grace) ?? 0,
      isComplete: told.isComplete,
      share: publishedShareOf(publish),
    });
    say([
      ...(next.above > 0
        ? [`${next.above} targets above their namespace's part of discover.publish.max_targets are not published`]
        : []),
      ...remarks.map(({ name, why }) => `${name} is not told outside: ${why}`),
    ]);
    before = next.publication;
    leftOut = next.above + remarks.length;
    // Functions look at a bounded number of them; that cuts no namespace in favour of another.
    const sorted = [...before.values()].map(({ check }) => check).sort((a, b) => (a.id < b.id ? -1 : 1));
    const all = inTurns(sorted, ({ target }) => target.labels.namespace ?? '');
    for (const place of places) {
      if ((await write(place, all)) === 'done') continue;
      // Somebody else publishes under the name of this cluster, or did so before us: theirs is taken over the next time.
      before = undefined;
      const url = s3Url(place.at);
      const why = unread.get(url);
      throw new Error(
        why === undefined
          ? `${url} was written by somebody else; does another agent publish as ${publish.cluster}?`
          : `${why}; but it is there`,
      );
    }
    publishedAt = Date.now();
  };

  const say = (lines: readonly string[]) => {
    const fresh = lines.filter((line) => !said.has(line));
    for (const line of fresh.slice(0, mostRemarks)) log('warn', line);
    if (fresh.length > mostRemarks) log('warn', `and ${fresh.length - mostRemarks} more are not told outside`);
    said = new Set(lines);
  };

  const look = (): Promise<void> => {
    working ??= work()
      .then(
        () => {
          problem = undefined;
        },
        (error: unknown) => {
          const text = error instanceof Error ? error.message : String(error);
          if (text !== problem) log('error', `what was found cannot be told outside: ${text}`);
          problem = text;
        },
      )
      .finally(() => {
        working = undefined;
      });
    return working;
  };
  const timer = setInterval(() => void look(), pauseMs);
  return {
    tell: (next) => {
      const isFirst = news === undefined;
      news = next;
      if (isFirst) void look();
    },
    nothing: () => {
      const isLast = news !== undefined;
      news = undefined;
      if (isLast) void look();
    },
    state: () =>
      news?.list.discover?.publish === undefined
        ? undefined
        : {
            targets: new Set([...(before?.values() ?? [])].map(({ check }) => check.target.name)).size,
            leftOut,
            publishedAt,
            problem,
          },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await working;
    },
  };
};

/** What checks from a cluster may refer to at a vantage, looked up once for each list. */
const allowedIn = (probers: ProberTable) => {
  let known: { readonly list: List; readonly of: ReadonlyMap<string, Allowed> } | undefined;
  return (list: List, vantage: string): Allowed => {
    if (known?.list !== list) known = { list, of: allowedOf(compile(list, probers)) };
    return known.of.get(vantage) ?? allowedFor([], []);
  };
};

const allowedOf = ({ checks, endpoints, vantages }: Compiled): ReadonlyMap<string, Allowed> =>
  new Map(
    vantages.map(({ name }) => [
      name,
      allowedFor(
        checks.filter(({ vantage }) => vantage.name === name),
        endpoints.filter(({ from }) => from.includes(name)),
      ),
    ]),
  );
