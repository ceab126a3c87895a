// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { parse } from 'yaml';
import { readSecret } from '../config/secrets.ts';
import { bcryptThread, type ComparePassword } from './bcrypt-thread.ts';
import { admitting } from './credentials.ts';
import type { Locks } from './locks.ts';
import { tlsLocks } from './tls-locks.ts';
import { type WebConfig, webConfigSchema } from './web-config-schema.ts';

/** What a web configuration gives, or why it cannot be used. `hash` is of its file and of the files that it names. */
export type WebConfigReading =
  | { readonly ok: true; readonly locks: Locks; readonly hash: string; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problem: string };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads a web configuration and the files that it names. `known` is the hash of the reading before: if nothing has changed
 * the result is `undefined`. Never rejects; messages hold no secret.
 */
export const readWebConfig = async (
  path: string,
  environment: Environment,
  known?: string,
  compare: ComparePassword = bcryptThread(),
): Promise<WebConfigReading | undefined> => {
  try {
    const text = await readFile(path, 'utf8');
    const config = parsed(text);
    const files = await readFiles(config, dirname(path));
    const hash = hashOf([text, ...Object.values(files)]);
    if (hash === known) return undefined;
    const plain = plainCredentials(config, files, environment);
    const users = new Map(Object.entries(config.basic_auth_users ?? {}));
    const { tls_server_config: tls } = config;
    return {
      ok: true,
      hash,
      warnings: warningsOf(config).map((warning) => `${path}: ${warning}`),
      locks: {
        ...(plain.length === 0 && users.size === 0 ? {} : { admits: admitting(plain, users, compare) }),
        ...(tls === undefined ? {} : checkedTls(tlsLocks(tls, files))),
      },
    };
  } catch (error) {
    return { ok: false, problem: `${path}: ${reasonOf(error)}` };
  }
};

/** What a web configuration cannot be used for; the message holds no secret. */
class Unusable extends Error {}

const parsed = (text: string): WebConfig => {
  let content: unknown;
  try {
    content = parse(text, { logLevel: 'error' });
  } catch {
    throw new Unusable('not YAML');
  }
  const result = webConfigSchema.safeParse(content ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  // The key beneath basic_auth_users is a user's name, which is no secret.
  throw new Unusable(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
};

/** Contents of the files that a web configuration names, by key. */
const readFiles = async (
  { tls_server_config: tls, basic_auth: basic, authorization }: WebConfig,
  folder: string,
): Promise<Readonly<Record<string, string>>> => {
  const named = {
    cert: tls?.cert_file,
    key: tls?.key_file,
    ca: tls?.client_ca_file,
    password: basic?.password_file,
    token: authorization?.credentials_file,
  };
  const read = Object.entries(named).map(async ([key, file]) =>
    file === undefined ? [] : [[key, await readFile(resolve(folder, file), 'utf8')] as const],
  );
  return Object.fromEntries((await Promise.all(read)).flat());
};

/** Authorization headers that admit as they are. */
const plainCredentials = (
  { basic_auth: basic, authorization }: WebConfig,
  files: Readonly<Record<string, string>>,
  environment: Environment,
): readonly string[] => {
  const value = (file: string | undefined, text: string | undefined, key: string) => {
    const found = file === undefined ? expand(text ?? '', environment) : file.trim();
    if (found === '') throw new Unusable(`${key}: empty; write the password or token into the file`);
    return found;
  };
  const user = basic?.username ?? '';
  return [
    ...(basic === undefined
      ? []
      : [`Basic ${base64(`${user}:${value(files.password, basic.password, 'basic_auth.password_file')}`)}`]),
    ...(authorization === undefined
      ? []
      : [`Bearer ${value(files.token, authorization.credentials, 'authorization.credentials_file')}`]),
  ];
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Throws here, and not in a handshake, if certificate and key cannot be used. */
const checkedTls = (locks: Pick<Locks, 'tls' | 'client'>): Pick<Locks, 'tls' | 'client'> => {
  try {
    createSecureContext(locks.tls);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new Unusable(
      `tls_server_config: certificate, key or client CA cannot be used (${code}); write a pair in PEM`,
    );
  }
  return locks;
};

const isLiteral = (text: string | undefined): boolean => text !== undefined && readSecret(text).kind === 'literal';

const warningsOf = ({ basic_auth: basic, authorization }: WebConfig): readonly string[] => [
  ...(isLiteral(basic?.password)
    ? [
        'basic_auth.password: plaintext password; write basic_auth_users with the output of `htpasswd -nBC 10 USER`, or password_file',
      ]
    : []),
  ...(isLiteral(authorization?.credentials)
    ? ['authorization.credentials: plaintext token; write credentials_file or a reference to an environment variable']
    : []),
];

const expand = (text: string, environment: Environment): string => {
  const read = readSecret(text);
  if (read.kind === 'literal') return text;
  const name = read.kind === 'reference' ? /^env:(.*)$/.exec(read.ref.secret)?.[1] : undefined;
  if (name === undefined)
    throw new Unusable('a password or token is written as it is, as ${env:NAME}, or as the key that ends in _file');
  const value = environment[name];
  if (value === undefined || value === '') throw new Unusable(`the variable ${name} is not set`);
  return value;
};

const reasonOf = (error: unknown): string => {
  if (error instanceof Unusable) return error.message;
  if (error instanceof Error && 'code' in error && 'path' in error)
    return `${String(error.path)} cannot be read (${String(error.code)})`;
  return 'cannot be read';
};

const hashOf = (texts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\n${text}`);
  return hash.digest('hex');
};
