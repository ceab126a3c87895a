import type { SecretRef } from '../kernel/check.ts';
import { version } from '../kernel/version.ts';
import { isSecretHeader, secretParts } from '../protocol/literal-secrets.ts';
import { querySecrets } from '../protocol/query-secrets.ts';
import type { Kit } from './prober.ts';

type Value = string | SecretRef;

/** The settings of a remote write endpoint that name secrets. */
type Settings = {
  readonly url: string;
  readonly headers: Readonly<Record<string, Value>>;
  readonly basic_auth?:
    | {
        readonly username: Value;
        readonly password?: Value | undefined;
        readonly password_file?: string | undefined;
      }
    | undefined;
  readonly authorization?:
    | {
        readonly type: string;
        readonly credentials?: Value | undefined;
        readonly credentials_file?: string | undefined;
      }
    | undefined;
  readonly bearer_token?: Value | undefined;
  readonly bearer_token_file?: string | undefined;
};

/** The headers of a push, and every secret that goes out with it, those of its URL too: what the receiver repeats of them is masked. */
export type PushHeaders = { readonly headers: Readonly<Record<string, string>>; readonly secrets: readonly string[] };

/** Reads what the settings name; `fresh` reads it anew. Rejects as `kit.secret` and `kit.file` do. */
export const pushHeaders = async (settings: Settings, kit: Kit, fresh: boolean): Promise<PushHeaders> => {
  const headers: Record<string, string> = {};
  const secrets: string[] = [...querySecrets(settings.url)];
  const read = async (value: Value) => {
    const text = await kit.secret(value, fresh);
    if (typeof value !== 'string') secrets.push(text);
    return text;
  };
  for (const [name, value] of Object.entries(settings.headers)) {
    const text = await read(value);
    headers[name] = text;
    if (isSecretHeader(name, text)) secrets.push(...secretParts(text));
  }
  const secret = async (value: Value | undefined, path: string | undefined) => {
    const text =
      value !== undefined
        ? await read(value)
        : path === undefined
          ? ''
          : (await kit.file(path)).toString('utf8').trim();
    secrets.push(text);
    return text;
  };
  const { basic_auth: basic, authorization: other, bearer_token: token, bearer_token_file: tokenFile } = settings;
  if (basic !== undefined) {
    const password = await secret(basic.password, basic.password_file);
    const pair = Buffer.from(`${await read(basic.username)}:${password}`, 'utf8').toString('base64');
    secrets.push(pair);
    headers.Authorization = `Basic ${pair}`;
  } else if (other !== undefined)
    headers.Authorization = `${other.type} ${await secret(other.credentials, other.credentials_file)}`;
  else if (token !== undefined || tokenFile !== undefined)
    headers.Authorization = `Bearer ${await secret(token, tokenFile)}`;
  return {
    headers: {
      ...headers,
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'snappy',
      'X-Prometheus-Remote-Write-Version': '0.1.0',
      'User-Agent': `Bothways/${version}`,
    },
    secrets,
  };
};
