import * as z from 'zod';
import { regionProblem } from '../config/aws-regions.ts';
import { load } from '../config/load.ts';
import { defineCommand, type Io, wrongUsage } from './command.ts';
import { endOf, linesOf, stageFlag } from './deploy.ts';
import { frameworkProblem, runFramework } from './framework.ts';
import { proberTable } from './open-list.ts';
import { noneAsked, regionsNamed, regionsToAsk, stacksThere, unaskedText } from './stacks-there.ts';
import { listFlag, usualConfig } from './usual-config.ts';

/** `bothways remove`: takes a stage's stacks away. */
export const remove = defineCommand({
  name: 'remove',
  summary: 'Removes the functions of a stage, one region after the other.',
  details:
    'Finds the stacks by their tag in all regions, so that those are removed too that the list no longer names. The list itself is not needed; where it can be read, the regions that it names are asked too. When one fails, the others go on, and the exit code is 1.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    stage: stageFlag,
    region: z.array(z.string()).default([]).describe('Only in this region.').meta({ value: 'REGION' }),
    stack: z.array(z.string()).default([]).describe('Only this stack.').meta({ value: 'NAME' }),
    dryRun: z.boolean().default(false).describe('Only says what would be removed.'),
  }),
  examples: ['bothways remove --stage dev', 'bothways remove --stage prod --region sa-east-1 --dry-run'],
  run: async ({ config, stage, region: regions, stack: wanted, dryRun }, io) => {
    const wrong = regions.map((region) => regionProblem(region, true)).find((one) => one !== undefined);
    const problem = wrong ?? frameworkProblem();
    if (problem !== undefined) return wrongUsage(io, problem);
    const named = regions.length > 0 ? regions : await namedIn(config, io);
    const there = await stacksThere(stage, regions.length > 0 ? regions : regionsToAsk(named, io), io);
    const { stacks } = there;
    const none = noneAsked(there);
    const elsewhere = named.length > 0 ? '' : '; for China or GovCloud set AWS_REGION or write --region';
    if (none !== undefined) return wrongUsage(io, `${none}${elsewhere}`);
    const unasked = unaskedText(there);
    if (unasked !== undefined) io.stderr.write(`warning: ${unasked}\n`);
    const chosen = stacks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
    const missing = wanted.find((name) => !stacks.some((one) => one.name === name));
    if (missing !== undefined) return wrongUsage(io, `there is no stack ${missing} of the stage ${stage}`);
    const where = unasked === undefined ? 'there' : 'in the regions that could be asked';
    if (chosen.length === 0) io.stderr.write(`nothing of the stage ${stage} is ${where}\n`);
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

/** The regions of the list; none where there is no list, or one that cannot be used. */
const namedIn = async (config: readonly string[], io: Io): Promise<readonly string[]> => {
  const paths = usualConfig(config);
  if (paths.length === 0) return [];
  const loaded = await load(paths, { probers: proberTable });
  if (loaded.ok) return regionsNamed(loaded.compiled);
  io.stderr.write(
    'warning: the list cannot be used (`bothways check` says why), so only regions that this version knows are asked\n',
  );
  return [];
};
