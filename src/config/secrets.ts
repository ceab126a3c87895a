import type { SecretRef } from '../kernel/check.ts';

/** What a text in a place that may hold a secret says. */
export type Read =
  | { readonly kind: 'reference'; readonly ref: SecretRef }
  | { readonly kind: 'literal' }
  | { readonly kind: 'wrong'; readonly message: string };

const whole = /^\$\{([a-z]+):([^{}]*)\}$/;
const loaded = /^(?:env|file|ssm|secretsmanager|literal):/;
const somewhere = /\$\{(?:env|file|ssm|secretsmanager):/;

const region = '(?:[a-z]{2}(?:-[a-z]+)+-\\d+:)?';

/** The kinds of references: what follows the colon, and an example. */
const kinds: Readonly<Record<string, { readonly shape: RegExp; readonly example: string }>> = {
  env: { shape: /^[A-Za-z_][A-Za-z0-9_]*$/, example: 'env:NAME' },
  file: { shape: /^\/.+$/, example: 'file:/run/secrets/name' },
  ssm: { shape: new RegExp(`^${region}/?[A-Za-z0-9_./-]+$`), example: 'ssm:eu-west-1:/path/name' },
  secretsmanager: {
    shape: new RegExp(`^${region}[A-Za-z0-9_/+=.@:-]+(?:#[A-Za-z0-9_./-]+)?$`),
    example: 'secretsmanager:eu-west-1:name#key',
  },
};

const written = (reference: string): string => `"\${${reference}}"`;

/** A reference as it stands in a list, for messages. */
export const exampleReference = written('env:NAME');

/** A reference to what AWS keeps, for messages. */
export const exampleParameter = written('ssm:/path/name');

const examples = Object.values(kinds)
  .map(({ example }) => written(example))
  .join(', ');

/**
 * Reads a text in a place that may hold a secret: `${env:X}`, `${file:/p}`, `${ssm:[REGION:]/n}`,
 * `${secretsmanager:[REGION:]id[#key]}` as the whole value, or a literal. No message repeats the text.
 */
export const readSecret = (text: string): Read => {
  const match = whole.exec(text);
  if (match === null) {
    if (!somewhere.test(text)) return { kind: 'literal' };
    return {
      kind: 'wrong',
      message: 'a reference must be the whole value; put the rest of the text into the secret too',
    };
  }
  const [, name = '', place = ''] = match;
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  if (kind === undefined) return { kind: 'wrong', message: `no such kind of reference; write one of ${examples}` };
  if (!kind.shape.test(place))
    return { kind: 'wrong', message: `not a reference; write for example ${written(kind.example)}` };
  return { kind: 'reference', ref: { secret: `${name}:${place}` } };
};

/** Whether a text contains a reference; where no secret can stand that is a mistake. */
export const mentionsSecret = (text: string): boolean => text.includes('${') && somewhere.test(text);

/**
 * Whether a value is a reference as it stands after load. Labels or headers may have the name `secret` too: they are taken for
 * one only where that is the only name and its value reads like a reference.
 */
export const isSecretRef = (value: unknown): value is SecretRef =>
  typeof value === 'object' &&
  value !== null &&
  'secret' in value &&
  typeof value.secret === 'string' &&
  loaded.test(value.secret) &&
  Object.keys(value).length === 1;
