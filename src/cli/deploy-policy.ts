import * as z from 'zod';
import { deployPolicy } from '../generate/aws/deploy-policy.ts';
import { regionsOf } from '../generate/regions.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { stageFlag, wrongStacks } from './deploy.ts';
import { openList } from './open-list.ts';
import { listFlag } from './usual-config.ts';

/** `bothways deploy-policy`: the rights that deploying needs. */
export const deployPolicyCommand = defineCommand({
  name: 'deploy-policy',
  summary: 'Prints the IAM policy that deploying a stage of this list needs.',
  details:
    'For the role that a pipeline takes on. All rights are bound to the names of the stage, but for those that AWS binds to nothing; they hold in all regions, so that stacks can be removed that the list no longer has. It fits into one managed policy, however many regions there are.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    stage: stageFlag,
    account: z
      .string()
      .regex(/^\d{12}$/, 'write the 12 digits of an account')
      .describe('The account that is deployed to.')
      .meta({ value: 'ID' }),
  }),
  examples: ['bothways deploy-policy --stage prod --account 123456789012 > policy.json'],
  run: async ({ config, stage, account }, io) => {
    const list = await openList(config, io);
    if (list === undefined) return 2;
    const regions = regionsOf(list);
    const none = regions.length === 0 ? 'no target of the list is probed from a Lambda vantage' : undefined;
    const problem = none ?? wrongStacks(regions, stage);
    if (problem !== undefined) return wrongUsage(io, problem);
    const policy = deployPolicy({ regions, stage, aws: list.list.aws ?? {}, account });
    io.stdout.write(`${JSON.stringify(policy, undefined, 2)}\n`);
    return 0;
  },
});
