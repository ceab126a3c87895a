// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { readSecret } from '../config/secrets.ts';
import type { WebOptions } from './web-server.ts';

/** A password or token: as it is, or where it stands. */
const secret = z.string().min(1);

/** `--web-config`: how the door of an agent is locked. Names as in Prometheus's web configuration where it has them. */
const webConfig = z
  .strictObject({
    tls_server_config: z
      .strictObject({
        cert_file: z.string().describe('Certificate of the door, with its chain, in PEM.'),
        key_file: z.string().describe('Its key, in PEM.'),
      })
      .optional()
      .describe('TLS on the door.'),
    basic_auth: z
      .strictObject({
        username: z.string().min(1).describe('User name.'),
        password: secret.optional().describe('Password, or ${env:NAME}.'),
        password_file: z.string().optional().describe('File with the password.'),
      })
      .refine((auth) => (auth.password === undefined) !== (auth.password_file === undefined), {
        error: 'write `password` or `password_file`',
      })
      .optional()
      .describe('Who may come in.'),
    authorization: z
      .strictObject({
        credentials: secret.optional().describe('Bearer token, or ${env:NAME}.'),
        credentials_file: z.string().optional().describe('File with the token.'),
      })
      .refine((auth) => (auth.credentials === undefined) !== (auth.credentials_file === undefined), {
        error: 'write `credentials` or `credentials_file`',
      })
      .optional()
      .describe('A token that lets in as well.'),
  })
  .describe('How the door of an agent is locked.');

/** The parts of {@link WebOptions} that a web configuration gives, or why it cannot be used. */
export type Locks =
  | { readonly ok: true; readonly locks: Pick<WebOptions, 'admits' | 'tls'> }
  | { readonly ok: false; readonly problem: string };

/** Reads a web configuration and the files that it names. Never rejects; messages hold no secret. */
export const readWebConfig = async (
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Locks> => {
  const bad = (problem: string): Locks => ({ ok: false, problem: `${path}: ${problem}` });
  const beside = (file: string) => resolve(dirname(path), file);
  try {
    const parsed = webConfig.safeParse(parse(await readFile(path, 'utf8'), { logLevel: 'error' }) ?? {});
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return bad(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not understood'}`);
    }
    const { tls_server_config: tls, basic_auth: basic, authorization } = parsed.data;
    const read = async (text: string | undefined, file: string | undefined) =>
      file === undefined ? expand(text ?? '', environment) : (await readFile(beside(file), 'utf8')).trim();
    const wanted: string[] = [];
    if (basic !== undefined) {
      const password = await read(basic.password, basic.password_file);
      wanted.push(`Basic ${Buffer.from(`${basic.username}:${password}`).toString('base64')}`);
    }
    if (authorization !== undefined)
      wanted.push(`Bearer ${await read(authorization.credentials, authorization.credentials_file)}`);
    return {
      ok: true,
      locks: {
        ...(wanted.length === 0 ? {} : { admits: admitting(wanted) }),
        ...(tls === undefined
          ? {}
          : {
              tls: {
                cert: await readFile(beside(tls.cert_file), 'utf8'),
                key: await readFile(beside(tls.key_file), 'utf8'),
              },
            }),
      },
    };
  } catch (error) {
    return bad(reasonOf(error));
  }
};

class Unusable extends Error {}

const expand = (text: string, environment: Readonly<Record<string, string | undefined>>): string => {
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
  return 'is no YAML';
};

/** Compares by hash, so that neither content nor length can be told from the time it takes. */
const admitting = (wanted: readonly string[]) => {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const hashes = wanted.map(hash);
  return (authorization: string | undefined): boolean => {
    const given = hash(authorization ?? '');
    return hashes.filter((one) => timingSafeEqual(one, given)).length > 0;
  };
};
