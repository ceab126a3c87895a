import { addressBytes } from './ip-address.ts';

/** The cookies of one run. */
export type CookieJar = {
  /** Keeps the cookies of an answer. */
  readonly keep: (url: URL, setCookies: readonly string[]) => void;
  /** The value of the Cookie header for a request; empty for none. */
  readonly header: (url: URL) => string;
};

type Cookie = {
  readonly name: string;
  readonly value: string;
  readonly domain: string;
  readonly exact: boolean;
  readonly path: string;
  readonly secure: boolean;
};

/** A jar keeps this many cookies at most; what comes later is dropped. */
const most = 100;

/**
 * An empty jar: names, values, Domain, Path, Secure, Max-Age and Expires (to delete). A Domain must be the host's own or one
 * above it with a dot inside; there is no list of public suffixes.
 * @see https://www.rfc-editor.org/rfc/rfc6265#section-5
 */
export const cookieJar = (now: () => number = Date.now): CookieJar => {
  const cookies = new Map<string, Cookie>();
  const keep = (url: URL, setCookies: readonly string[]) => {
    for (const text of setCookies) {
      const parsed = parse(url, text, now());
      if (parsed === undefined) continue;
      const key = `${parsed.cookie.domain};${parsed.cookie.path};${parsed.cookie.name}`;
      if (parsed.gone) cookies.delete(key);
      else if (cookies.size < most || cookies.has(key)) cookies.set(key, parsed.cookie);
    }
  };
  const header = (url: URL) =>
    [...cookies.values()]
      .filter((cookie) => isFor(cookie, url))
      .sort((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  return { keep, header };
};

const isFor = ({ domain, exact, path, secure }: Cookie, url: URL): boolean => {
  const host = url.hostname;
  if (secure && url.protocol !== 'https:') return false;
  if (host !== domain && (exact || !host.endsWith(`.${domain}`))) return false;
  return (
    url.pathname === path ||
    (url.pathname.startsWith(path) && (path.endsWith('/') || url.pathname[path.length] === '/'))
  );
};

const parse = (
  url: URL,
  text: string,
  now: number,
): { readonly cookie: Cookie; readonly gone: boolean } | undefined => {
  const [pair = '', ...attributes] = text.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, equals).trim();
  const value = pair.slice(equals + 1).trim();
  // Control characters could not be sent back.
  if (equals < 1 || name === '' || /\p{Cc}/u.test(name + value)) return undefined;
  const given = new Map(
    attributes.map((attribute) => {
      const [key = '', ...rest] = attribute.split('=');
      return [key.trim().toLowerCase(), rest.join('=').trim()];
    }),
  );
  const domain = (given.get('domain') ?? '').replace(/^\./, '').toLowerCase();
  if (domain !== '' && domain !== url.hostname && !isAbove(domain, url.hostname)) return undefined;
  const path = given.get('path') ?? '';
  const isSecure = url.protocol === 'https:';
  // Plain http must not set what only https may (RFC 6265bis, section 5.7).
  if (given.has('secure') && !isSecure) return undefined;
  if (/^__(?:secure|host)-/i.test(name) && !given.has('secure')) return undefined;
  if (/^__host-/i.test(name) && (domain !== '' || path !== '/')) return undefined;
  const cookie: Cookie = {
    name,
    value,
    domain: domain === '' ? url.hostname : domain,
    exact: domain === '',
    path: path.startsWith('/') ? path : url.pathname.replace(/\/[^/]*$/, '') || '/',
    secure: given.has('secure'),
  };
  return { cookie, gone: isGone(given, now) };
};

/** An address has no domain above it (RFC 6265, section 5.1.3): 0.0.1 is none of 127.0.0.1. */
const isAbove = (domain: string, host: string): boolean =>
  host.endsWith(`.${domain}`) && domain.includes('.') && addressBytes(host) === undefined;

const isGone = (given: ReadonlyMap<string, string>, now: number): boolean => {
  const age = given.get('max-age');
  if (age !== undefined && /^-?\d+$/.test(age)) return Number(age) <= 0;
  const expires = given.get('expires');
  return expires !== undefined && Date.parse(expires) <= now;
};
