import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployPolicy } from '../../src/generate/aws/deploy-policy.ts';
import { stackFor, templateOf } from '../../src/generate/aws/stack.ts';
import type { Region } from '../../src/generate/regions.ts';
import { cli } from '../cli/console.ts';
import { listFile } from '../cli/world.ts';

const regions: readonly Region[] = ['eu-west-1', 'us-east-1'].map((region) => ({
  vantage: region,
  region,
  checks: 250,
  shards: 3,
  secrets: ['ssm:/push'],
}));
const account = '123456789012';
const plain = deployPolicy({ regions, stage: 'prod', aws: {}, account });
const actionsOf = (policy: typeof plain) => policy.Statement.flatMap(({ Action }) => Action);

test('deploy policy: nothing is allowed by a wildcard, and all that can be is bound to our names', () => {
  for (const action of actionsOf(plain)) assert.doesNotMatch(action, /\*/);
  for (const { Sid, Resource } of plain.Statement)
    for (const one of Resource)
      if (one === '*') assert.equal(Sid, 'Look');
      else if (Sid !== 'LogsLook') assert.match(one, /bothways-prod/);
});

/** Whether a policy has a statement for an action on a resource, whatever its condition. */
const allows = (policy: typeof plain, action: string, resource: string): boolean =>
  policy.Statement.some(
    ({ Action, Resource }) =>
      Action.includes(action) &&
      Resource.some((one) =>
        new RegExp(`^${one.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(resource),
      ),
  );

test('deploy policy: with every option, the longest stage and fifteen regions it fits into a managed policy', () => {
  const stage = 'a-stage-of-20-letter';
  const arn = (service: string, what: string, region = '') => `arn:aws:${service}:${region}:${account}:${what}`;
  const key = 'key/mrk-0123456789abcdef0123456789abcdef';
  const vpc = { subnet_ids: ['subnet-0123456789abcdef0'], security_group_ids: ['sg-0123456789abcdef0'], ipv6: true };
  const policy = (count: number) =>
    deployPolicy({
      regions: Array.from({ length: count }, (_, index) => {
        const region = `ap-southeast-${index + 1}`;
        return { vantage: region, region, checks: 250, shards: 3, secrets: ['ssm:/push'], vpc };
      }),
      stage,
      aws: {
        permissions_boundary: arn('iam', 'policy/teams/reliability/boundary-of-probes'),
        iam_path: '/teams/reliability/probes/',
        role_arn: arn('iam', 'role/teams/reliability/probes/the-role-of-functions'),
        schedule_role_arn: arn('iam', 'role/teams/reliability/probes/the-role-of-schedules'),
        kms_key: arn('kms', key, 'eu-west-1'),
        tags: { team: 'reliability' },
        alarm_topic: 'oncall',
        vpc,
        list: {
          bucket: 'a-bucket-of-63-letters'.padEnd(63, 'x'),
          region: 'eu-west-1',
          prefix: 'teams/reliability/bothways/',
          kms_key: arn('kms', key.replace('0', '1'), 'eu-west-1'),
          clusters: Array.from({ length: 20 }, (_, index) => `cluster-${index}`),
        },
      },
      account,
    });
  assert.ok(JSON.stringify(policy(15)).length <= 6_144, String(JSON.stringify(policy(15)).length));
  assert.deepEqual(policy(15), policy(1));
});

test('deploy policy: a stack that the list no longer has can be removed, and one of another stage or account cannot', () => {
  const at = (stage: string, owner = account) => ({
    'cloudformation:DeleteStack': `arn:aws:cloudformation:sa-east-1:${owner}:stack/bothways-${stage}-gone/1`,
    'lambda:DeleteFunction': `arn:aws:lambda:sa-east-1:${owner}:function:bothways-${stage}-gone`,
    'logs:DeleteLogGroup': `arn:aws:logs:sa-east-1:${owner}:log-group:/aws/lambda/bothways-${stage}-gone:*`,
    'scheduler:DeleteSchedule': `arn:aws:scheduler:sa-east-1:${owner}:schedule/bothways-${stage}-gone/bothways-${stage}-gone-0`,
    'scheduler:DeleteScheduleGroup': `arn:aws:scheduler:sa-east-1:${owner}:schedule-group/bothways-${stage}-gone`,
    'cloudwatch:DeleteAlarms': `arn:aws:cloudwatch:sa-east-1:${owner}:alarm:bothways-${stage}-gone-errors`,
    'iam:DeleteRole': `arn:aws:iam::${owner}:role/bothways-${stage}-gone-probe-sa-east-1`,
  });
  for (const [action, resource] of Object.entries(at('prod'))) assert.ok(allows(plain, action, resource), action);
  for (const other of [at('dev'), at('production'), at('prod', '999999999999')])
    for (const [action, resource] of Object.entries(other)) assert.ok(!allows(plain, action, resource), resource);
});

test('deploy policy: the tags of a log group are named without the colon and star, and all else of it with them', () => {
  const group = `arn:aws:logs:eu-west-1:${account}:log-group:/aws/lambda/bothways-prod-eu-west-1`;
  for (const action of ['TagResource', 'UntagResource', 'ListTagsForResource'])
    assert.ok(allows(plain, `logs:${action}`, group), action);
  for (const action of ['CreateLogGroup', 'PutRetentionPolicy', 'PutMetricFilter', 'AssociateKmsKey', 'TagResource'])
    assert.ok(allows(plain, `logs:${action}`, `${group}:*`), action);
});

test("deploy policy: the repository that the framework looks for is named as the framework names it, by the stage's name", () => {
  const of = (stage: string) =>
    deployPolicy({ regions, stage, aws: {}, account }).Statement.find(({ Sid }) => Sid === 'Images')?.Resource;
  assert.deepEqual(of('prod'), [`arn:aws:ecr:*:${account}:repository/serverless-bothways-prod`]);
  assert.deepEqual(of('eu-prod'), [`arn:aws:ecr:*:${account}:repository/serverless-bothways-eu-prod`]);
  assert.deepEqual(of('eu--prod-'), [`arn:aws:ecr:*:${account}:repository/serverless-bothways-eu-prod`]);
});

test('deploy policy: who pushes lists to a bucket with a key of its own may use that key, and nobody else may', () => {
  const key = `arn:aws:kms:eu-west-1:${account}:key/k`;
  const list = { bucket: 'lists', region: 'eu-west-1', prefix: 'b/', clusters: [] };
  const used = ['kms:Decrypt', 'kms:GenerateDataKey'];
  const policy = deployPolicy({ regions, stage: 'prod', aws: { list: { ...list, kms_key: key } }, account });
  for (const action of used) assert.ok(allows(policy, action, key), action);
  const without = deployPolicy({ regions, stage: 'prod', aws: { list }, account });
  for (const action of used) assert.ok(!actionsOf(without).includes(action), action);
});

/** What CloudFormation calls to make, change and take away a resource of a type. */
const needed: Readonly<Record<string, readonly string[]>> = {
  'AWS::Lambda::Function': [
    'lambda:CreateFunction',
    'lambda:UpdateFunctionCode',
    'lambda:DeleteFunction',
    'iam:PassRole',
  ],
  'AWS::Lambda::EventInvokeConfig': ['lambda:PutFunctionEventInvokeConfig', 'lambda:DeleteFunctionEventInvokeConfig'],
  'AWS::Logs::LogGroup': ['logs:CreateLogGroup', 'logs:PutRetentionPolicy', 'logs:DeleteLogGroup'],
  'AWS::Logs::MetricFilter': ['logs:PutMetricFilter', 'logs:DeleteMetricFilter'],
  'AWS::IAM::Role': ['iam:CreateRole', 'iam:PutRolePolicy', 'iam:DeleteRole'],
  'AWS::Scheduler::ScheduleGroup': ['scheduler:CreateScheduleGroup', 'scheduler:DeleteScheduleGroup'],
  'AWS::Scheduler::Schedule': ['scheduler:CreateSchedule', 'scheduler:UpdateSchedule', 'scheduler:DeleteSchedule'],
  'AWS::CloudWatch::Alarm': ['cloudwatch:PutMetricAlarm', 'cloudwatch:DeleteAlarms'],
};

test('deploy policy: every kind of resource in a stack can be made, changed and taken away', () => {
  const allowed = new Set(actionsOf(plain));
  const [first] = regions;
  if (first === undefined) assert.fail('no region');
  const types = new Set(Object.values(templateOf(stackFor(first, 'prod')).Resources).map(({ Type }) => Type));
  for (const type of types) {
    const actions = needed[type] ?? assert.fail(`what does ${type} need?`);
    for (const action of actions) assert.ok(allowed.has(action), `${type} needs ${action}`);
  }
});

test('deploy policy: roles that are made have the names that are allowed, and are given rights under the boundary alone', () => {
  const boundary = `arn:aws:iam::${account}:policy/b`;
  const policy = deployPolicy({
    regions,
    stage: 'prod',
    aws: { permissions_boundary: boundary, iam_path: '/team/', role_arn: `arn:aws:iam::${account}:role/given` },
    account,
  });
  const role = `arn:aws:iam::${account}:role/team/bothways-prod-eu-west-1-schedule-eu-west-1`;
  const conditionOf = (action: string) => {
    const [only, ...more] = policy.Statement.filter(({ Action }) => Action.includes(`iam:${action}`));
    assert.ok(allows(policy, `iam:${action}`, role), action);
    assert.deepEqual(more, []);
    return only?.Condition;
  };
  for (const action of ['CreateRole', 'PutRolePolicy', 'PutRolePermissionsBoundary'])
    assert.deepEqual(conditionOf(action), { StringEquals: { 'iam:PermissionsBoundary': boundary } }, action);
  // These carry no such key, so that a condition on it would refuse them.
  for (const action of ['DeleteRole', 'TagRole', 'UntagRole', 'UpdateAssumeRolePolicy', 'GetRole'])
    assert.equal(conditionOf(action), undefined, action);
  assert.equal(conditionOf('DeleteRolePolicy'), undefined, 'a role from before the boundary can be taken away');
  assert.ok(allows(policy, 'iam:PassRole', `arn:aws:iam::${account}:role/given`));
});

test('deploy policy: a key may be used where it is, and a multi-region key in all regions', () => {
  const keyOf = (region: string, id: string) => `arn:aws:kms:${region}:${account}:key/${id}`;
  const policy = (id: string) =>
    deployPolicy({ regions, stage: 'prod', aws: { kms_key: keyOf('eu-west-1', id) }, account });
  assert.ok(allows(policy('k'), 'kms:CreateGrant', keyOf('eu-west-1', 'k')));
  assert.ok(!allows(policy('k'), 'kms:CreateGrant', keyOf('us-east-1', 'k')));
  assert.ok(allows(policy('mrk-k'), 'kms:CreateGrant', keyOf('us-east-1', 'mrk-k')));
});

test('deploy policy: who pushes lists may read, write and look for those of the stage, and no others', () => {
  const policy = deployPolicy({
    regions,
    stage: 'prod',
    aws: { list: { bucket: 'lists', region: 'eu-west-1', prefix: 'b/', clusters: [] } },
    account,
  });
  assert.deepEqual(
    policy.Statement.filter(({ Sid }) => Sid.startsWith('List')),
    [
      {
        Sid: 'List',
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:PutObject'],
        Resource: ['arn:aws:s3:::lists/b/prod/*'],
      },
      {
        Sid: 'ListLook',
        Effect: 'Allow',
        Action: ['s3:ListBucket'],
        Resource: ['arn:aws:s3:::lists'],
        Condition: { StringLike: { 's3:prefix': 'b/prod/*' } },
      },
    ],
  );
});

test('deploy policy: the command prints it, and refuses what is no account', async () => {
  await using file = await listFile(
    'vantages: { eu-west-1: { kind: lambda } }\ntargets: ["https://www.example.com"]\n',
  );
  const words = ['deploy-policy', '--config', file.path, '--stage', 'prod', '--account'];
  const good = await cli([...words, account]);
  assert.equal(good.code, 0);
  assert.equal(JSON.parse(good.stdout).Version, '2012-10-17');
  const bad = await cli([...words, 'mine']);
  assert.deepEqual([bad.code, bad.stdout], [2, '']);
  assert.match(bad.stderr, /--account: write the 12 digits of an account/);
});

test('deploy policy: a stage whose names are too long is told in one line', async () => {
  await using file = await listFile(
    'vantages: { one-with-a-long-name: { kind: lambda, region: ap-northeast-1 } }\ntargets: ["https://www.example.com"]\n',
  );
  const stage = 'a-stage-of-20-letter';
  const words = ['deploy-policy', '--config', file.path, '--stage', stage, '--account', account];
  const { code, stdout, stderr } = await cli(words);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^bothways: the name bothways-a-stage-\S+ has 74 letters, and AWS takes 64; /m);
});
