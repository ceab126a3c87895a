import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

/**
 * Reads files, again only when they have changed (size, time or inode). Paths that begin with `packed:` are names in the folder
 * of that which travels with a packed list. Rejects with the system's error code.
 */
export const files = (packed = ''): ((path: string) => Promise<Buffer>) => {
  const known = new Map<string, { readonly version: string; readonly content: Buffer }>();
  return async (given) => {
    const path = given.startsWith('packed:') ? join(packed, basename(given.slice('packed:'.length))) : given;
    const { size, mtimeMs, ino } = await stat(path);
    const version = `${size} ${mtimeMs} ${ino}`;
    const seen = known.get(path);
    if (seen?.version === version) return seen.content;
    const content = await readFile(path);
    if (known.size >= mostFiles) known.clear();
    known.set(path, { version, content });
    return content;
  };
};

const mostFiles = 256;
