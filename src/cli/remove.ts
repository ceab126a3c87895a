import * as z from 'zod';
import { regionProblem } from '../config/aws-regions.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { endOf, linesOf, stageFlag } from './deploy.ts';
import { frameworkProblem, runFramework } from './framework.ts';
import { stacksThere } from './stacks-there.ts';

/** `bothways remove`: takes a stage's stacks away. */
export const remove = defineCommand({
  name: 'remove',
  summary: 'Removes the functions of a stage, one region after the other.',
  details:
    'Finds the stacks by their tag in all regions, so that those are removed too that the list no longer names; the list itself is not needed. When one fails, the others go on, and the exit code is 1.',
  positional: [],
  args: z.strictObject({
    stage: stageFlag,
    region: z.array(z.string()).default([]).describe('Only in this region; may be repeated.').meta({ value: 'REGION' }),
    stack: z.array(z.string()).default([]).describe('Only this stack; may be repeated.').meta({ value: 'NAME' }),
    dryRun: z.boolean().default(false).describe('Only says what would be removed.'),
  }),
  examples: ['bothways remove --stage dev', 'bothways remove --stage prod --region sa-east-1 --dry-run'],
  run: async ({ stage, region: regions, stack: wanted, dryRun }, io) => {
    const wrong = regions.map((region) => regionProblem(region, true)).find((one) => one !== undefined);
    const problem = wrong ?? frameworkProblem();
    if (problem !== undefined) return wrongUsage(io, problem);
    const { stacks, unknown } = await stacksThere(stage, io, regions.length === 0 ? undefined : regions);
    const [first] = unknown;
    if (stacks.length === 0 && first !== undefined)
      return wrongUsage(io, `no region could be asked for stacks: ${first.why}`);
    for (const { region, why } of unknown) io.stderr.write(`warning: ${region} could not be asked: ${why}\n`);
    const chosen = stacks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
    const missing = wanted.find((name) => !stacks.some((one) => one.name === name));
    if (missing !== undefined) return wrongUsage(io, `there is no stack ${missing} of the stage ${stage}`);
    if (chosen.length === 0) io.stderr.write(`nothing of the stage ${stage} is there\n`);
    if (dryRun) {
      io.stdout.write(linesOf(chosen.map(({ name, region, status }) => [name, region, status])));
      return 0;
    }
    const rows: string[][] = [];
    for (const [index, { name, region }] of chosen.entries()) {
      if (io.signal.aborted) break;
      io.stderr.write(`[${index + 1}/${chosen.length}] removing ${name} in ${region}\n`);
      const words = ['remove', '--stage', stage, '--region', region];
      const end = await runFramework({ words, environment: { BOTHWAYS_STACK: name }, label: name }, io);
      rows.push([name, region, end === 'done' ? 'removed' : end]);
    }
    io.stdout.write(linesOf(rows));
    return endOf(rows, io);
  },
});
