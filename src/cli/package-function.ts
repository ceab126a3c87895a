import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { forLambda } from '../config/lambda-files.ts';
import type { Packable } from '../config/packed.ts';
import { functionZip } from '../generate/aws/function-zip.ts';
import { functionCode } from './function-code.ts';
import type { OpenList } from './open-list.ts';
import { openSecrets } from './open-secrets.ts';

/** The zip of the probe function with a list, and the SHA-256 of it in hexadecimal. */
export type PackagedFunction = { readonly zip: Uint8Array; readonly sha256: string };

/** A list as it is packed. */
export const packableOf = ({ list, checks, endpoints, vantages, literals }: OpenList): Packable => ({
  checks,
  endpoints,
  vantages,
  literals,
  externalLabels: list.external_labels,
});

/** Why a list cannot be deployed, or `undefined`: a secret that a function needs must not be in its zip. */
export const undeployable = (list: OpenList): string | undefined =>
  openSecrets(forLambda(packableOf(list)).list.literals);

/** Makes the zip of the probe function with a list. Rejects with a sentence if the list or the function is not fit for it. */
export const packageFunction = async (list: OpenList): Promise<PackagedFunction> => {
  const packed = forLambda(packableOf(list));
  const problem = openSecrets(packed.list.literals);
  if (problem !== undefined) throw new Error(problem);
  const files = await Promise.all([...packed.files].map(async ([name, path]) => [name, await readFile(path)] as const));
  const zip = functionZip(await functionCode(), packed.list, new Map(files));
  return { zip, sha256: createHash('sha256').update(zip).digest('hex') };
};
