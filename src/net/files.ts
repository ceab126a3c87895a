import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { codeOf } from './failure.ts';
import { unusable } from './unusable.ts';

/** What the path of a file begins with that travels with a packed list. */
export const packedFile = 'packed:';

/**
 * Reads files, again only when they have changed (size, time or inode). Paths that begin with `packed:` are names in the folder
 * of that which travels with a packed list. Rejects with the system's error code and a sentence
 * that names the file, which the system's own does not for a folder.
 */
export const files = (packed = ''): ((path: string) => Promise<Buffer>) => {
  const known = new Map<string, { readonly version: string; readonly content: Buffer }>();
  return async (given) => {
    const path = given.startsWith(packedFile) ? join(packed, basename(given.slice(packedFile.length))) : given;
    const { size, mtimeMs, ino } = await stat(path).catch(unreadable(path));
    const version = `${size} ${mtimeMs} ${ino}`;
    const seen = known.get(path);
    if (seen?.version === version) return seen.content;
    const content = await readFile(path).catch(unreadable(path));
    if (known.size >= mostFiles) known.clear();
    known.set(path, { version, content });
    return content;
  };
};

const unreadable =
  (path: string) =>
  (error: unknown): never => {
    throw unusable(`the file ${path} cannot be read: ${codeOf(error)}`, codeOf(error));
  };

const mostFiles = 256;
