import { clustersOf } from '../../config/aws.ts';
import { keyIn } from '../../config/kms-key.ts';
import { parameterOf } from '../../config/variables.ts';
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
        ...(stack.aws.kms_key === undefined ? {} : { KmsKeyId: keyIn(stack.aws.kms_key, stack.region.region) }),
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
    // A parameter may be in another region than the function, and then a replica of the key is there.
    ...(kms_key === undefined ? [] : [{ Sid: 'Key', Action: ['kms:Decrypt'], Resource: keyIn(kms_key, '*') }]),
  ];
  return { statements };
};

/** Where the function looks for a newer list. */
const list = ({ aws, stage, region }: Stack): Part => {
  if (aws.list === undefined) return {};
  const { bucket, kms_key: key, prefix } = aws.list;
  const clusters = clustersOf(aws);
  const objects = [
    listKey(prefix, stage, region.vantage),
    ...clusters.map(({ name }) => clusterKey(prefix, stage, name, region.vantage)),
  ];
  const arns = objects.map((object) => sub(`arn:\${AWS::Partition}:s3:::${bucket}/${object}`));
  return {
    environment: {
      // Several are written one behind the other; no name of a bucket and no key of ours has a blank.
      BOTHWAYS_LIST_S3: objects.map((object) => `s3://${bucket}/${object}`).join(' '),
      BOTHWAYS_LIST_REGION: aws.list.region,
      // How many targets of each are taken.
      ...(clusters.length === 0
        ? {}
        : { BOTHWAYS_LIST_CLUSTERS: clusters.map(({ name, mostTargets }) => `${name}=${mostTargets}`).join(' ') }),
    },
    statements: [
      { Sid: 'List', Action: ['s3:GetObject'], Resource: arns.length === 1 ? arns[0] : arns },
      // Without it S3 answers 403 for what nobody has pushed yet, as if it were forbidden.
      {
        Sid: 'ListLook',
        Action: ['s3:ListBucket'],
        Resource: sub(`arn:\${AWS::Partition}:s3:::${bucket}`),
        Condition: { StringEquals: { 's3:prefix': objects } },
      },
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
 * In a network of the user's, a function has an interface there. Looking interfaces up cannot be bound to resources, and before a
 * function is made Lambda asks whether its role may end one without naming any; so that is bound to none. It is Lambda that calls:
 * the code of the function itself may do nothing of it.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
 */
const network = ({ name, region: { vpc } }: Stack): Part => {
  if (vpc === undefined) return {};
  const within = [
    ...vpc.subnet_ids.map((id) => arn('ec2', `subnet/${id}`)),
    ...vpc.security_group_ids.map((id) => arn('ec2', `security-group/${id}`)),
    arn('ec2', 'network-interface/*'),
  ];
  return {
    statements: [
      { Sid: 'Interface', Action: ['ec2:CreateNetworkInterface'], Resource: within },
      { Sid: 'InterfaceRest', Action: interfaceRest, Resource: '*' },
      {
        Sid: 'NotByCode',
        Effect: 'Deny',
        Action: ['ec2:CreateNetworkInterface', ...interfaceRest],
        Resource: '*',
        Condition: { ArnEquals: { 'lambda:SourceFunctionArn': arn('lambda', `function:${name}`) } },
      },
    ],
  };
};

const interfaceRest = [
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

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
