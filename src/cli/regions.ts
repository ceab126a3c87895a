import * as z from 'zod';
import { checksText, regionsOf } from '../generate/regions.ts';
import { jsonText } from '../protocol/json-text.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { linesOf, stageFlag, wrongStacks } from './deploy.ts';
import { type OpenList, openList } from './open-list.ts';
import { counted } from './paint.ts';
import { leftoversOf, noneAsked } from './stacks-there.ts';
import { listFlag } from './usual-config.ts';

/** `bothways regions`: the functions that a list is deployed as. */
export const regions = defineCommand({
  name: 'regions',
  summary: 'Says which functions a list is deployed as, and where.',
  details:
    'With --json it prints an array, which a matrix of CI jobs can be made of. With --leftovers it looks at AWS for what the list no longer has, and exits with 1 if there is something.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    leftovers: stageFlag
      .optional()
      .describe(
        'Names the functions of this stage that are there and no longer in the list, instead of those of the list.',
      )
      .meta({ value: 'STAGE' }),
    json: z.boolean().default(false).describe('Prints a JSON array.'),
  }),
  examples: ['bothways regions --config targets.yaml --json', 'bothways regions --leftovers prod'],
  run: async ({ config, leftovers, json }, io) => {
    const list = await openList(config, io);
    if (list === undefined) return 2;
    const all = regionsOf(list);
    if (leftovers !== undefined) return await sayLeftovers(leftovers, list, json, io);
    if (json) {
      io.stdout.write(`${jsonText(all)}\n`);
      return 0;
    }
    io.stdout.write(
      linesOf(all.map((one) => [one.vantage, one.region, checksText(one), counted(one.shards, 'shard')])),
    );
    if (all.length === 0) io.stderr.write('bothways: no target of the list is probed from a Lambda vantage\n');
    return 0;
  },
});

const sayLeftovers = async (stage: string, list: OpenList, json: boolean, io: Io): Promise<ExitCode> => {
  const wrong = wrongStacks(regionsOf(list), stage);
  if (wrong !== undefined) return wrongUsage(io, wrong);
  const there = await leftoversOf(stage, list, io);
  const none = noneAsked(there);
  if (none !== undefined) return wrongUsage(io, none);
  const { stacks, said } = there;
  for (const one of said) io.stderr.write(`warning: ${one}\n`);
  const rows = stacks.map(({ name, region, status }) => ({ name, region, status }));
  io.stdout.write(
    json ? `${jsonText(rows)}\n` : linesOf(rows.map(({ name, region, status }) => [name, region, status])),
  );
  return stacks.length === 0 ? 0 : 1;
};
