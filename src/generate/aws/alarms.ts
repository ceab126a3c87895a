import { arn, logical, type Part, type Resource, type Stack, tagsOf } from './template.ts';

const namespace = 'Bothways';

/**
 * What wakes somebody: nobody calls the function, it fails, or receivers do not take what it has. Each run that could not
 * deliver says so in its log with the number of samples; a metric is made of those lines.
 */
export const alarms = (stack: Stack): Part => {
  const { name, aws } = stack;
  const lost = `${name}-undelivered`;
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
  return {
    resources: {
      Undelivered: {
        Type: 'AWS::Logs::MetricFilter',
        Properties: {
          LogGroupName: { Ref: logical.logs },
          FilterPattern: undeliveredPattern,
          MetricTransformations: [
            { MetricName: lost, MetricNamespace: namespace, MetricValue: '$.message.undelivered', DefaultValue: 0 },
          ],
        },
      },
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
      NotDelivered: alarm('not-delivered', 'Receivers have not taken samples in three of five minutes.', {
        Namespace: namespace,
        MetricName: lost,
        ...threeOfFive,
      }),
    },
  };
};

/**
 * Lines of runs that could not deliver. Lambda puts what the function says under `message`.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
 */
const undeliveredPattern = '{ $.message.undelivered > 0 }';
