import { type Zippable, zipSync } from 'fflate';
import { type Packable, packList } from '../../config/packed.ts';

/** Files by their name in a folder or zip. */
export type NamedFiles = ReadonlyMap<string, Uint8Array>;

/** The earliest time that a zip can hold: the same content has the same bytes whenever it is packed. */
const fixedTime = '1980-01-01T00:00:00';

/** Readable by everybody, as Lambda asks, in the part of the attributes that is Unix's. */
const attributes = (0o100644 << 16) >>> 0;

/**
 * The zip of the probe function: its code, the list of each vantage, and the files that the list names. One for all regions, so
 * that its hash says what runs.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-package.html
 */
export const functionZip = (code: NamedFiles, list: Packable, files: NamedFiles): Uint8Array => {
  const all = new Map<string, Uint8Array>(code);
  for (const { name } of list.vantages) all.set(`lists/${name}.json`, Buffer.from(packList(list, name)));
  for (const [name, content] of files) all.set(`files/${name}`, content);
  const sorted: Zippable = Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  return zipSync(sorted, { level: 6, mtime: fixedTime, os: 3, attrs: attributes });
};
