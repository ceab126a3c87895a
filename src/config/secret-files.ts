import { isSecretRef } from './secrets.ts';

const open = new Set(['ca_file', 'extra_ca_file', 'cert_file', 'body_file']);

/** Whether a key names a file which may travel in a function's zip; what other keys name is secret. */
export const isOpenFile = (key: string): boolean => open.has(key);

/**
 * The first key of settings that names a secret in a file, which a Lambda function does not have and a zip must not hold;
 * `undefined` if there is none.
 */
export const secretFileIn = (settings: unknown): string | undefined => {
  if (typeof settings !== 'object' || settings === null) return undefined;
  for (const [key, value] of Object.entries(settings)) {
    if (isSecretRef(value) && value.secret.startsWith('file:')) return key;
    if (key.endsWith('_file') && typeof value === 'string' && value !== '' && !isOpenFile(key)) return key;
    if (key === 'files' && Array.isArray(value) && value.length > 0) return key;
    const below = secretFileIn(value);
    if (below !== undefined) return `${key}.${below}`;
  }
  return undefined;
};

const known = new WeakMap<object, string | undefined>();

/** {@link secretFileIn} for settings that many checks share: they are looked through once. */
export const secretFileOf = (settings: unknown): string | undefined => {
  if (typeof settings !== 'object' || settings === null) return undefined;
  if (!known.has(settings)) known.set(settings, secretFileIn(settings));
  return known.get(settings);
};
