import * as z from 'zod';
import { regionsOf } from '../generate/regions.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { openList } from './open-list.ts';
import { counted } from './paint.ts';
import { columns } from './plan-text.ts';
import { listFlag, usualConfig } from './usual-config.ts';

/** `bothways regions`: the functions that a list is deployed as. */
export const regions = defineCommand({
  name: 'regions',
  summary: 'Says which functions a list is deployed as, and where.',
  details: 'With --json it prints an array, which a matrix of CI jobs can be made of.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    json: z.boolean().default(false).describe('Prints a JSON array.'),
  }),
  examples: ['bothways regions --config targets.yaml --json'],
  run: async ({ config, json }, io) => {
    const paths = usualConfig(config);
    if (paths.length === 0) return wrongUsage(io, 'regions needs a list: --config FILE');
    const list = await openList(paths, io);
    if (list === undefined) return 2;
    const all = regionsOf(list);
    if (json) {
      io.stdout.write(`${JSON.stringify(all)}\n`);
      return 0;
    }
    const rows = all.map(({ vantage, region, checks, shards }) => [
      vantage,
      region,
      counted(checks, 'check'),
      counted(shards, 'shard'),
    ]);
    io.stdout.write(
      columns(rows)
        .map((line) => `${line}\n`)
        .join(''),
    );
    if (all.length === 0) io.stderr.write('bothways: no target of the list is probed from a Lambda vantage\n');
    return 0;
  },
});
