import type { AwsSettings } from '../../config/aws.ts';
import { keyIn } from '../../config/kms-key.ts';
import type { Region } from '../regions.ts';
import { stackStart } from './stack.ts';

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
 * framework, and those that CloudFormation uses in its name. Everything is bound to the names of the stage, in all regions: so
 * it stays within the 6,144 characters of a managed policy however many there are, and a stack that the list no longer has
 * can still be removed. What AWS cannot bind (looking stacks up, checking a template) stands apart.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
export const deployPolicy = ({ regions, stage, aws, account }: PolicyOptions): Policy => {
  const partition = partitionOf(regions[0]?.region ?? '');
  const start = stackStart(stage);
  const of = (service: string, what: string) => `arn:${partition}:${service}:*:${account}:${what}`;
  const roles = [`arn:${partition}:iam::${account}:role${aws.iam_path ?? '/'}${start}*`];
  // CloudFormation names the bucket after the stack, and cuts long names.
  const bucket = `arn:${partition}:s3:::${start.slice(0, 20)}*`;
  const given = [aws.role_arn, aws.schedule_role_arn].filter((one) => one !== undefined);
  const rows = [
    allow('Stacks', prefixed('cloudformation', stackActions), [of('cloudformation', `stack/${start}*`)]),
    allow('Look', ['cloudformation:DescribeStacks', 'cloudformation:ValidateTemplate', 'sts:GetCallerIdentity'], ['*']),
    allow('Bucket', prefixed('s3', bucketActions), [bucket]),
    allow('Objects', prefixed('s3', objectActions), [`${bucket}/*`]),
    allow('Functions', prefixed('lambda', functionActions), [of('lambda', `function:${start}*`)]),
    // Most calls name a group with `:*` behind it, and those about tags without; the wildcard stands for both.
    allow('Logs', prefixed('logs', logActions), [of('logs', `log-group:/aws/lambda/${start}*`)]),
    // Looking groups up is bound to the account alone.
    allow('LogsLook', ['logs:DescribeLogGroups'], [of('logs', 'log-group:*')]),
    allow('Schedules', prefixed('scheduler', scheduleActions), [
      of('scheduler', `schedule/${start}*`),
      of('scheduler', `schedule-group/${start}*`),
    ]),
    allow('Alarms', prefixed('cloudwatch', alarmActions), [of('cloudwatch', `alarm:${start}*`)]),
    // The framework looks for images of containers when it removes a stack; there are none.
    allow('Images', ['ecr:DescribeRepositories'], [of('ecr', `repository/${repositoryOf(stage)}`)]),
    allow('Roles', prefixed('iam', roleActions), roles, boundary(aws.permissions_boundary)),
    allow('RolesRest', prefixed('iam', otherRoleActions), roles),
    allow('PassRole', ['iam:PassRole'], [...roles, ...given], {
      StringEquals: { 'iam:PassedToService': ['lambda.amazonaws.com', 'scheduler.amazonaws.com'] },
    }),
    ...(aws.kms_key === undefined
      ? []
      : [
          allow('Key', prefixed('kms', ['Encrypt', 'Decrypt', 'DescribeKey', 'CreateGrant']), [
            keyIn(aws.kms_key, '*'),
          ]),
        ]),
    ...(aws.list === undefined ? [] : listRights(aws.list, stage, partition)),
    // S3 encrypts and decrypts in the name of whoever writes and reads.
    ...(aws.list?.kms_key === undefined
      ? []
      : [allow('ListKey', prefixed('kms', ['Decrypt', 'GenerateDataKey']), [aws.list.kms_key])]),
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
  Resource,
  ...(Condition === undefined ? {} : { Condition }),
});

const prefixed = (service: string, actions: readonly string[]) => actions.map((action) => `${service}:${action}`);

/** The framework's name for a repository of its service: without two hyphens in a row, and none at the end. */
const repositoryOf = (stage: string): string => `serverless-bothways-${stage}`.replaceAll(/-+/g, '-').replace(/-$/, '');

/** Roles may be given rights under the boundary that the list names, and no other. */
const boundary = (arn: string | undefined) =>
  arn === undefined ? undefined : { StringEquals: { 'iam:PermissionsBoundary': arn } };

/** `targets` reads before it writes on condition; without the right to list, what is not there looks forbidden. */
const listRights = ({ bucket, prefix }: NonNullable<AwsSettings['list']>, stage: string, partition: string) => [
  allow('List', ['s3:GetObject', 's3:PutObject'], [`arn:${partition}:s3:::${bucket}/${prefix}${stage}/*`]),
  allow('ListLook', ['s3:ListBucket'], [`arn:${partition}:s3:::${bucket}`], {
    StringLike: { 's3:prefix': `${prefix}${stage}/*` },
  }),
];

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
  'TagResource',
  'UntagResource',
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
  'DisassociateKmsKey',
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
/**
 * What gives rights. Of these AWS says which boundary the role has or is to have; of others, such as `iam:TagRole`, it does not, so
 * that a condition would never hold.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
 */
const roleActions = ['CreateRole', 'PutRolePermissionsBoundary', 'PutRolePolicy'];
/** What looks, or takes away: also from a role that was made before the list had its boundary. */
const otherRoleActions = [
  'DeleteRole',
  'DeleteRolePolicy',
  'GetRole',
  'GetRolePolicy',
  'ListAttachedRolePolicies',
  'ListRolePolicies',
  'TagRole',
  'UntagRole',
  'UpdateAssumeRolePolicy',
];
