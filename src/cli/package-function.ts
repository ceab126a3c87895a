import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { forLambda } from '../config/lambda-files.ts';
import type { Packable } from '../config/packed.ts';
import { functionZip } from '../generate/aws/function-zip.ts';
import { functionCode } from './function-code.ts';
import type { OpenList } from './open-list.ts';

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

/** Makes the zip of the probe function with a list. Rejects with a sentence if the function is not built. */
export const packageFunction = async (list: OpenList): Promise<PackagedFunction> => {
  const packed = forLambda(packableOf(list));
  const files = await Promise.all([...packed.files].map(async ([name, path]) => [name, await readFile(path)] as const));
  const zip = functionZip(await functionCode(), packed.list, new Map(files));
  return { zip, sha256: createHash('sha256').update(zip).digest('hex') };
};
