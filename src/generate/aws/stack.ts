import type { AwsSettings } from '../../config/aws.ts';
import { nameInStack } from '../../config/aws-rules.ts';
import { functionTime } from '../../config/function-time.ts';
import { keyIn } from '../../config/kms-key.ts';
import { checksPerShard, checksText, type Region } from '../regions.ts';
import { overLimit } from './limits.ts';
import { parts } from './parts.ts';
import { probeRole, probeRoleArn } from './roles.ts';
import { logical, type Part, type Resource, type Stack, type Template, tagsOf } from './template.ts';

/** CloudFormation's limit is 500 resources; beside the schedules there are fewer than twenty. */
const mostShards = 450;
/** Lambda's limit for the name of a function, and IAM's for that of a role. */
const longestName = 64;

/** What a stage's name looks like. */
export const stageName = /^[a-z0-9][a-z0-9-]{0,19}$/;

/** What the names of all stacks of a stage begin with; those of a stage with a longer name may do too. */
export const stackStart = (stage: string): string => `bothways-${stage}-`;

/** The stack of a region as it is to be. Throws a RangeError, a sentence, when it cannot be one stack. */
export const stackFor = (region: Region, stage: string, aws: Partial<AwsSettings> = {}): Stack => {
  if (region.shards > mostShards)
    throw new RangeError(
      `${region.vantage} has ${checksText(region)}, and one stack holds the schedules for ${mostShards * checksPerShard}; add a second vantage with \`region: ${region.region}\` and probe a part \`from\` there`,
    );
  const name = `${stackStart(stage)}${nameInStack(region.vantage)}`;
  const longest = `${name}-schedule-${region.region}`;
  if (longest.length > longestName)
    throw new RangeError(
      `the name ${longest} has ${longest.length} letters, and AWS takes ${longestName}; choose a shorter name for the vantage or the stage`,
    );
  const stack = { region, stage, aws, name };
  const over = overLimit(stack, made(stack));
  if (over !== undefined) throw new RangeError(over);
  return stack;
};

/** What a function is told, whoever deploys it. Property names are CloudFormation's. */
export const functionProperties = (stack: Stack): Readonly<Record<string, unknown>> => {
  const { region, aws, name } = stack;
  const all = made(stack);
  return {
    FunctionName: name,
    Description: `Bothways: probes from ${region.vantage}`,
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'probe.handler',
    MemorySize: aws.memory ?? 512,
    Timeout: functionTime.wholeMs / 1_000,
    Role: probeRoleArn(stack),
    Environment: {
      Variables: Object.assign(
        { BOTHWAYS_VANTAGE: region.vantage },
        ...all.map(({ environment }) => environment ?? {}),
      ),
    },
    // Of the platform's lines and ours only what went wrong: logs can cost more than the function.
    LoggingConfig: {
      LogGroup: { Ref: logical.logs },
      LogFormat: 'JSON',
      ApplicationLogLevel: 'WARN',
      SystemLogLevel: 'WARN',
    },
    ...(aws.kms_key === undefined ? {} : { KmsKeyArn: keyIn(aws.kms_key, region.region) }),
    ...(region.vpc === undefined
      ? {}
      : {
          VpcConfig: {
            SubnetIds: region.vpc.subnet_ids,
            SecurityGroupIds: region.vpc.security_group_ids,
            Ipv6AllowedForDualStack: region.vpc.ipv6,
          },
        }),
    Tags: tagsOf(stack),
  };
};

const made = (stack: Stack): readonly Part[] => parts.map((part) => part(stack));

/** What stands around the function: all that a framework that makes the function itself still needs. */
export const aroundFunction = (stack: Stack): Pick<Template, 'Parameters' | 'Resources' | 'Outputs'> => {
  const all = made(stack);
  const statements = all.flatMap((part) => part.statements ?? []);
  return {
    Parameters: Object.assign({}, ...all.map(({ parameters }) => parameters ?? {})),
    Resources: Object.assign({ ...probeRole(stack, statements) }, ...all.map(({ resources }) => resources ?? {})),
    Outputs: {
      Function: { Description: 'Name of the function.', Value: { Ref: logical.function } },
      Shards: { Description: 'Number of schedules.', Value: String(stack.region.shards) },
    },
  };
};

/** Nothing is tried again: a minute that is gone is gone. */
const once: Resource = {
  Type: 'AWS::Lambda::EventInvokeConfig',
  Properties: {
    FunctionName: { Ref: logical.function },
    Qualifier: '$LATEST',
    MaximumRetryAttempts: 0,
    MaximumEventAgeInSeconds: 60,
  },
};

/**
 * The whole stack as a template: function, roles with exact resources, a schedule per shard, log group, alarms. The function's
 * zip is named by parameters; so is each secret that comes by the environment, which is never shown again.
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
 */
export const templateOf = (stack: Stack): Template => {
  const around = aroundFunction(stack);
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description: `Bothways: probes ${checksText(stack.region)} from ${stack.region.vantage}`,
    Parameters: {
      CodeBucket: { Type: 'String', Description: "S3 bucket with the function's zip, in this region." },
      CodeKey: { Type: 'String', Description: 'Key of the zip in that bucket.' },
      ...around.Parameters,
    },
    Resources: {
      ...around.Resources,
      [logical.function]: {
        Type: 'AWS::Lambda::Function',
        Properties: {
          ...functionProperties(stack),
          Code: { S3Bucket: { Ref: 'CodeBucket' }, S3Key: { Ref: 'CodeKey' } },
        },
      },
      [logical.once]: once,
    },
    Outputs: around.Outputs,
  };
};
