import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { printable } from '../kernel/printable.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { scaffold } from './scaffold.ts';

/** `bothways init`: a repository of a user's own. */
export const init = defineCommand({
  name: 'init',
  summary: 'Makes a folder with a list, all that deploys it, and what to do next.',
  details:
    'The folder depends on the package `bothways`, so that an upgrade is a new version number and never a merge. Files that are there are never overwritten: if one of them is, nothing is written.',
  positional: ['folder'],
  args: z.strictObject({
    folder: z
      .string()
      .min(1, 'write the name of a folder')
      .describe('The folder; it is made if it is not there.')
      .meta({ value: 'DIR' }),
  }),
  examples: ['bothways init probes'],
  run: async ({ folder }, io) => {
    const shown = printable(folder);
    const files = await scaffold(folder);
    const there: string[] = [];
    for (const path of files.keys()) if (await isThere(join(folder, path))) there.push(path);
    if (there.length > 0) return wrongUsage(io, `${shown} has ${there.join(', ')} already; nothing was written`);
    try {
      for (const [path, text] of files) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text, { flag: 'wx' });
      }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      const why = code === 'EEXIST' || code === 'ENOTDIR' ? 'it is not a folder' : code;
      return wrongUsage(io, `${shown} cannot be written to: ${why}`);
    }
    for (const path of files.keys()) io.stderr.write(`${join(shown, path)}\n`);
    io.stdout.write(
      `\nNext:\n  cd ${shown}\n  npm install && npm run check && npm run plan\n  npm run deploy -- --stage prod\n`,
    );
    return 0;
  },
});

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
