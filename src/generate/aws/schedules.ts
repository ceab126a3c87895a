import { scheduleRole, scheduleRoleArn } from './roles.ts';
import { logical, type Part, type Stack, tagsOf } from './template.ts';

/**
 * A schedule for each shard. EventBridge Scheduler puts in place of its markers the slot, an id for each execution, and the try.
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
 */
export const schedules = (stack: Stack): Part => {
  const { name, region } = stack;
  const role = scheduleRoleArn(stack);
  const schedule = (shard: number) => ({
    Type: 'AWS::Scheduler::Schedule',
    Properties: {
      Name: `${name}-${shard}`,
      GroupName: { Ref: 'ScheduleGroup' },
      ScheduleExpression: 'rate(1 minute)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Target: {
        Arn: { 'Fn::GetAtt': [logical.function, 'Arn'] },
        RoleArn: role,
        Input: JSON.stringify({
          shard,
          of: region.shards,
          slot: '<aws.scheduler.scheduled-time>',
          id: '<aws.scheduler.execution-id>',
          attempt: '<aws.scheduler.attempt-number>',
        }),
        // A minute that is gone is gone: its samples would come too late.
        RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      },
    },
  });
  const all = Array.from({ length: region.shards }, (_, shard) => [`Schedule${shard}`, schedule(shard)] as const);
  return {
    resources: {
      ScheduleGroup: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: name, Tags: tagsOf(stack) } },
      ...scheduleRole(stack),
      ...Object.fromEntries(all),
    },
  };
};
