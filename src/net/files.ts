import { readFile, stat } from 'node:fs/promises';

/** Reads files, again only when they have changed (size, time or inode). Rejects with the system's error code. */
export const files = (): ((path: string) => Promise<Buffer>) => {
  const known = new Map<string, { readonly version: string; readonly content: Buffer }>();
  return async (path) => {
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
