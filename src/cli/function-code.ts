import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedFiles } from '../generate/aws/function-zip.ts';

/** Beside the bundle, or where `npm run build` puts it in a checkout. */
const places = ['functions', '../../dist/functions'];

/** The bundle of the probe function, file by file. Rejects with a sentence if it is not built. */
export const functionCode = async (): Promise<NamedFiles> => {
  const folder = places.map((place) => join(import.meta.dirname, place)).find((one) => existsSync(one));
  if (folder === undefined) throw new Error('the function is not built; run `npm run build:functions`');
  const names = await readdir(folder);
  const wanted = names.filter((name) => name.endsWith('.mjs') || name.endsWith('.txt'));
  return new Map(await Promise.all(wanted.map(async (name) => [name, await readFile(join(folder, name))] as const)));
};
