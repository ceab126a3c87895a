import { awsReference } from '../../net/aws/parameters.ts';
import { variablesOf } from '../regions.ts';
import { alarms } from './alarms.ts';
import { schedules } from './schedules.ts';
import { arn, logical, type Parameter, type Part, type Stack, type Statement, sub, tagsOf } from './template.ts';

/** Where the logs go: a group of the function's own, which forgets. */
const logs = (stack: Stack): Part => ({
  resources: {
    [logical.logs]: {
      Type: 'AWS::Logs::LogGroup',
      DeletionPolicy: 'Delete',
      Properties: {
        LogGroupName: `/aws/lambda/${stack.name}`,
        RetentionInDays: stack.aws.log_retention_days ?? 14,
        ...(stack.aws.kms_key === undefined ? {} : { KmsKeyId: stack.aws.kms_key }),
        Tags: tagsOf(stack),
      },
    },
  },
  statements: [
    {
      Sid: 'Logs',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: arn('logs', `log-group:/aws/lambda/${stack.name}:log-stream:*`),
    },
  ],
});

/** CloudFormation's names are letters and digits: `PUSH_TOKEN` is `EnvPushToken`. */
export const parameterOf = (variable: string): string =>
  `Env${variable
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .map((part) => part.slice(0, 1).toUpperCase() + part.slice(1))
    .join('')}`;

/** Secrets that come by the environment are parameters that are never shown again. */
const variables = ({ region }: Stack): Part => {
  const names = variablesOf(region);
  if (new Set(names.map(parameterOf)).size < names.length)
    throw new RangeError(`two variables of the list have one parameter: ${names.join(', ')}; rename one`);
  const parameter = (variable: string): Parameter => ({
    Type: 'String',
    NoEcho: true,
    Description: `Value of the variable ${variable} that the list refers to.`,
  });
  return {
    parameters: Object.fromEntries(names.map((name) => [parameterOf(name), parameter(name)])),
    environment: Object.fromEntries(names.map((name) => [name, { Ref: parameterOf(name) }])),
  };
};

/** Secrets that AWS keeps are read by the function itself, each by its name. */
const parameters = ({ region, aws: { kms_key } }: Stack): Part => {
  const references = region.secrets.flatMap((secret) => awsReference(secret) ?? []);
  const of = (service: string) => references.filter((one) => one.service === service);
  const unique = (all: readonly unknown[]) => [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
  const named = unique(of('ssm').map(({ id, region: at }) => arn('ssm', `parameter/${id.replace(/^\//, '')}`, at)));
  // The Secrets Manager adds a hyphen and six letters to a name.
  const kept = unique(
    of('secretsmanager').map(({ id, region: at }) =>
      id.startsWith('arn:') ? id : arn('secretsmanager', `secret:${id}-??????`, at),
    ),
  );
  const statements: Statement[] = [
    ...(named.length === 0 ? [] : [{ Sid: 'Parameters', Action: ['ssm:GetParameter'], Resource: named }]),
    ...(kept.length === 0 ? [] : [{ Sid: 'Secrets', Action: ['secretsmanager:GetSecretValue'], Resource: kept }]),
    ...(kms_key === undefined ? [] : [{ Sid: 'Key', Action: ['kms:Decrypt'], Resource: kms_key }]),
  ];
  return { statements };
};

/** Where the function looks for a newer list. */
const list = ({ aws, stage, region }: Stack): Part => {
  if (aws.list === undefined) return {};
  const { bucket, kms_key: key, clusters = [], prefix } = aws.list;
  const objects = [
    listKey(prefix, stage, region.vantage),
    ...clusters.map((cluster) => clusterKey(prefix, stage, cluster, region.vantage)),
  ];
  const arns = objects.map((object) => sub(`arn:\${AWS::Partition}:s3:::${bucket}/${object}`));
  return {
    environment: {
      // Several are written one behind the other; no name of a bucket and no key of ours has a blank.
      BOTHWAYS_LIST_S3: objects.map((object) => `s3://${bucket}/${object}`).join(' '),
      BOTHWAYS_LIST_REGION: aws.list.region,
    },
    statements: [
      { Sid: 'List', Action: ['s3:GetObject'], Resource: arns.length === 1 ? arns[0] : arns },
      ...(key === undefined || key === aws.kms_key ? [] : [{ Sid: 'ListKey', Action: ['kms:Decrypt'], Resource: key }]),
    ],
  };
};

/** The key of a vantage's list in the bucket; that of the list as it was written, without a vantage. */
export const listKey = (prefix: string, stage: string, vantage?: string): string =>
  `${prefix}${stage}/${vantage === undefined ? 'list' : `lists/${vantage}`}.json`;

/** The key of what a cluster publishes for a vantage. */
export const clusterKey = (prefix: string, stage: string, cluster: string, vantage: string): string =>
  `${prefix}${stage}/clusters/${cluster}/${vantage}.json`;

/**
 * In a network of the user's, a function has an interface there. Looking interfaces up cannot be bound to resources.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
const network = ({ region: { vpc } }: Stack): Part => {
  if (vpc === undefined) return {};
  const within = [
    ...vpc.subnet_ids.map((id) => arn('ec2', `subnet/${id}`)),
    ...vpc.security_group_ids.map((id) => arn('ec2', `security-group/${id}`)),
    arn('ec2', 'network-interface/*'),
  ];
  return {
    statements: [
      { Sid: 'Interface', Action: ['ec2:CreateNetworkInterface'], Resource: within },
      {
        Sid: 'InterfaceEnd',
        Action: ['ec2:DeleteNetworkInterface', 'ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses'],
        Resource: arn('ec2', 'network-interface/*'),
      },
      { Sid: 'InterfaceLook', Action: ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], Resource: '*' },
    ],
  };
};

/** THE table of what a stack is made of, beside its function and that function's role. */
export const parts: readonly ((stack: Stack) => Part)[] = [
  logs,
  variables,
  parameters,
  list,
  network,
  schedules,
  alarms,
];
