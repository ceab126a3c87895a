import { decode, type ListFile } from '../config/files.ts';
import { withoutUserInfo } from '../config/user-info.ts';
import type { Aws } from '../net/aws/aws.ts';
import { s3Get } from '../net/aws/s3.ts';
import { codeOf } from '../net/failure.ts';
import type { Kit } from '../net/prober.ts';
import { tunnel, tunnelLimitMs } from '../net/proxy.ts';
import { within } from '../net/within.ts';
import { basicCredentials } from '../protocol/basic-credentials.ts';
import { querySecrets } from '../protocol/query-secrets.ts';

/** A list elsewhere, or a sentence that says why it cannot be read; `away` if asking again may help. */
export type RemoteRead = ListFile | { readonly problem: string; readonly away: boolean };

/** Lists that lie in a bucket or behind HTTP. */
export type RemoteLists = AsyncDisposable & {
  /** Reads a list, or gives what it read less than half a minute ago. Never rejects. */
  readonly read: (url: string) => Promise<RemoteRead>;
  /** Has the next reading of each list ask, however short ago the last one was. */
  readonly askAgain: () => void;
};

/** Whether a path is one of a list elsewhere: `s3://BUCKET/KEY`, `s3://BUCKET/KEY?region=REGION`, `https://…`. */
export const isRemote = (path: string): boolean => /^(?:s3|https?):\/\//.test(path);

/** A list's URL as people may see it: a password in it, or a token in its query, is nobody's business. */
export const shownUrl = (url: string): string => {
  if (!/^https?:/.test(url) || !URL.canParse(url)) return withoutUserInfo(url);
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
};

/** What in the URLs of lists is secret: passwords, as they stand and as they are sent, and tokens in queries. */
export const urlSecrets = (urls: readonly string[]): readonly string[] =>
  urls.flatMap((url) => {
    const place = /^https?:/.test(url) ? URL.parse(url) : null;
    if (place === null) return [];
    const credentials = basicCredentials(place)?.replace('Basic ', '') ?? '';
    const password = Buffer.from(credentials, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, '');
    return [credentials, password, place.password, ...querySecrets(place.href)];
  });

/** Asking costs money and somebody else's time, so it is done at most so often, in milliseconds. */
const everyMs = 30_000;
const limitMs = 10_000;
const mostBytes = 32 * 1_024 * 1_024;

type Known = { readonly etag: string; readonly file: ListFile };

/** What asking gave; `same` if the list is the one with the ETag that was known. */
type Asked = { readonly kind: 'same' } | { readonly kind: 'content'; readonly etag: string; readonly body: Uint8Array };

/** An error that is there again however often one asks. */
const lasting = (message: string) => Object.assign(new Error(message), { lasting: true });

/** Reads lists by their ETags: one that has not changed costs a short request. `everyMs` is for tests. */
export const remoteLists = (
  kit: Pick<Kit, 'aws' | 'proxyFor'>,
  environment: Readonly<Record<string, string | undefined>>,
  pauseMs: number = everyMs,
): RemoteLists => {
  const known = new Map<string, Known>();
  const asked = new Map<string, { readonly at: number; readonly read: RemoteRead }>();
  const agents = new Map<string, import('undici').Agent>();
  const closing = new AbortController();

  const overHttp = async (url: string, etag: string | undefined): Promise<Asked> => {
    const { Agent, request } = await import('undici');
    const proxy = kit.proxyFor(url);
    const dispatcher =
      agents.get(proxy?.href ?? '') ??
      new Agent({
        allowH2: false,
        connect:
          proxy === undefined
            ? { signal: closing.signal }
            : tunnel(proxy, { limitMs: tunnelLimitMs(limitMs), signal: closing.signal }),
      });
    agents.set(proxy?.href ?? '', dispatcher);
    const place = new URL(url);
    const credentials = basicCredentials(place);
    const signal = AbortSignal.timeout(limitMs);
    const asking = request(new URL(place.pathname + place.search, place.origin), {
      method: 'GET',
      dispatcher,
      headers: {
        ...(credentials === undefined ? {} : { Authorization: credentials }),
        ...(etag === undefined ? {} : { 'If-None-Match': etag }),
      },
      signal,
    });
    const { statusCode, headers, body } = await within(signal, asking);
    if (statusCode === 304) {
      await body.dump();
      return { kind: 'same' };
    }
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`status ${statusCode}`);
    }
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > mostBytes) throw lasting('larger than 32 MiB');
    }
    return { kind: 'content', etag: [headers.etag].flat()[0] ?? '', body: Buffer.concat(chunks) };
  };

  const ask = async (url: string): Promise<RemoteRead> => {
    const before = known.get(url);
    const etag = before?.etag === '' ? undefined : before?.etag;
    try {
      const answer = url.startsWith('s3:')
        ? await inBucket(url, kit.aws, environment, etag)
        : await overHttp(url, etag);
      if (answer.kind === 'same' && before !== undefined) return before.file;
      if (answer.kind === 'same') throw new Error('status 304 to a request without condition');
      const read = decode(answer.body);
      if (!read.ok) return { problem: read.message, away: false };
      const file = { file: shownUrl(url), text: read.text };
      known.set(url, { etag: answer.etag, file });
      return file;
    } catch (error) {
      const code = codeOf(error);
      const said = error instanceof Error ? error.message : 'unknown';
      const why = code === '' || code === 'PROXY_UNUSABLE' ? said : code;
      return { problem: `cannot be read: ${why}`, away: !(error instanceof Error && 'lasting' in error) };
    }
  };

  return {
    read: async (url) => {
      const last = asked.get(url);
      if (last !== undefined && performance.now() - last.at < pauseMs) return last.read;
      const read = await ask(url);
      asked.set(url, { at: performance.now(), read });
      return read;
    },
    askAgain: () => asked.clear(),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
};

const inBucket = async (
  url: string,
  aws: Aws,
  environment: Readonly<Record<string, string | undefined>>,
  etag: string | undefined,
): Promise<Asked> => {
  const { hostname: bucket, pathname, searchParams } = new URL(url);
  const region = searchParams.get('region') ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (region === undefined) throw lasting('no region; write it behind the key: ?region=eu-west-1');
  const read = await s3Get(
    aws,
    { bucket, key: decodeURIComponent(pathname.slice(1)), region },
    etag,
    AbortSignal.timeout(limitMs),
  );
  if (read.kind === 'missing') throw new Error('there is no such object');
  if (read.kind === 'refused') throw new Error(read.why);
  return read;
};
