import type { Region } from './regions.ts';

/** A CloudFormation template as plain data. */
export type Template = {
  readonly AWSTemplateFormatVersion: '2010-09-09';
  readonly Description: string;
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Description: string; readonly Value: unknown }>>;
};

type Parameter = { readonly Type: 'String'; readonly Description: string; readonly NoEcho?: true };
type Resource = {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string;
  readonly DeletionPolicy?: 'Delete';
};

/** How a stack is to be. */
export type StackOptions = {
  /** Part of all names, so that several may stand side by side. */
  readonly stage: string;
  readonly retentionDays: number;
  readonly memoryMegabytes: number;
};

/** What a stack is unless somebody says otherwise. */
export const stackDefaults: StackOptions = { stage: 'dev', retentionDays: 14, memoryMegabytes: 512 };

/** Below the minute of a slot, so that an invocation ends before the next one of its shard begins. */
const timeoutSeconds = 50;
/** CloudFormation's limit is 500 resources; beside the schedules there are fewer than twenty. */
const mostShards = 450;

/**
 * The whole stack of one region: function, roles with exact resources, a schedule per shard, log group, alarms. The function's zip
 * is named by parameters; so is each secret that comes by the environment, which is never shown again. Throws when the list has
 * more checks than one stack can hold schedules for.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
 */
export const stackOf = (region: Region, options: StackOptions = stackDefaults): Template => {
  if (region.shards > mostShards)
    throw new RangeError(`${region.vantage} has ${region.checks} checks, more than one stack holds schedules for`);
  const name = `bothways-${options.stage}-${region.vantage}`;
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `Bothways: probes ${region.checks} checks from ${region.vantage}`,
    Parameters: {
      CodeBucket: { Type: 'String', Description: "S3 bucket with the function's zip, in this region." },
      CodeKey: { Type: 'String', Description: 'Key of the zip in that bucket.' },
      ...secretParameters(region.environment),
    },
    Resources: {
      LogGroup: {
        Type: 'AWS::Logs::LogGroup',
        DeletionPolicy: 'Delete',
        Properties: { LogGroupName: `/aws/lambda/${name}`, RetentionInDays: options.retentionDays },
      },
      ProbeRole: probeRole(name),
      Probe: probeFunction(name, region, options),
      ProbeOnce: {
        Type: 'AWS::Lambda::EventInvokeConfig',
        Properties: {
          FunctionName: { Ref: 'Probe' },
          Qualifier: '$LATEST',
          MaximumRetryAttempts: 0,
          MaximumEventAgeInSeconds: 60,
        },
      },
      ScheduleGroup: { Type: 'AWS::Scheduler::ScheduleGroup', Properties: { Name: name } },
      ScheduleRole: scheduleRole(name),
      ...schedules(name, region.shards),
      Undelivered: undelivered(name),
      ...alarms(name),
    },
    Outputs: {
      Function: { Description: 'Name of the function.', Value: { Ref: 'Probe' } },
      Shards: { Description: 'Number of schedules.', Value: String(region.shards) },
    },
  };
};

/** CloudFormation's names are letters and digits: `PUSH_TOKEN` is `EnvPushToken`. */
const parameterOf = (variable: string): string =>
  `Env${variable
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('')}`;

const secretParameters = (variables: readonly string[]): Record<string, Parameter> => {
  const names = new Set(variables.map(parameterOf));
  if (names.size < variables.length)
    throw new RangeError(`two variables of the list have one parameter: ${variables.join(', ')}; rename one`);
  return Object.fromEntries(
    variables.map((variable) => [
      parameterOf(variable),
      { Type: 'String', NoEcho: true, Description: `Value of the variable ${variable} that the list refers to.` },
    ]),
  );
};

const assumedBy = (service: string, condition: object = {}) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole', ...condition }],
});

const policy = (name: string, action: string | readonly string[], resource: unknown) => ({
  PolicyName: name,
  PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: action, Resource: resource }] },
});

const probeRole = (name: string): Resource => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: { 'Fn::Sub': `${name}-probe-\${AWS::Region}` },
    AssumeRolePolicyDocument: assumedBy('lambda.amazonaws.com'),
    Policies: [
      policy('logs', ['logs:CreateLogStream', 'logs:PutLogEvents'], {
        'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${name}:log-stream:*`,
      }),
    ],
  },
});

const probeFunction = (name: string, region: Region, { memoryMegabytes }: StackOptions): Resource => ({
  Type: 'AWS::Lambda::Function',
  DependsOn: 'LogGroup',
  Properties: {
    FunctionName: name,
    Description: `Bothways: probes from ${region.vantage}`,
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'probe.handler',
    MemorySize: memoryMegabytes,
    Timeout: timeoutSeconds,
    Role: { 'Fn::GetAtt': ['ProbeRole', 'Arn'] },
    Code: { S3Bucket: { Ref: 'CodeBucket' }, S3Key: { Ref: 'CodeKey' } },
    Environment: {
      Variables: {
        BOTHWAYS_VANTAGE: region.vantage,
        ...Object.fromEntries(region.environment.map((variable) => [variable, { Ref: parameterOf(variable) }])),
      },
    },
    // One line of ours per run at most, and of the platform's only what went wrong: logs can cost more than the function.
    LoggingConfig: {
      LogGroup: { Ref: 'LogGroup' },
      LogFormat: 'JSON',
      ApplicationLogLevel: 'WARN',
      SystemLogLevel: 'WARN',
    },
  },
});

const scheduleRole = (name: string): Resource => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    RoleName: { 'Fn::Sub': `${name}-schedule-\${AWS::Region}` },
    // Nobody else's schedules may use it (the confused deputy problem).
    AssumeRolePolicyDocument: assumedBy('scheduler.amazonaws.com', {
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    }),
    Policies: [policy('invoke', 'lambda:InvokeFunction', { 'Fn::GetAtt': ['Probe', 'Arn'] })],
  },
});

/** What EventBridge Scheduler puts in place of its markers: the slot, an id for each execution, and the try. */
const schedules = (name: string, shards: number): Record<string, Resource> =>
  Object.fromEntries(
    Array.from({ length: shards }, (_, shard) => [
      `Schedule${shard}`,
      {
        Type: 'AWS::Scheduler::Schedule',
        Properties: {
          Name: `${name}-${shard}`,
          GroupName: { Ref: 'ScheduleGroup' },
          ScheduleExpression: 'rate(1 minute)',
          FlexibleTimeWindow: { Mode: 'OFF' },
          Target: {
            Arn: { 'Fn::GetAtt': ['Probe', 'Arn'] },
            RoleArn: { 'Fn::GetAtt': ['ScheduleRole', 'Arn'] },
            Input: JSON.stringify({
              shard,
              of: shards,
              slot: '<aws.scheduler.scheduled-time>',
              id: '<aws.scheduler.execution-id>',
              attempt: '<aws.scheduler.attempt-number>',
            }),
            // A minute that is gone is gone: its samples would come too late.
            RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
          },
        },
      },
    ]),
  );

const namespace = 'Bothways';

/** What a receiver did not take is said in the log; a metric is made of it, so that an alarm can be. */
const undelivered = (name: string): Resource => ({
  Type: 'AWS::Logs::MetricFilter',
  Properties: {
    LogGroupName: { Ref: 'LogGroup' },
    FilterPattern: '{ $.msg = "*samples not delivered*" }',
    MetricTransformations: [
      { MetricName: `${name}-undelivered`, MetricNamespace: namespace, MetricValue: '1', DefaultValue: 0 },
    ],
  },
});

const alarms = (name: string): Record<string, Resource> => {
  const ofFunction = { Namespace: 'AWS/Lambda', Dimensions: [{ Name: 'FunctionName', Value: { Ref: 'Probe' } }] };
  const alarm = (what: string, description: string, rest: object): Resource => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: { AlarmName: `${name}-${what}`, AlarmDescription: description, Statistic: 'Sum', Period: 60, ...rest },
  });
  return {
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
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 3,
      TreatMissingData: 'notBreaching',
    }),
    NotDelivered: alarm('not-delivered', 'Receivers have not taken samples in three of five minutes.', {
      Namespace: namespace,
      MetricName: `${name}-undelivered`,
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: 0,
      EvaluationPeriods: 5,
      DatapointsToAlarm: 3,
      TreatMissingData: 'notBreaching',
    }),
  };
};
