import { gzipSync, gunzipSync } from 'node:zlib';
import { parseDuration } from '../kernel/duration.ts';
import { forLambda } from '../config/lambda-files.ts';
import { packList, readPacked } from '../config/packed.ts';
import type { List } from '../config/schema.ts';
import { nextPublication, type Publication, publishable } from '../discover/publication.ts';
import { clusterKey } from '../generate/aws/parts.ts';
import type { Check, Vantage } from '../kernel/check.ts';
import type { Aws } from '../net/aws/aws.ts';
import { type S3Object, s3Get, s3Put, s3Url } from '../net/aws/s3.ts';
import type { Log } from './log.ts';

/** What was found and is to be known outside. `isComplete` says that the sources were all heard of. */
export type News = { readonly list: List; readonly checks: readonly Check[]; readonly isComplete: boolean };

/** How the publishing stands. */
export type PublisherState = {
  readonly targets: number;
  readonly above: number;
  readonly publishedAt: number | undefined;
  readonly problem: string | undefined;
};

/** Tells the functions outside what a cluster has. */
export type Publisher = AsyncDisposable & {
  readonly tell: (news: News) => void;
  /** `undefined` while nothing is to be published. */
  readonly state: () => PublisherState | undefined;
};

/** How often it is looked whether something is to be written or has ended, in milliseconds. */
const everyMs = 30_000;

/**
 * Writes what was found into the bucket, an object for each Lambda vantage, when it has changed. What an agent before this one has
 * written is taken over first. Nothing that goes wrong here disturbs the probing.
 */
export const publisher = (aws: Aws, log: Log, pauseMs: number = everyMs): Publisher => {
  let news: News | undefined;
  let before: Publication | undefined;
  let above = 0;
  let publishedAt: number | undefined;
  let problem: string | undefined;
  let working: Promise<void> | undefined;
  const written = new Map<string, { readonly text: string; readonly etag: string }>();

  const placesOf = (list: List): readonly { readonly vantage: string; readonly at: S3Object }[] => {
    const { aws: settings, discover, vantages } = list;
    const place = settings?.list;
    const publish = discover?.publish;
    if (place === undefined || publish === undefined) return [];
    return Object.entries(vantages)
      .filter(([, { kind }]) => kind === 'lambda')
      .map(([vantage]) => ({
        vantage,
        at: {
          bucket: place.bucket,
          region: place.region,
          key: clusterKey(place.prefix, publish.stage, publish.cluster, vantage),
        },
      }));
  };

  /** What is there already, as if it had just been found: its grace begins now. */
  const takeOver = async (list: List): Promise<Publication> => {
    const found: [string, { check: Check; seenAt: number }][] = [];
    for (const { vantage, at } of placesOf(list)) {
      const read = await s3Get(aws, at);
      if (read.kind !== 'content') continue;
      const text = unzipped(read.body);
      written.set(vantage, { text, etag: read.etag });
      const packed = readPacked(text);
      if (packed.ok) for (const check of packed.packed.checks) found.push([check.id, { check, seenAt: Date.now() }]);
    }
    return new Map(found);
  };

  const work = async (): Promise<void> => {
    const publish = news?.list.discover?.publish;
    if (news === undefined || publish === undefined) return;
    const { list, checks, isComplete } = news;
    before ??= await takeOver(list);
    const next = nextPublication(before, {
      checks: publishable(checks, publish),
      now: Date.now(),
      graceMs: parseDuration(publish.grace) ?? 0,
      isComplete,
      maxTargets: publish.max_targets,
    });
    if (next.above > 0 && next.above !== above)
      log('warn', `${next.above} targets above discover.publish.max_targets are not told outside`);
    before = next.publication;
    above = next.above;
    const all = [...before.values()].map(({ check }) => check).sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const { vantage, at } of placesOf(list)) {
      const text = packedFor(vantage, all);
      const there = written.get(vantage);
      if (there?.text === text) continue;
      const condition = there === undefined ? 'new' : { etag: there.etag };
      if (!(await s3Put(aws, at, gzipSync(text), condition, list.aws?.list?.kms_key))) {
        // Somebody else publishes under the name of this cluster, or did so before us: theirs is taken over the next time.
        before = undefined;
        throw new Error(`${s3Url(at)} was written by somebody else; does another agent publish as ${publish.cluster}?`);
      }
      const now = await s3Get(aws, at);
      if (now.kind === 'content') written.set(vantage, { text, etag: now.etag });
    }
    publishedAt = Date.now();
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
    state: () =>
      news?.list.discover?.publish === undefined
        ? undefined
        : {
            targets: new Set([...(before?.values() ?? [])].map(({ check }) => check.target.name)).size,
            above,
            publishedAt,
            problem,
          },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await working;
    },
  };
};

/** The checks of a vantage as its functions read them: nothing but checks, since receivers and secrets are the deployed list's. */
const packedFor = (vantage: string, checks: readonly Check[]): string => {
  const own = checks.filter((check) => check.vantage.name === vantage);
  const vantages: readonly Vantage[] =
    own[0] === undefined ? [{ name: vantage, kind: 'lambda', labels: {} }] : [own[0].vantage];
  const { list } = forLambda({ checks: own, vantages, endpoints: [], literals: new Map(), externalLabels: {} });
  return packList(list, vantage);
};

const unzipped = (body: Buffer): string => {
  try {
    return body[0] === 0x1f
      ? gunzipSync(body, { maxOutputLength: 64 * 1_024 * 1_024 }).toString('utf8')
      : body.toString('utf8');
  } catch {
    return '';
  }
};
