import type { SecretRef } from '../../kernel/check.ts';
import { userAgent } from '../../kernel/version.ts';
import type { Kit } from '../../net/prober.ts';
import { byteText, type RequestParts } from '../../protocol/http1-request.ts';
import { isSecretHeader, secretParts, secretsInText } from '../../protocol/literal-secrets.ts';
import { rawBytesOf } from '../../protocol/raw-bytes.ts';
import type { HttpSettings } from './settings.ts';

/** What a request carries at every hop, read once per run: secrets and files are values here, so it never leaves the run. */
export type Prepared = {
  readonly host: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Headers that stay with the target's own origin: credentials, the list's own cookies, and all whose value is a secret. */
  readonly credentials: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | undefined;
  /** What the peer is given and must not be repeated by us: the credentials' values, and secrets in the body. */
  readonly secrets: readonly string[];
};

/** Go has these in its list of what must not follow a redirect; what else reads like a secret is found by its name. */
const sensitive = new Set(['cookie2', 'www-authenticate']);

/** Reads what the settings only name. Rejects as `kit.secret` and `kit.file` do. */
export const prepare = async (settings: HttpSettings, kit: Kit): Promise<Prepared> => {
  const headers: [string, string][] = [];
  const credentials: [string, string][] = [];
  const secrets: string[] = [];
  let host: string | undefined;
  const text = (value: string | SecretRef): string | Promise<string> =>
    typeof value === 'string' ? value : kit.secret(value);
  const add = (name: string, value: string, isSecret = false) => {
    const stays = isSecret || sensitive.has(name.toLowerCase()) || isSecretHeader(name, value);
    (stays ? credentials : headers).push([name, value]);
    if (stays) secrets.push(...secretParts(value));
  };
  for (const [name, value] of Object.entries(settings.headers)) {
    if (name.toLowerCase() === 'host') host = await text(value);
    else add(name, await text(value), typeof value !== 'string');
  }
  for (const [name, { values = [], secrets = [], files = [] }] of Object.entries(settings.http_headers)) {
    for (const value of values) add(name, value);
    for (const value of secrets) add(name, await kit.secret(value), true);
    for (const path of files) add(name, (await kit.file(path)).toString('utf8').trim(), true);
  }
  if (!headers.some(([name]) => name.toLowerCase() === 'user-agent')) headers.push(['User-Agent', userAgent]);
  const authorization = await authorizationOf(settings, kit);
  if (authorization !== undefined && !credentials.some(([name]) => name.toLowerCase() === 'authorization')) {
    credentials.push(['Authorization', authorization.value]);
    secrets.push(...authorization.secrets);
  }
  const body = await bodyOf(settings, kit);
  return { host, headers, credentials, body: body?.bytes, secrets: [...secrets, ...(body?.secrets ?? [])] };
};

/** Asks anew for the secrets that a request carried, for the next run: the target says that they are the wrong ones. */
export const renewSecrets = (settings: HttpSettings, kit: Kit): void => {
  const { basic_auth: basic, authorization, bearer_token: token, headers, http_headers: more, body } = settings;
  const values = [
    ...Object.values(headers),
    ...Object.values(more).flatMap(({ secrets = [] }) => secrets),
    ...[basic?.username, basic?.password, authorization?.credentials, token, body],
  ];
  for (const value of values) if (typeof value === 'object') void kit.secret(value, true).catch(() => {});
};

const authorizationOf = async (
  settings: HttpSettings,
  kit: Kit,
): Promise<{ readonly value: string; readonly secrets: readonly string[] } | undefined> => {
  const value = async (given: string | SecretRef | undefined, path: string | undefined) =>
    given !== undefined ? kit.secret(given) : path === undefined ? '' : (await kit.file(path)).toString('utf8').trim();
  const { basic_auth: basic, authorization, bearer_token: token, bearer_token_file: tokenFile } = settings;
  if (basic !== undefined) {
    const password = await value(basic.password, basic.password_file);
    const pair = `${await value(basic.username, basic.username_file)}:${password}`;
    const encoded = Buffer.from(pair, 'utf8').toString('base64');
    return { value: `Basic ${encoded}`, secrets: [password, encoded] };
  }
  if (authorization !== undefined) {
    const credentials = await value(authorization.credentials, authorization.credentials_file);
    return { value: `${authorization.type} ${credentials}`, secrets: [credentials] };
  }
  if (token === undefined && tokenFile === undefined) return undefined;
  const bearer = await value(token, tokenFile);
  return { value: `Bearer ${bearer}`, secrets: [bearer] };
};

const literalSecrets = new WeakMap<HttpSettings, readonly string[]>();

/** What a body in the list gives away; looked for once. */
const secretsInBody = (settings: HttpSettings, body: string): readonly string[] => {
  const secrets = literalSecrets.get(settings) ?? secretsInText(body);
  literalSecrets.set(settings, secrets);
  return secrets;
};

/** A mask looks no further into a secret, in bytes. */
const mostMasked = 16_384;

const bodyOf = async (
  settings: HttpSettings,
  kit: Kit,
): Promise<{ readonly bytes: Uint8Array; readonly secrets: readonly string[] } | undefined> => {
  const { body, body_file: path } = settings;
  if (path !== undefined) {
    const bytes = await kit.file(path);
    return { bytes, secrets: [bytes.toString('utf8', 0, mostMasked)] };
  }
  if (body === '') return undefined;
  const text = await kit.secret(body);
  return {
    bytes: rawBytesOf(text),
    secrets: typeof body === 'string' ? secretsInBody(settings, body) : [text],
  };
};

/** What changes from hop to hop. */
export type Hop = {
  readonly url: URL;
  readonly method: string;
  readonly withBody: boolean;
  readonly isOwn: boolean;
  readonly cookies: string;
};

/** The request of one hop, its values as byte text; `cookies` are as they came. The configured name and the credentials go to the target's own origin alone. */
export const requestOf = (prepared: Prepared, { url, method, withBody, isOwn, cookies }: Hop): RequestParts => {
  const authority = (isOwn ? prepared.host : undefined) ?? url.host;
  const headers: (readonly [string, string])[] = [['Host', byteText(authority)]];
  const own = isOwn ? prepared.credentials : [];
  let sendsCookies = cookies === '';
  for (const [name, value] of [...prepared.headers, ...own]) {
    const isCookie = !sendsCookies && name.toLowerCase() === 'cookie';
    sendsCookies ||= isCookie;
    headers.push([name, isCookie ? `${byteText(value)}; ${cookies}` : byteText(value)]);
  }
  if (!sendsCookies) headers.push(['Cookie', cookies]);
  return { method, path: `${url.pathname}${url.search}`, headers, body: withBody ? prepared.body : undefined };
};
