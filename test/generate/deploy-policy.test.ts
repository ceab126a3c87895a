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
  assert.ok(JSON.stringify(plain).length < 6_144, 'the limit of a managed policy');
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

test('deploy policy: roles that are made have the names that are allowed, and the boundary', () => {
  const boundary = `arn:aws:iam::${account}:policy/b`;
  const policy = deployPolicy({
    regions,
    stage: 'prod',
    aws: { permissions_boundary: boundary, iam_path: '/team/', role_arn: `arn:aws:iam::${account}:role/given` },
    account,
  });
  const of = (sid: string) => policy.Statement.find(({ Sid }) => Sid === sid);
  assert.ok(
    of('Roles')?.Resource.includes(`arn:aws:iam::${account}:role/team/bothways-prod-eu-west-1-schedule-eu-west-1`),
  );
  assert.deepEqual(of('Roles')?.Condition, { StringEquals: { 'iam:PermissionsBoundary': boundary } });
  assert.ok(of('PassRole')?.Resource.includes(`arn:aws:iam::${account}:role/given`));
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
