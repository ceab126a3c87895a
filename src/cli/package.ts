import { writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { defineCommand, wrongUsage } from './command.ts';
import { openList } from './open-list.ts';
import { packageFunction } from './package-function.ts';
import { listFlag, usualConfig } from './usual-config.ts';

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
    const paths = usualConfig(config);
    if (paths.length === 0) return wrongUsage(io, 'package needs a list: --config FILE');
    const list = await openList(paths, io);
    if (list === undefined) return 2;
    if (!list.vantages.some(({ kind }) => kind === 'lambda')) return wrongUsage(io, 'the list has no Lambda vantage');
    try {
      const { zip, sha256 } = await packageFunction(list);
      await writeFile(out, zip);
      const facts = { file: out, bytes: zip.length, sha256 };
      io.stdout.write(json ? `${JSON.stringify(facts)}\n` : `${out}: ${zip.length} bytes, sha256 ${sha256}\n`);
      return 0;
    } catch (error) {
      return wrongUsage(io, error instanceof Error ? error.message : 'failed');
    }
  },
});
