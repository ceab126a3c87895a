import type { SecretRef } from '../../kernel/check.ts';
import { userAgent } from '../../kernel/version.ts';
import type { Kit } from '../../net/prober.ts';
import type { Request } from './exchange.ts';
import type { HttpSettings } from './settings.ts';

/** What a request carries at every hop, read once per run: secrets and files are values here, so it never leaves the run. */
export type Prepared = {
  readonly host: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Headers that stay with the target's own origin: credentials, the list's own cookies, and all whose value is a secret. */
  readonly credentials: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
};

/** Go's and RFC 9110's list of what must not follow a redirect to another host. */
const sensitive = new Set(['authorization', 'cookie', 'cookie2', 'proxy-authorization', 'www-authenticate']);

/** Reads what the settings only name. Rejects as `kit.secret` and `kit.file` do. */
export const prepare = async (settings: HttpSettings, kit: Kit): Promise<Prepared> => {
  const headers: [string, string][] = [];
  const credentials: [string, string][] = [];
  let host: string | undefined;
  const text = (value: string | SecretRef): string | Promise<string> =>
    typeof value === 'string' ? value : kit.secret(value);
  const add = (name: string, value: string, isSecret = false) =>
    (isSecret || sensitive.has(name.toLowerCase()) ? credentials : headers).push([name, value]);
  for (const [name, value] of Object.entries(settings.headers)) {
    if (name.toLowerCase() === 'host') host = await text(value);
    else add(name, await text(value), typeof value !== 'string');
  }
  for (const [name, { values = [], secrets = [], files = [] }] of Object.entries(settings.http_headers)) {
    for (const value of values) add(name, value);
    for (const value of secrets) add(name, await kit.secret(value));
    for (const path of files) add(name, (await kit.file(path)).toString('utf8').trim());
  }
  if (!headers.some(([name]) => name.toLowerCase() === 'user-agent')) headers.push(['User-Agent', userAgent]);
  const authorization = await authorizationOf(settings, kit);
  if (authorization !== undefined && !credentials.some(([name]) => name.toLowerCase() === 'authorization'))
    credentials.push(['Authorization', authorization]);
  return { host, headers, credentials, body: await bodyOf(settings, kit) };
};

/** Asks anew for the secrets that a request carried, for the next run: the target says that they are the wrong ones. */
export const renewSecrets = (settings: HttpSettings, kit: Kit): void => {
  const { basic_auth: basic, authorization, bearer_token: token, headers, http_headers: more } = settings;
  const values = [
    ...Object.values(headers),
    ...Object.values(more).flatMap(({ secrets = [] }) => secrets),
    ...[basic?.username, basic?.password, authorization?.credentials, token],
  ];
  for (const value of values) if (typeof value === 'object') void kit.secret(value, true).catch(() => {});
};

const authorizationOf = async (settings: HttpSettings, kit: Kit): Promise<string | undefined> => {
  const value = async (given: string | SecretRef | undefined, path: string | undefined) =>
    given !== undefined ? kit.secret(given) : path === undefined ? '' : (await kit.file(path)).toString('utf8').trim();
  const { basic_auth: basic, authorization, bearer_token: token, bearer_token_file: tokenFile } = settings;
  if (basic !== undefined) {
    const pair = `${await value(basic.username, basic.username_file)}:${await value(basic.password, basic.password_file)}`;
    return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
  }
  if (authorization !== undefined) {
    return `${authorization.type} ${await value(authorization.credentials, authorization.credentials_file)}`;
  }
  return token === undefined && tokenFile === undefined ? undefined : `Bearer ${await value(token, tokenFile)}`;
};

const bodyOf = async ({ body, body_file: path }: HttpSettings, kit: Kit): Promise<Uint8Array | undefined> => {
  if (path !== undefined) return kit.file(path);
  return body === '' ? undefined : Buffer.from(body, 'utf8');
};

/** What changes from hop to hop. */
export type Hop = {
  readonly url: URL;
  readonly method: string;
  readonly withBody: boolean;
  readonly isOwn: boolean;
  readonly cookies: string;
};

/** The request of one hop. The configured name and the credentials go to the target's own origin alone. */
export const requestOf = (prepared: Prepared, { url, method, withBody, isOwn, cookies }: Hop): Request => {
  const authority = (isOwn ? prepared.host : undefined) ?? url.host;
  const headers: (readonly [string, string])[] = [['Host', authority], ...prepared.headers];
  const own = isOwn ? prepared.credentials : [];
  for (const header of own) {
    if (cookies !== '' && header[0].toLowerCase() === 'cookie') headers.push(['Cookie', `${header[1]}; ${cookies}`]);
    else headers.push(header);
  }
  if (cookies !== '' && !own.some(([name]) => name.toLowerCase() === 'cookie')) headers.push(['Cookie', cookies]);
  return {
    method,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    authority,
    path: `${url.pathname}${url.search}`,
    headers,
    body: withBody ? prepared.body : undefined,
  };
};
