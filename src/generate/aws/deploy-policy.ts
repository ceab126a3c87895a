import type { AwsSettings } from '../../config/aws.ts';
import type { Region } from '../regions.ts';
import { stackFor } from './stack.ts';

/** A policy as IAM takes it. */
export type Policy = {
  readonly Version: '2012-10-17';
  readonly Statement: readonly {
    readonly Sid: string;
    readonly Effect: 'Allow';
    readonly Action: readonly string[];
    readonly Resource: readonly string[];
    readonly Condition?: object;
  }[];
};

/** What a list's deployment needs to know to name its resources. `account` is 12 digits. */
export type PolicyOptions = {
  readonly regions: readonly Region[];
  readonly stage: string;
  readonly aws: Partial<AwsSettings>;
  readonly account: string;
};

/**
 * The rights that deploying, updating and removing a stage needs, for the identity that does it: those of the serverless
 * framework, and those that CloudFormation uses in its name. Everything is bound to our names; what AWS cannot bind (looking
 * stacks up, checking a template) stands apart.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export const deployPolicy = ({ regions, stage, aws, account }: PolicyOptions): Policy => {
  const stacks = regions.map((region) => stackFor(region, stage, aws));
  const partition = partitionOf(regions[0]?.region ?? '');
  const of = (service: string, what: (name: string, region: string) => string) =>
    stacks.map(
      ({ name, region: { region } }) => `arn:${partition}:${service}:${region}:${account}:${what(name, region)}`,
    );
  const path = aws.iam_path ?? '/';
  const roles = stacks.flatMap(({ name, region: { region } }) =>
    ['probe', 'schedule'].map((what) => `arn:${partition}:iam::${account}:role${path}${name}-${what}-${region}`),
  );
  // CloudFormation names the bucket after the stack, and cuts long names.
  const bucket = stacks.map(({ name }) => `arn:${partition}:s3:::${name.toLowerCase().slice(0, 20)}*`);
  const given = [aws.role_arn, aws.schedule_role_arn].filter((one) => one !== undefined);
  const rows = [
    allow(
      'Stacks',
      prefixed('cloudformation', stackActions),
      of('cloudformation', (name) => `stack/${name}/*`),
    ),
    allow('Look', ['cloudformation:DescribeStacks', 'cloudformation:ValidateTemplate', 'sts:GetCallerIdentity'], ['*']),
    allow('Bucket', prefixed('s3', bucketActions), bucket),
    allow(
      'Objects',
      prefixed('s3', objectActions),
      bucket.map((one) => `${one}/*`),
    ),
    allow(
      'Functions',
      prefixed('lambda', functionActions),
      of('lambda', (name) => `function:${name}`),
    ),
    allow(
      'Logs',
      prefixed('logs', logActions),
      of('logs', (name) => `log-group:/aws/lambda/${name}:*`),
    ),
    // Looking groups up is bound to the region alone.
    allow(
      'LogsLook',
      ['logs:DescribeLogGroups'],
      of('logs', () => 'log-group:*'),
    ),
    allow('Schedules', prefixed('scheduler', scheduleActions), [
      ...of('scheduler', (name) => `schedule/${name}/*`),
      ...of('scheduler', (name) => `schedule-group/${name}`),
    ]),
    allow(
      'Alarms',
      prefixed('cloudwatch', alarmActions),
      of('cloudwatch', (name) => `alarm:${name}-*`),
    ),
    // The framework looks for images of containers when it removes a stack; there are none.
    allow(
      'Images',
      ['ecr:DescribeRepositories'],
      of('ecr', (name) => `repository/serverless-bothways-${name.split('-')[1]}`),
    ),
    allow('Roles', prefixed('iam', roleActions), roles, boundary(aws.permissions_boundary)),
    allow(
      'RolesLook',
      ['iam:GetRole', 'iam:GetRolePolicy', 'iam:ListRolePolicies', 'iam:ListAttachedRolePolicies'],
      roles,
    ),
    allow('PassRole', ['iam:PassRole'], [...roles, ...given], {
      StringEquals: { 'iam:PassedToService': ['lambda.amazonaws.com', 'scheduler.amazonaws.com'] },
    }),
    ...(aws.kms_key === undefined
      ? []
      : [allow('Key', prefixed('kms', ['Encrypt', 'Decrypt', 'DescribeKey', 'CreateGrant']), [aws.kms_key])]),
    ...(aws.list === undefined ? [] : [listRights(aws.list, stage, partition)]),
    ...(regions.some(({ vpc }) => vpc !== undefined)
      ? [allow('Network', ['ec2:DescribeSubnets', 'ec2:DescribeSecurityGroups', 'ec2:DescribeVpcs'], ['*'])]
      : []),
  ];
  return { Version: '2012-10-17', Statement: rows };
};

const allow = (Sid: string, Action: readonly string[], Resource: readonly string[], Condition?: object) => ({
  Sid,
  Effect: 'Allow' as const,
  Action,
  Resource: [...new Set(Resource)],
  ...(Condition === undefined ? {} : { Condition }),
});

const prefixed = (service: string, actions: readonly string[]) => actions.map((action) => `${service}:${action}`);

/** Roles may be made with the boundary that the list names, and no other. */
const boundary = (arn: string | undefined) =>
  arn === undefined ? undefined : { StringEquals: { 'iam:PermissionsBoundary': arn } };

const listRights = ({ bucket, prefix }: NonNullable<AwsSettings['list']>, stage: string, partition: string) =>
  allow('List', ['s3:GetObject', 's3:PutObject'], [`arn:${partition}:s3:::${bucket}/${prefix}${stage}/*`]);

const partitionOf = (region: string): string =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';

const stackActions = [
  'CreateChangeSet',
  'CreateStack',
  'DeleteChangeSet',
  'DeleteStack',
  'DescribeChangeSet',
  'DescribeStackEvents',
  'DescribeStackResource',
  'DescribeStackResources',
  'ExecuteChangeSet',
  'GetTemplate',
  'ListStackResources',
  'UpdateStack',
];
const bucketActions = [
  'CreateBucket',
  'DeleteBucket',
  'DeleteBucketPolicy',
  'GetBucketLocation',
  'GetBucketPolicy',
  'GetEncryptionConfiguration',
  'ListBucket',
  'ListBucketVersions',
  'PutBucketPolicy',
  'PutBucketPublicAccessBlock',
  'PutBucketTagging',
  'PutEncryptionConfiguration',
];
const objectActions = ['DeleteObject', 'DeleteObjectVersion', 'GetObject', 'PutObject'];
const functionActions = [
  'AddPermission',
  'CreateFunction',
  'DeleteFunction',
  'DeleteFunctionEventInvokeConfig',
  'GetFunction',
  'GetFunctionConfiguration',
  'GetFunctionEventInvokeConfig',
  'InvokeFunction',
  'ListTags',
  'ListVersionsByFunction',
  'PutFunctionEventInvokeConfig',
  'RemovePermission',
  'TagResource',
  'UntagResource',
  'UpdateFunctionCode',
  'UpdateFunctionConfiguration',
  'UpdateFunctionEventInvokeConfig',
];
const logActions = [
  'AssociateKmsKey',
  'CreateLogGroup',
  'DeleteLogGroup',
  'DeleteMetricFilter',
  'DeleteRetentionPolicy',
  'DescribeMetricFilters',
  'ListTagsForResource',
  'PutMetricFilter',
  'PutRetentionPolicy',
  'TagResource',
  'UntagResource',
];
const scheduleActions = [
  'CreateSchedule',
  'CreateScheduleGroup',
  'DeleteSchedule',
  'DeleteScheduleGroup',
  'GetSchedule',
  'GetScheduleGroup',
  'ListTagsForResource',
  'TagResource',
  'UntagResource',
  'UpdateSchedule',
];
const alarmActions = [
  'DeleteAlarms',
  'DescribeAlarms',
  'ListTagsForResource',
  'PutMetricAlarm',
  'TagResource',
  'UntagResource',
];
const roleActions = [
  'CreateRole',
  'DeleteRole',
  'DeleteRolePolicy',
  'PutRolePermissionsBoundary',
  'PutRolePolicy',
  'TagRole',
  'UntagRole',
  'UpdateAssumeRolePolicy',
];
