// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import type { AwsSettings } from '../../src/config/aws.ts';
import { loadValue } from '../../src/config/load.ts';
import { stackFor, templateOf } from '../../src/generate/aws/stack.ts';
import type { Statement, Template } from '../../src/generate/aws/template.ts';
import { type Region, regionsOf } from '../../src/generate/regions.ts';
import { readEvent } from '../../src/lambda/event.ts';
import { probers } from '../../src/probers/index.ts';
import { cli } from '../cli/console.ts';
import { listFile } from '../cli/world.ts';

const listOf = (targets: number) => ({
  vantages: {
    'eu-west-1': { kind: 'lambda' },
    tokyo: { kind: 'lambda', region: 'ap-northeast-1' },
    idle: { kind: 'lambda', region: 'us-east-1' },
    laptop: { kind: 'agent' },
  },
  remote_write: [
    { url: 'https://push.example.com/', authorization: { credentials: '${env:PUSH_TOKEN}' } },
    { url: 'https://other.example.com/', from: ['laptop'], authorization: { credentials: '${env:OTHER}' } },
  ],
  defaults: { outside: { from: ['eu-west-1', 'tokyo'] } },
  targets: [
    ...Array.from({ length: targets }, (_, index) => `https://www${index}.example.com`),
    { name: 'waf', target: 'https://waf.example.com', http: { headers: { 'X-Probe': '${env:WAF}' } } },
    { name: 'spare', target: 'https://spare.example.com', from: ['laptop', 'idle'] },
  ],
});

const regions = (targets: number) => {
  const loaded = loadValue(listOf(targets), { probers });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return regionsOf({ list: loaded.list, ...loaded.compiled });
};

const stack = (targets: number, aws: Partial<AwsSettings> = {}, more: Partial<Region> = {}): Template => {
  const [first] = regions(targets);
  return first === undefined ? assert.fail('no region') : templateOf(stackFor({ ...first, ...more }, 'dev', aws));
};

const ofType = (template: Template, type: string) =>
  Object.values(template.Resources).filter((one) => one.Type === type);
/** All values under a key, however deep. */
const valuesOf = (value: unknown, key: string): unknown[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([name, part]) => [...(name === key ? [part] : []), ...valuesOf(part, key)]);

test('regions: each Lambda vantage that probes is a function, with its shards and the variables it needs', () => {
  assert.deepEqual(regions(250), [
    { vantage: 'eu-west-1', region: 'eu-west-1', checks: 251, shards: 3, secrets: ['env:PUSH_TOKEN', 'env:WAF'] },
    { vantage: 'tokyo', region: 'ap-northeast-1', checks: 251, shards: 3, secrets: ['env:PUSH_TOKEN', 'env:WAF'] },
    { vantage: 'idle', region: 'us-east-1', checks: 1, shards: 1, secrets: ['env:PUSH_TOKEN'] },
  ]);
});

test('cloudformation: there is a schedule for each shard, whose event the function takes, and nothing is retried', () => {
  const template = stack(250);
  const schedules = ofType(template, 'AWS::Scheduler::Schedule');
  assert.equal(schedules.length, 3);
  for (const [index, { Properties }] of schedules.entries()) {
    const [input] = valuesOf(Properties, 'Input');
    const filled = String(input).replace('<aws.scheduler.scheduled-time>', '2026-11-23T09:00:00Z');
    const read = readEvent(JSON.parse(filled));
    assert.ok(read.ok);
    assert.deepEqual(read.event.shard, { index, of: 3 });
    assert.deepEqual(valuesOf(Properties, 'RetryPolicy'), [{ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }]);
    assert.equal(Properties.ScheduleExpression, 'rate(1 minute)');
  }
  const [once] = ofType(template, 'AWS::Lambda::EventInvokeConfig');
  assert.deepEqual([once?.Properties.MaximumRetryAttempts, once?.Properties.MaximumEventAgeInSeconds], [0, 60]);
});

test('cloudformation: roles may do what they must, by name, and nothing else', () => {
  const template = stack(1);
  const actions = valuesOf(template, 'Action').flat();
  assert.deepEqual(
    new Set(actions),
    new Set(['sts:AssumeRole', 'logs:CreateLogStream', 'logs:PutLogEvents', 'lambda:InvokeFunction']),
  );
  for (const resource of valuesOf(template, 'Resource')) assert.notEqual(resource, '*');
  assert.deepEqual(valuesOf(template.Resources.ScheduleRole, 'aws:SourceAccount'), [{ Ref: 'AWS::AccountId' }]);
  assert.equal(ofType(template, 'AWS::IAM::Role').length, 2);
});

test('cloudformation: logs end, alarms are there, and the function is what was measured', () => {
  const template = stack(1, { log_retention_days: 30, memory: 512 });
  assert.deepEqual(valuesOf(template, 'RetentionInDays'), [30]);
  const [probe] = ofType(template, 'AWS::Lambda::Function');
  const { Runtime, Architectures, MemorySize, Timeout } = probe?.Properties ?? {};
  assert.deepEqual([Runtime, Architectures, MemorySize, Timeout], ['nodejs24.x', ['arm64'], 512, 50]);
  const alarms = ofType(template, 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties.MetricName);
  assert.deepEqual(alarms, [
    'Invocations',
    'Errors',
    'bothways-dev-eu-west-1-unprobed',
    'bothways-dev-eu-west-1-undelivered',
  ]);
});

test('cloudformation: secrets are parameters that are never shown, and no value of one is in the template', () => {
  const template = stack(1);
  assert.deepEqual(template.Parameters.EnvPushToken, {
    Type: 'String',
    NoEcho: true,
    Description: 'Value of the variable PUSH_TOKEN that the list refers to.',
  });
  assert.deepEqual(valuesOf(template, 'PUSH_TOKEN'), [{ Ref: 'EnvPushToken' }]);
  const twins = { vantage: 'x', region: 'x', checks: 1, shards: 1, secrets: ['env:A_B', 'env:a_b'] };
  assert.throws(() => templateOf(stackFor(twins, 'dev')), /two variables of the list have one parameter: A_B, a_b/);
});

test('cloudformation: secrets that AWS keeps may be read by their names alone, each in its region', () => {
  const secrets = [
    'secretsmanager:push#token',
    'secretsmanager:us-east-1:arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf',
    'ssm:/bothways/push',
    'ssm:us-east-1:plain',
  ];
  const template = stack(1, { kms_key: 'arn:aws:kms:eu-west-1:123456789012:key/k' }, { secrets });
  const own = valuesOf(template.Resources.ProbeRole, 'Statement').flat().slice(1);
  const named = (service: string, what: string, region = '${AWS::Region}') => ({
    'Fn::Sub': `arn:\${AWS::Partition}:${service}:${region}:\${AWS::AccountId}:${what}`,
  });
  assert.deepEqual(own.slice(1), [
    {
      Sid: 'Parameters',
      Effect: 'Allow',
      Action: ['ssm:GetParameter'],
      Resource: [named('ssm', 'parameter/bothways/push'), named('ssm', 'parameter/plain', 'us-east-1')],
    },
    {
      Sid: 'Secrets',
      Effect: 'Allow',
      Action: ['secretsmanager:GetSecretValue'],
      Resource: [
        named('secretsmanager', 'secret:push-??????'),
        'arn:aws:secretsmanager:us-east-1:123456789012:secret:x-AbCdEf',
      ],
    },
    { Sid: 'Key', Effect: 'Allow', Action: ['kms:Decrypt'], Resource: 'arn:aws:kms:eu-west-1:123456789012:key/k' },
  ]);
  const [probe] = ofType(template, 'AWS::Lambda::Function');
  assert.deepEqual(probe?.Properties.KmsKeyArn, 'arn:aws:kms:eu-west-1:123456789012:key/k');
  assert.deepEqual(valuesOf(template.Resources.ProbeLogGroup, 'KmsKeyId'), [
    'arn:aws:kms:eu-west-1:123456789012:key/k',
  ]);
});

test('cloudformation: a multi-region key is the replica of the region of each stack, and may be used for parameters of any', () => {
  const keyOf = (region: string) => `arn:aws:kms:${region}:123456789012:key/mrk-0123`;
  for (const region of ['eu-west-1', 'us-east-1']) {
    const template = stack(1, { kms_key: keyOf('us-west-2') }, { region });
    const [probe] = ofType(template, 'AWS::Lambda::Function');
    assert.equal(probe?.Properties.KmsKeyArn, keyOf(region));
    assert.deepEqual(valuesOf(template.Resources.ProbeLogGroup, 'KmsKeyId'), [keyOf(region)]);
    assert.ok(valuesOf(template.Resources.ProbeRole, 'Resource').includes(keyOf('*')));
  }
});

test('cloudformation: an account has its own rules for roles, tags, networks and alarms', () => {
  const template = stack(
    1,
    {
      permissions_boundary: 'arn:aws:iam::123456789012:policy/b',
      iam_path: '/team/',
      tags: { team: 'edge' },
      alarm_topic: 'pager',
      list: { bucket: 'lists', region: 'eu-central-1', prefix: 'b/', clusters: [] },
    },
    { vpc: { subnet_ids: ['subnet-1'], security_group_ids: ['sg-1'], ipv6: true } },
  );
  for (const { Properties } of ofType(template, 'AWS::IAM::Role'))
    assert.deepEqual(
      [Properties.PermissionsBoundary, Properties.Path],
      ['arn:aws:iam::123456789012:policy/b', '/team/'],
    );
  for (const type of [
    'Lambda::Function',
    'IAM::Role',
    'Logs::LogGroup',
    'CloudWatch::Alarm',
    'Scheduler::ScheduleGroup',
  ])
    for (const { Properties } of ofType(template, `AWS::${type}`))
      assert.deepEqual(Properties.Tags, [
        { Key: 'bothways:stage', Value: 'dev' },
        { Key: 'team', Value: 'edge' },
      ]);
  assert.equal(valuesOf(template, 'AlarmActions').length, 4);
  assert.deepEqual(valuesOf(template, 'VpcConfig'), [
    { SubnetIds: ['subnet-1'], SecurityGroupIds: ['sg-1'], Ipv6AllowedForDualStack: true },
  ]);
  assert.deepEqual(valuesOf(template, 'BOTHWAYS_LIST_S3'), ['s3://lists/b/dev/lists/eu-west-1.json']);
  assert.deepEqual(
    valuesOf(template.Resources.ProbeRole, 'Statement')
      .flat()
      .filter((one) => valuesOf(one, 'Action').flat().includes('s3:GetObject'))
      .map((one) => valuesOf(one, 'Resource')),
    [[{ 'Fn::Sub': 'arn:${AWS::Partition}:s3:::lists/b/dev/lists/eu-west-1.json' }]],
  );
  const [code] = (valuesOf(template.Resources.ProbeRole, 'Statement').flat() as Statement[]).filter(
    ({ Effect }) => Effect === 'Deny',
  );
  assert.ok(code?.Action.includes('ec2:DeleteNetworkInterface'));
  assert.deepEqual(code?.Condition, {
    ArnEquals: {
      'lambda:SourceFunctionArn': {
        'Fn::Sub': 'arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:bothways-dev-eu-west-1',
      },
    },
  });
  // Lambda asks for these without naming an interface.
  const [rest] = valuesOf(template.Resources.ProbeRole, 'Statement')
    .flat()
    .filter((one) => valuesOf(one, 'Sid').includes('InterfaceRest'));
  assert.deepEqual(valuesOf(rest, 'Resource'), ['*']);
  const given = stack(1, {
    role_arn: 'arn:aws:iam::123456789012:role/f',
    schedule_role_arn: 'arn:aws:iam::123456789012:role/s',
  });
  assert.deepEqual(ofType(given, 'AWS::IAM::Role'), []);
  assert.deepEqual(valuesOf(given, 'Role'), ['arn:aws:iam::123456789012:role/f']);
  assert.deepEqual(valuesOf(given, 'RoleArn'), ['arn:aws:iam::123456789012:role/s']);
});

test('cloudformation: what refers to something refers to what is there', () => {
  const template = stack(250);
  const known = new Set([...Object.keys(template.Parameters), ...Object.keys(template.Resources), 'AWS::AccountId']);
  for (const reference of valuesOf(template, 'Ref')) assert.ok(known.has(String(reference)), String(reference));
  for (const reference of valuesOf(template, 'Fn::GetAtt')) assert.ok(known.has(String((reference as string[])[0])));
  for (const name of Object.keys(template.Resources)) assert.match(name, /^[A-Za-z0-9]{1,255}$/);
});

test('cloudformation: ten thousand targets stay within its limits, and a list beyond them is refused', () => {
  const template = stack(10_000);
  assert.ok(Object.keys(template.Resources).length < 500);
  assert.ok(JSON.stringify(template).length < 1_000_000);
  assert.throws(
    () => stackFor({ vantage: 'x', region: 'x', checks: 50_000, shards: 500, secrets: [] }, 'dev'),
    /x has 50000 checks, and one stack holds the schedules for 45000; add a second vantage with `region: x`/,
  );
  assert.throws(
    () => stackFor({ vantage: 'x'.repeat(40), region: 'eu-west-1', checks: 1, shards: 1, secrets: [] }, 'dev'),
    /has 72 letters, and AWS takes 64/,
  );
});

test('render: prints the stack of a vantage, without the value of a secret, and says which vantages there are', async () => {
  await using file = await listFile(JSON.stringify(listOf(1)));
  const environment = { PUSH_TOKEN: 'canary-token', WAF: 'canary-waf' };
  const words = ['render', '--config', file.path];
  const good = await cli([...words, '--vantage', 'tokyo', '--stage', 'prod'], { environment });
  assert.equal(good.code, 0);
  assert.equal(JSON.parse(good.stdout).Resources.ProbeLambdaFunction.Properties.FunctionName, 'bothways-prod-tokyo');
  assert.doesNotMatch(good.stdout + good.stderr, /canary/);
  const many = await cli(words);
  assert.deepEqual([many.code, many.stdout], [2, '']);
  assert.match(many.stderr, /render needs --vantage: one of eu-west-1, tokyo, idle/);
  assert.match(
    (await cli([...words, '--vantage', 'laptop'])).stderr,
    /laptop is no Lambda vantage.*eu-west-1, tokyo, idle/,
  );
  assert.match(
    (await cli([...words, '--vantage', 'tokyo', '--stage', 'Prod_1'])).stderr,
    /lower-case letters, digits and hyphens/,
  );
});

test('regions: prints an array for a matrix of jobs', async () => {
  await using file = await listFile(JSON.stringify(listOf(1)));
  const { code, stdout } = await cli(['regions', '--config', file.path, '--json']);
  assert.equal(code, 0);
  assert.deepEqual(
    JSON.parse(stdout).map(({ vantage, region }: Record<string, string>) => [vantage, region]),
    [
      ['eu-west-1', 'eu-west-1'],
      ['tokyo', 'ap-northeast-1'],
      ['idle', 'us-east-1'],
    ],
  );
  await using inside = await listFile('vantages: { laptop: { kind: agent } }\ntargets: ["https://www.example.com"]\n');
  const none = await cli(['regions', '--config', inside.path]);
  assert.deepEqual([none.code, none.stdout], [0, '']);
  assert.match(none.stderr, /no target of the list is probed from a Lambda vantage/);
});

test('regions: a vantage that only listens to clusters is a function, with shards for all that they may publish', () => {
  const of = (more: object, clusters: readonly unknown[] = ['prod-a']) => {
    const aws = { list: { bucket: 'lists', region: 'eu-central-1', clusters } };
    const loaded = loadValue({ vantages: { 'eu-west-1': { kind: 'lambda' } }, aws, ...more }, { probers });
    if (!loaded.ok) return loaded.problems.map(({ message }) => message).join();
    return regionsOf({ list: loaded.list, ...loaded.compiled });
  };
  const region = { vantage: 'eu-west-1', region: 'eu-west-1', secrets: [] };
  assert.deepEqual(of({}), [{ ...region, checks: 0, found: 100, shards: 1 }]);
  const targets = ['https://www.example.com'];
  const clusters = ['prod-a', { name: 'prod-b', max_targets: 150 }];
  assert.deepEqual(of({ targets }, clusters), [{ ...region, checks: 1, found: 250, shards: 3 }]);
  const kubernetes = [{ kinds: ['ingress'] }];
  assert.deepEqual(of({ discover: { kubernetes } }), [{ ...region, checks: 0, found: 100, shards: 1 }]);
  const other = { 'eu-west-1': { kind: 'lambda' }, laptop: { kind: 'agent' } };
  assert.match(String(of({ targets, vantages: other })), /no target is probed from this vantage/);
  assert.match(String(of({}, ['prod-a', { name: 'prod-a' }])), /a cluster is named twice/);
  assert.match(String(of({}, [{ name: 'prod-a', max_targets: 0 }])), /1/);
});

test('stack: functions read what the named clusters publish, each object by its name', () => {
  const template = stack(1, {
    list: {
      bucket: 'lists',
      region: 'eu-central-1',
      prefix: 'b/',
      clusters: ['prod-a', { name: 'prod-b', max_targets: 7 }],
    },
  });
  const text = JSON.stringify(template);
  assert.deepEqual(valuesOf(template, 'BOTHWAYS_LIST_CLUSTERS'), ['prod-a=100 prod-b=7']);
  assert.match(text, /s3:::lists\/b\/dev\/clusters\/prod-a\/eu-west-1\.json/);
  assert.match(
    text,
    /"BOTHWAYS_LIST_S3":"s3:\/\/lists\/b\/dev\/lists\/eu-west-1\.json s3:\/\/lists\/b\/dev\/clusters\/prod-a\/eu-west-1\.json s3:/,
  );
});

test('stack: the function may ask for the names of its objects alone, so that a missing one is not a forbidden one', () => {
  const template = stack(1, {
    list: { bucket: 'lists', region: 'eu-central-1', prefix: 'b/', clusters: ['prod-a'] },
  });
  const look = valuesOf(template.Resources.ProbeRole, 'Statement')
    .flat()
    .filter((one) => valuesOf(one, 'Action').flat().includes('s3:ListBucket'));
  assert.deepEqual(look, [
    {
      Sid: 'ListLook',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: { 'Fn::Sub': 'arn:${AWS::Partition}:s3:::lists' },
      Condition: {
        StringEquals: { 's3:prefix': ['b/dev/lists/eu-west-1.json', 'b/dev/clusters/prod-a/eu-west-1.json'] },
      },
    },
  ]);
});

test('stack: cfn-lint has nothing to object to, where it is', async (t) => {
  const full = stack(
    300,
    {
      tags: { team: 'edge' },
      alarm_topic: 'pager',
      list: { bucket: 'lists', region: 'eu-west-1', prefix: 'b/', clusters: ['a'] },
    },
    { vpc: { subnet_ids: ['subnet-0123456789abcdef0'], security_group_ids: ['sg-0123456789abcdef0'], ipv6: false } },
  );
  const said = await new Promise<string | undefined>((resolve) => {
    const child = execFile('cfn-lint', ['--format', 'parseable'], (error, stdout, stderr) =>
      resolve(error?.code === 'ENOENT' ? undefined : stdout + stderr),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(JSON.stringify(full));
  });
  // It is a program for Python, which nobody who works on this needs; our own assertions are above.
  if (said === undefined) t.diagnostic('cfn-lint is not here');
  else assert.equal(said.trim(), '');
});

test('cloudformation: what AWS would refuse for its size is refused before anything is uploaded, in a sentence', () => {
  const many = (count: number, text: (index: number) => string) => Array.from({ length: count }, (_, at) => text(at));
  const ssm = (at: number) => `ssm:/platform/teams/team-${at}/bothways/probe-token`;
  assert.throws(
    () => stack(1, {}, { secrets: many(120, ssm) }),
    /^RangeError: the rights of eu-west-1 have \d+ letters, and a role takes 10240: it reads 120 secrets/,
  );
  assert.ok(stack(1, { role_arn: 'arn:aws:iam::123456789012:role/f' }, { secrets: many(120, ssm) }));
  assert.ok(stack(1, {}, { secrets: many(80, ssm) }));
  const variable = (at: number) => `env:TOKEN_${at}`;
  assert.throws(
    () => stack(1, {}, { secrets: many(199, variable) }),
    /^RangeError: eu-west-1 has 199 references `\$\{env:…\}`, and a stack takes 198; keep some in Parameter Store/,
  );
  assert.ok(stack(1, {}, { secrets: many(198, variable) }));
  const clusters = many(20, (at) => `a-cluster-with-a-name-of-forty-letters-${at}`);
  const list = {
    bucket: 'b'.repeat(63),
    region: 'eu-central-1',
    prefix: 'monitoring/bothways/',
    clusters,
  };
  assert.throws(
    () => stack(1, { list }),
    /^RangeError: the variables of eu-west-1 have \d+ bytes, and Lambda takes 4096; name fewer clusters in aws\.list/,
  );
});
