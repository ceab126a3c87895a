import { type Failure, failure } from '../../kernel/reason.ts';
import { type Outcome, speaks } from '../../kernel/run.ts';
import { byteBudget } from '../../net/byte-budget.ts';
import { addressSuccess, type EachAddressFacts, eachAddressPoints, probeAddresses } from '../../net/each-address.ts';
import { matcher } from '../../net/matcher.ts';
import { type Context, defineProber, type Place } from '../../net/prober.ts';
import { unprepared } from '../../net/unprepared.ts';
import { cookieJar } from '../../protocol/cookie-jar.ts';
import { httpDate } from '../../protocol/http-date.ts';
import { textOfBytes } from '../../protocol/http1-request.ts';
import { querySecrets } from '../../protocol/query-secrets.ts';
import { isRedirect, locationOf, methodAfter, ownOriginAfter } from '../../protocol/redirect.ts';
import { type ZonedUrl, zonedUrl } from '../../protocol/zoned-url.ts';
import { type BodyReader, bodyReader } from './body.ts';
import { bodyLimits, expensive } from './body-limits.ts';
import { type Head, locationText } from './head.ts';
import { type Answered, bareHost, hop } from './hop.ts';
import { judge } from './judge.ts';
import { type HttpFacts, httpMetrics, httpPoints } from './metrics.ts';
import { httpGetMetrics, httpGetPoints } from './network-exporter.ts';
import { type Prepared, prepare, renewSecrets, requestOf } from './request.ts';
import { type HttpSettings, httpSettings } from './settings.ts';

/** Redirects that are followed. */
const mostRedirects = 10;

const locate = (target: string): Place | undefined => {
  const text = /^https?:\/\//i.test(target) ? target : `http://${target}`;
  // A scheme of another kind would otherwise become a host of that name.
  if (/^[a-z][a-z\d+.-]*:\/\//i.test(target) && text !== target) return undefined;
  const zoned = zonedUrl(text);
  if (zoned === undefined || zoned.url.hostname === '') return undefined;
  const { url, zone } = zoned;
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return { address: text, host: `${bareHost(url)}${zone}`, port };
};

/** Mutable while the hops go by; what is known at a failure is what is reported. */
type Draft = { -readonly [K in keyof HttpFacts]?: HttpFacts[K] };

const probe = async (
  target: string,
  settings: HttpSettings,
  context: Context,
): Promise<Outcome<HttpFacts & EachAddressFacts>> => {
  const zoned = zonedUrl(target);
  if (zoned === undefined)
    return { facts: {}, failures: [failure('target_invalid', 'setup', 'the target is not a URL')] };
  for (const secret of querySecrets(target)) context.hide(secret);
  const host = `${bareHost(zoned.url)}${zoned.zone}`;
  return probeAddresses(host, settings, context, (own) => probeOne(zoned, settings, own));
};

const probeOne = async (target: ZonedUrl, settings: HttpSettings, context: Context): Promise<Outcome<HttpFacts>> => {
  const prepared = await prepare(settings, context.kit).catch(unprepared);
  if ('reason' in prepared) return { facts: {}, failures: [prepared] };
  for (const secret of prepared.secrets) context.hide(secret);
  const facts: Draft = {};
  const failures = await follow(target, prepared, settings, context, facts);
  if (facts.status === 401 && failures.length > 0) renewSecrets(settings, context.kit);
  return { facts, failures };
};

const follow = async (
  { url: first, zone }: ZonedUrl,
  prepared: Prepared,
  settings: HttpSettings,
  context: Context,
  facts: Draft,
): Promise<readonly Failure[]> => {
  const jar = cookieJar();
  const follows =
    settings.no_follow_redirects === undefined ? settings.follow_redirects : !settings.no_follow_redirects;
  let url = first;
  let own: string | undefined = first.origin;
  let method = settings.method;
  let withBody = true;
  for (let redirects = 0; ; redirects += 1) {
    const isOwn: boolean = own === url.origin;
    const request = requestOf(prepared, { url, method, withBody, isOwn, cookies: jar.header(url) });
    using reader = readerFor(settings, follows && redirects < mostRedirects, context);
    const conclude = (isCut = false) => verdict(reader, settings, facts, { key: first.href, context, isCut });
    const answered: Answered = await hop(
      {
        url,
        // A zone is of this machine's own links: it is dialled with, and not sent (RFC 6874, section 4).
        ...(zone !== '' && url.hostname === first.hostname ? { dialHost: `${bareHost(url)}${zone}` } : {}),
        request,
        settings: isOwn ? settings : withoutIdentity(settings),
        servername: servernameOf(url, isOwn, prepared, settings),
        taker: reader,
      },
      context,
    );
    note(facts, answered, redirects);
    if (answered.failures.length > 0)
      return reader.head === undefined ? answered.failures : [...answered.failures, ...(await conclude(true))];
    const { head } = reader;
    if (head === undefined) return [failure('protocol_error', 'processing', 'the answer has no head')];
    jar.keep(url, head.headers.get('set-cookie') ?? []);
    if (!isRedirect(head.status) || locationText(head) === undefined) {
      const failures = await conclude();
      return own === undefined && prepared.credentials.length > 0
        ? failures.map((one) => leftBehind(one, facts, first))
        : failures;
    }
    facts.redirects = redirects + 1;
    if (!follows) return await conclude();
    if (redirects === mostRedirects) {
      await conclude();
      return [
        failure(
          'too_many_redirects',
          'transfer',
          `still redirected after ${mostRedirects} redirects, to ${shown(head, url)}`,
        ),
      ];
    }
    const next = nextOf(head, url);
    if (next === undefined) {
      await conclude();
      return [failure('redirect_invalid', 'transfer', 'the Location of a redirect is not an http or https URL')];
    }
    const after = methodAfter(head.status, method);
    const ownNext = ownOriginAfter(own, next);
    method = after.method;
    withBody &&= after.keepsBody;
    if (withBody && prepared.body !== undefined && ownNext === undefined) {
      await conclude();
      const detail = `status ${head.status} would send the body of the request to ${next.origin}; write that URL as the target, or follow_redirects: false`;
      return [failure('redirect_refused', 'transfer', detail)];
    }
    context.trace('redirect', { status: head.status, to: next.origin, credentials: ownNext !== undefined });
    own = ownNext;
    url = next;
  }
};

/** Why a last answer says that credentials are missing, where they were not sent because a redirect had led away. */
const leftBehind = (one: Failure, { status }: Draft, first: URL): Failure =>
  one.reason === 'http_status' && (status === 401 || status === 403)
    ? { ...one, detail: `${one.detail}; credentials were left behind, since a redirect led away from ${first.origin}` }
    : one;

const nextOf = (head: Head, from: URL): URL | undefined => {
  const text = locationText(head);
  return locationOf(text === undefined ? undefined : textOfBytes(text), from);
};

const shown = (head: Head, from: URL): string => nextOf(head, from)?.origin ?? 'nowhere';

/** SNI and the name to verify: the configured one, the configured Host's, or the URL's; for another origin its own. */
const servernameOf = (url: URL, isOwn: boolean, { host }: Prepared, settings: HttpSettings): string => {
  if (!isOwn) return bareHost(url);
  if (settings.tls_config.server_name !== undefined) return settings.tls_config.server_name;
  if (host === undefined) return bareHost(url);
  return URL.canParse(`http://${host}`) ? bareHost(new URL(`http://${host}`)) : bareHost(url);
};

const bareSettings = new WeakMap<HttpSettings, HttpSettings>();

/** The settings without the client certificate: it says who we are, and only the target's own origin is to know. One object, as its TLS context is kept by it. */
const withoutIdentity = (settings: HttpSettings): HttpSettings => {
  const known = bareSettings.get(settings);
  if (known !== undefined) return known;
  const { cert: _cert, cert_file: _certFile, key: _key, key_file: _keyFile, ...tls } = settings.tls_config;
  const bared = { ...settings, tls_config: tls };
  bareSettings.set(settings, bared);
  return bared;
};

type Reader = Disposable & {
  head: Head | undefined;
  readonly body: BodyReader['end'];
  readonly onHead: (head: Head) => boolean;
  readonly onBody: BodyReader['take'];
};

/** Takes an answer; the body of a redirect that will be followed is not read. */
const readerFor = (settings: HttpSettings, mayFollow: boolean, { kit }: Context): Reader => {
  const budget = kit.own('bodies', byteBudget);
  const body = bodyReader({ encoding: settings.compression, ...bodyLimits(settings), budget });
  const reader: Reader = {
    head: undefined,
    body: body.end,
    onHead: (head) => {
      reader.head = head;
      return !(mayFollow && isRedirect(head.status) && locationText(head) !== undefined);
    },
    onBody: body.take,
    [Symbol.dispose]: body[Symbol.dispose],
  };
  return reader;
};

const note = (facts: Draft, { address, phases, tls, overTls }: Answered, redirects: number): void => {
  if (redirects === 0) facts.address = address;
  facts.hops = [...(facts.hops ?? []), phases];
  // Certificates of the hop that failed are worth more than those of one that went well.
  if (tls === undefined) delete facts.tls;
  else facts.tls = tls;
  facts.ssl = overTls;
};

type Around = { readonly key: string; readonly context: Context; readonly isCut: boolean };

const verdict = async (
  reader: Reader,
  settings: HttpSettings,
  facts: Draft,
  { key, context: { kit, signal }, isCut }: Around,
): Promise<readonly Failure[]> => {
  const { head } = reader;
  if (head === undefined) return [];
  const body = await reader.body(signal);
  const answer = { head, body, overTls: facts.ssl === true, isCut };
  const { failures, byRegex } = await judge(settings, answer, (work) =>
    kit.own('matcher', matcher).run('search', work, { key, signal }),
  );
  facts.status = head.status;
  facts.version = head.version;
  facts.contentLength = contentLengthOf(head);
  facts.bodyLength = body.length;
  facts.wireLength = body.wireLength;
  facts.failedByRegex = byRegex;
  const modified = httpDate(head.headers.get('last-modified')?.[0] ?? '');
  if (modified !== undefined) facts.lastModified = modified;
  return failures;
};

const contentLengthOf = ({ headers }: Head): number => {
  const [length] = headers.get('content-length') ?? [];
  return length !== undefined && /^\d+$/.test(length) && !headers.has('transfer-encoding') ? Number(length) : -1;
};

/** Sends a request and judges the answer: HTTP/1.1 and HTTP/2, redirects hop by hop, blackbox_exporter's rules. */
export const http = defineProber<HttpFacts & EachAddressFacts>()({
  summary: 'Sends an HTTP request and judges the answer.',
  schemes: ['https', 'http'],
  needs: [],
  modules: { http_2xx: {}, http_post_2xx: { method: 'POST' } },
  settings: httpSettings,
  metrics: { ...httpMetrics, ...httpGetMetrics, addressSuccess },
  remarks: expensive,
  warmUp: (settings, kit) => Promise.all([kit.trust.of(settings.tls_config), prepare(settings, kit)]),
  locate,
  probe,
  points: (run) => [
    ...httpPoints(run),
    ...eachAddressPoints(run.outcome.facts),
    ...(speaks(run, 'network_exporter') ? httpGetPoints(run) : []),
  ],
});
