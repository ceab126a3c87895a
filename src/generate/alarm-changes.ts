import { alarms } from './aws/alarms.ts';
import { stackFor, stackStart } from './aws/stack.ts';
import type { WideChange } from './list-wide-changes.ts';
import { type Deployed, regionsOf } from './regions.ts';

/** CloudWatch's alarms that come and go, by their names; `STAGE` stands for the stage of whoever deploys. */
export const alarmChanges = (before: Deployed, after: Deployed): readonly WideChange[] => {
  const [old, now] = [alarmNames(before), alarmNames(after)];
  return [
    ...now.filter((name) => !old.includes(name)).map((key): WideChange => ({ what: 'added', key })),
    ...old.filter((name) => !now.includes(name)).map((key): WideChange => ({ what: 'removed', key })),
  ];
};

const shortest = 'x';

const alarmNames = (deployed: Deployed): readonly string[] =>
  regionsOf(deployed).flatMap((region) => {
    try {
      // Whether it can be a stack is asked of the shortest stage; the word that stands for any is longer.
      const stack = stackFor(region, shortest, deployed.list.aws);
      const name = stack.name.replace(stackStart(shortest), stackStart('STAGE'));
      const { resources = {} } = alarms({ ...stack, name });
      return Object.values(resources)
        .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
        .map(({ Properties }) => String(Properties.AlarmName));
    } catch (error) {
      // More than one stack holds was never deployed.
      if (error instanceof RangeError) return [];
      throw error;
    }
  });
