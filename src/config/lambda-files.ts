import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { packedFile } from '../net/files.ts';
import { deployedWith } from './deployed-with.ts';
import type { Packable } from './packed.ts';
import { isOpenFile } from './secret-files.ts';

/** A list whose files are named as they are in the zip, and those files: name there to path here. */
export type ForLambda = { readonly list: Packable; readonly files: ReadonlyMap<string, string> };

/**
 * The part of a list that Lambda vantages need; paths of certificates and bodies become names in the zip, made
 * of their content, so that the same list is the same wherever it is packed; secrets in the open are those that stand in this part.
 * Throws if such a file cannot be read.
 */
export const forLambda = (list: Packable): ForLambda => {
  const files = new Map<string, string>();
  const seen = new Map<object, unknown>();
  const named = (path: string): string => {
    const name = `${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 8)}-${basename(path)}`;
    files.set(name, path);
    return `${packedFile}${name}`;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const known = seen.get(value);
    if (known !== undefined) return known;
    const next = Array.isArray(value)
      ? value.map(walk)
      : Object.fromEntries(
          Object.entries(value).map(([key, one]) => [
            key,
            isOpenFile(key) && typeof one === 'string' && one !== '' ? named(one) : walk(one),
          ]),
        );
    seen.set(value, next);
    return next;
  };
  const vantages = list.vantages.filter(({ kind }) => kind === 'lambda');
  const names = new Set(vantages.map(({ name }) => name));
  const checks = list.checks
    .filter(({ vantage }) => names.has(vantage.name))
    .map((check) => ({ ...check, module: { ...check.module, settings: walk(check.module.settings) } }));
  // safe: the same shape, with other texts
  const endpoints = list.endpoints
    .filter(({ from }) => from.some((name) => names.has(name)))
    .map((endpoint) => ({ ...endpoint, settings: walk(endpoint.settings) })) as Packable['endpoints'];
  const used = deployedWith({ checks, endpoints });
  const literals = new Map([...list.literals].filter(([reference]) => used.has(reference)));
  return { list: { ...list, vantages, checks, endpoints, literals }, files };
};
