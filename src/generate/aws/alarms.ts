import { arn, logical, type Part, type Resource, type Stack, tagsOf } from './template.ts';

const namespace = 'Bothways';

/**
 * What wakes somebody: nobody calls the function, it fails, it does not get to probing, or receivers do not take what it has. Each run
 * that left something out says so in its log with a number; metrics are made of those lines.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
export const alarms = (stack: Stack): Part => {
  const { name, aws } = stack;
  const ofFunction = {
    Namespace: 'AWS/Lambda',
    Dimensions: [{ Name: 'FunctionName', Value: { Ref: logical.function } }],
  };
  const topic = aws.alarm_topic === undefined ? [] : [arn('sns', aws.alarm_topic)];
  const alarm = (what: string, description: string, rest: object): Resource => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `${name}-${what}`,
      AlarmDescription: description,
      Statistic: 'Sum',
      Period: 60,
      ...rest,
      ...(topic.length === 0 ? {} : { AlarmActions: topic, OKActions: topic }),
      Tags: tagsOf(stack),
    },
  });
  const threeOfFive = {
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 0,
    EvaluationPeriods: 5,
    DatapointsToAlarm: 3,
    TreatMissingData: 'notBreaching',
  };
  /** The sum of a number that log lines hold. Lambda puts what the function says under `message`. */
  const filter = (field: string): Resource => ({
    Type: 'AWS::Logs::MetricFilter',
    Properties: {
      LogGroupName: { Ref: logical.logs },
      FilterPattern: `{ $.message.${field} > 0 }`,
      MetricTransformations: [
        {
          MetricName: `${name}-${field}`,
          MetricNamespace: namespace,
          MetricValue: `$.message.${field}`,
          DefaultValue: 0,
        },
      ],
    },
  });
  const ofLines = (field: string) => ({ Namespace: namespace, MetricName: `${name}-${field}`, ...threeOfFive });
  return {
    resources: {
      Undelivered: filter('undelivered'),
      Unprobed: filter('unprobed'),
      NoInvocations: alarm('no-invocations', 'The function has not been invoked for five minutes.', {
        ...ofFunction,
        MetricName: 'Invocations',
        ComparisonOperator: 'LessThanThreshold',
        Threshold: 1,
        EvaluationPeriods: 5,
        TreatMissingData: 'breaching',
      }),
      Errors: alarm('errors', 'The function has failed in three of five minutes.', {
        ...ofFunction,
        MetricName: 'Errors',
        ...threeOfFive,
      }),
      NotProbed: alarm(
        'not-probed',
        'Checks were left out in three of five minutes: invocations come late, or have no time left.',
        ofLines('unprobed'),
      ),
      NotDelivered: alarm(
        'not-delivered',
        'Receivers have not taken samples in three of five minutes.',
        ofLines('undelivered'),
      ),
    },
  };
};
