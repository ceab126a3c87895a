import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { printable } from '../kernel/printable.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { openList } from './open-list.ts';
import { packageFunction } from './package-function.ts';
import { listFlag } from './usual-config.ts';

/** `bothways package`: the zip of the probe function. */
export const packageCommand = defineCommand({
  name: 'package',
  summary: 'Writes the zip of the probe function with the list in it.',
  details:
    'One zip for all regions; the same list and version give the same bytes. For whoever deploys without the serverless framework; `bothways render` prints the stack that goes with it.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    out: z.string().default('function.zip').describe('Where to write it.').meta({ value: 'FILE' }),
    json: z.boolean().default(false).describe('Prints a JSON object: file, bytes, sha256.'),
  }),
  examples: ['bothways package --out function.zip'],
  run: async ({ config, out, json }, io) => {
    const list = await openList(config, io);
    if (list === undefined) return 2;
    if (!list.vantages.some(({ kind }) => kind === 'lambda')) return wrongUsage(io, 'the list has no Lambda vantage');
    try {
      const { zip, sha256 } = await packageFunction(list);
      const problem = await written(out, zip);
      if (problem !== undefined) return wrongUsage(io, `--out ${printable(out)} cannot be written to: ${problem}`);
      const facts = { file: out, bytes: zip.length, sha256 };
      io.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${out}: ${zip.length} bytes, sha256 ${sha256}\n`);
      return 0;
    } catch (error) {
      return wrongUsage(io, error instanceof Error ? error.message : 'failed');
    }
  },
});

/** Writes a file, and makes the folder that it is in; gives the code of what went wrong. */
const written = async (path: string, content: Uint8Array): Promise<string | undefined> => {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};
