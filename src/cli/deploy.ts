import * as z from 'zod';
import { stackFor, stageName } from '../generate/aws/stack.ts';
import { checksText, type Deployed, type Region, regionsOf, variablesOf } from '../generate/regions.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { frameworkProblem, runFramework } from './framework.ts';
import { openList } from './open-list.ts';
import { undeployable } from './package-function.ts';
import { counted } from './paint.ts';
import { columns } from './plan-text.ts';
import { leftoversOf } from './stacks-there.ts';
import { listFlag, usualConfig } from './usual-config.ts';

/** The flag `--stage`, as all commands that deploy have it. */
export const stageFlag = z
  .string()
  .regex(stageName, 'write lower-case letters, digits and hyphens, 20 at most')
  .describe('Part of all names, so that several may stand side by side.')
  .meta({ value: 'NAME' });

/** `bothways deploy`: one region after the other, with the serverless framework. */
export const deploy = defineCommand({
  name: 'deploy',
  summary: 'Deploys the functions of the list, one region after the other.',
  details:
    'Runs the serverless framework of this folder for each Lambda vantage. A list that is not sound stops it before anything is uploaded; when a region fails, the others go on, and the exit code is 1.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    stage: stageFlag,
    region: z.array(z.string()).default([]).describe('Only this region or vantage.').meta({ value: 'REGION' }),
  }),
  examples: ['bothways deploy --stage prod', 'bothways deploy --stage prod --region eu-west-1'],
  run: async ({ config, stage, region: wanted }, io) => {
    const list = await openList(config, io);
    if (list === undefined) return 2;
    const all = regionsOf(list);
    const chosen = all.filter(
      (one) => wanted.length === 0 || wanted.includes(one.region) || wanted.includes(one.vantage),
    );
    const problem =
      wrongRegions(wanted, all) ??
      undeployable(list) ??
      frameworkProblem() ??
      missingVariable(chosen, io) ??
      wrongStacks(chosen, stage);
    if (problem !== undefined) return wrongUsage(io, problem);
    const rows: string[][] = [];
    for (const [index, one] of chosen.entries()) {
      if (io.signal.aborted) break;
      const head = `[${index + 1}/${chosen.length}] ${one.vantage}`;
      io.stderr.write(`${head}: ${checksText(one)} in ${counted(one.shards, 'shard')} to ${one.region}\n`);
      const started = performance.now();
      const end = await runFramework(
        {
          words: [
            ...['deploy', '--stage', stage, '--region', one.region],
            // The framework compares code and template; a secret that is new is in neither.
            ...(variablesOf(one).length === 0 ? [] : ['--force']),
          ],
          environment: { BOTHWAYS_VANTAGE: one.vantage, BOTHWAYS_CONFIG: usualConfig(config).join(':') },
          label: one.vantage,
        },
        io,
      );
      const seconds = Math.round((performance.now() - started) / 1_000);
      rows.push([one.vantage, one.region, end === 'done' ? 'deployed' : end, `${seconds} s`]);
    }
    io.stdout.write(linesOf(rows));
    if (list.list.aws?.list !== undefined && rows.some(([, , how]) => how === 'deployed') && !io.signal.aborted)
      io.stderr.write(`The list in the bucket goes before the deployed one: bothways targets push --stage ${stage}\n`);
    if (wanted.length === 0 && !io.signal.aborted)
      for (const one of (await leftoversOf(stage, list, io)).said) io.stderr.write(`warning: ${one}\n`);
    return endOf(rows, io);
  },
});

/** Why a region cannot be one stack of this stage. */
export const wrongStacks = (regions: readonly Region[], stage: string): string | undefined => {
  try {
    for (const one of regions) stackFor(one, stage);
    return undefined;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return error.message;
  }
};

/** Why a list cannot be one stack a region, whatever its stage: it is judged by the shortest name that a stage can have. */
export const wrongInAnyStage = (list: Deployed): string | undefined => wrongStacks(regionsOf(list), 'x');

/** Lines of a table. */
export const linesOf = (rows: readonly (readonly string[])[]): string =>
  columns(rows)
    .map((line) => `${line}\n`)
    .join('');

/** What the rows of a loop over regions mean for the exit code: the third column says how each ended. */
export const endOf = (rows: readonly (readonly string[])[], io: Io): ExitCode => {
  if (io.signal.aborted) return 130;
  const failed = rows.filter(([, , how]) => how === 'failed').map(([name]) => name);
  if (failed.length === 0) return 0;
  io.stderr.write(
    `bothways: ${failed.length} of ${rows.length} failed: ${failed.join(', ')}; what they said is above\n`,
  );
  return 1;
};

const wrongRegions = (wanted: readonly string[], all: readonly Region[]): string | undefined => {
  const known = all.map(({ vantage, region }) => (vantage === region ? vantage : `${vantage} (${region})`)).join(', ');
  if (all.length === 0) return 'no target of the list is probed from a Lambda vantage';
  const unknown = wanted.find((name) => !all.some(({ region, vantage }) => name === region || name === vantage));
  return unknown === undefined ? undefined : `--region ${unknown} is none of the list; it has ${known}`;
};

const missingVariable = (chosen: readonly Region[], { environment }: Io): string | undefined => {
  const missing = [...new Set(chosen.flatMap(variablesOf))].filter((name) => (environment[name] ?? '') === '');
  return missing.length === 0
    ? undefined
    : `the list refers to ${missing.join(', ')}, not set here; set it, or let AWS keep it: a reference such as ssm:/path/name`;
};
