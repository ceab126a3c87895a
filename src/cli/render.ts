import * as z from 'zod';
import { stackFor, stageName, templateOf } from '../generate/aws/stack.ts';
import { regionsOf } from '../generate/regions.ts';
import { printable } from '../kernel/printable.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { openList } from './open-list.ts';
import { undeployable } from './package-function.ts';
import { listFlag } from './usual-config.ts';

/** `bothways render`: the stack of one region as a template. */
export const render = defineCommand({
  name: 'render',
  summary: 'Prints the stack of one Lambda vantage as a CloudFormation template.',
  details:
    'For Terraform, the CDK or a pipeline of your own. The zip with the function and its list is named by the parameters CodeBucket and CodeKey; each variable that the list refers to is a parameter that is never shown again.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    vantage: z
      .string()
      .optional()
      .describe('A Lambda vantage of the list; may be left out if it has one only.')
      .meta({ value: 'NAME' }),
    format: z
      .enum(['cloudformation'])
      .default('cloudformation')
      .describe('The form of the template.')
      .meta({ value: 'FORMAT' }),
    stage: z
      .string()
      .regex(stageName, 'write lower-case letters, digits and hyphens, 20 at most')
      .default('dev')
      .describe('Part of all names, so that several stacks may stand side by side.')
      .meta({ value: 'NAME' }),
  }),
  examples: ['bothways render --config targets.yaml --vantage eu-west-1 --stage prod > stack.json'],
  run: async ({ config, vantage, stage }, io) => {
    const list = await openList(config, io);
    if (list === undefined) return 2;
    const all = regionsOf(list);
    const names = all.map((region) => region.vantage).join(', ');
    const [only] = all.filter((region) => vantage === undefined || region.vantage === vantage);
    if (only === undefined)
      return wrongUsage(
        io,
        all.length === 0
          ? 'no target of the list is probed from a Lambda vantage'
          : `--vantage ${printable(vantage ?? '')} is no Lambda vantage that probes something; the list has ${names}`,
      );
    if (vantage === undefined && all.length > 1) return wrongUsage(io, `render needs --vantage: one of ${names}`);
    const problem = undeployable(list);
    if (problem !== undefined) return wrongUsage(io, problem);
    try {
      io.stdout.write(`${JSON.stringify(templateOf(stackFor(only, stage, list.list.aws)), undefined, 2)}\n`);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return wrongUsage(io, error.message);
    }
    return 0;
  },
});
