import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stageTag } from '../../src/net/aws/stacks.ts';
import { awsServer } from '../servers/aws.ts';
import { cli } from './console.ts';
import { listFile } from './world.ts';

const list = `
vantages: { eu-west-1: { kind: lambda } }
remote_write: [{ url: "https://push.example.com/" }]
targets: ["https://www.example.com"]
`;

test('regions: functions of a stage that the list no longer has are named, and the exit code is 1', async () => {
  await using aws = await awsServer();
  await using file = await listFile(list);
  const stack = (stage: string) => ({
    status: 'UPDATE_COMPLETE',
    template: '{}',
    tags: [[stageTag, stage]] as const,
    parameters: new Map(),
    events: [],
  });
  const leftovers = (...words: string[]) =>
    cli(['regions', '--config', file.path, '--leftovers', 'prod', ...words], { environment: aws.environment });
  aws.stacks.all.set('eu-west-1/bothways-prod-eu-west-1', stack('prod'));
  aws.stacks.all.set('us-east-1/bothways-dev-us-east-1', stack('dev'));
  const none = await leftovers();
  assert.deepEqual([none.code, none.stdout, none.stderr], [0, '', '']);
  aws.stacks.all.set('us-east-1/bothways-prod-us-east-1', stack('prod'));
  const one = await leftovers();
  assert.deepEqual([one.code, one.stdout], [1, '  bothways-prod-us-east-1  us-east-1  UPDATE_COMPLETE\n']);
  assert.equal(
    one.stderr,
    'warning: bothways-prod-us-east-1 in us-east-1 is no longer in the list and probes on; remove it: bothways remove --stage prod --region us-east-1 --stack bothways-prod-us-east-1\n',
  );
  assert.deepEqual(JSON.parse((await leftovers('--json')).stdout), [
    { name: 'bothways-prod-us-east-1', region: 'us-east-1', status: 'UPDATE_COMPLETE' },
  ]);
});

test('regions: those that cannot be asked for leftovers are said in one line, and if it is all of them that is an error', async () => {
  await using aws = await awsServer();
  await using file = await listFile(list);
  const words = ['regions', '--config', file.path, '--leftovers', 'prod'];
  aws.fail('DescribeStacks', 403, 2);
  const two = await cli(words, { environment: aws.environment });
  assert.deepEqual([two.code, two.stdout], [0, '']);
  assert.match(
    two.stderr,
    /^warning: 2 regions could not be asked for stacks: [a-z]+-[a-z]+-\d, [a-z]+-[a-z]+-\d \(status 403.*\n$/,
  );
  aws.fail('DescribeStacks', 403, 1_000);
  const all = await cli(words, { environment: aws.environment });
  assert.deepEqual([all.code, all.stdout], [2, '']);
  assert.match(all.stderr, /^bothways: no region could be asked for stacks: .*status 403/);
});

test('regions: leftovers in a region that only the list knows are found', async () => {
  await using aws = await awsServer();
  await using file = await listFile(`
vantages: { new: { kind: lambda, region: xx-north-9 } }
targets: ["https://www.example.com"]
`);
  for (const name of ['new', 'old'])
    aws.stacks.all.set(`xx-north-9/bothways-prod-${name}`, {
      status: 'UPDATE_COMPLETE',
      template: '{}',
      tags: [[stageTag, 'prod']],
      parameters: new Map(),
      events: [],
    });
  const words = ['regions', '--config', file.path, '--leftovers', 'prod'];
  const { code, stdout } = await cli(words, { environment: aws.environment });
  assert.deepEqual([code, stdout], [1, '  bothways-prod-old  xx-north-9  UPDATE_COMPLETE\n']);
});

test('regions: of a list of China or GovCloud the regions beside its own are asked, whatever AWS_REGION says', async () => {
  await using aws = await awsServer();
  for (const [region, beside] of [
    ['cn-north-1', 'cn-northwest-1'],
    ['us-gov-west-1', 'us-gov-east-1'],
  ] as const) {
    aws.calls.length = 0;
    await using file = await listFile(list.replace('eu-west-1', region));
    const words = ['regions', '--config', file.path, '--leftovers', 'prod'];
    const { code, stderr } = await cli(words, { environment: { ...aws.environment, AWS_REGION: 'eu-west-1' } });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(aws.calls.map((call) => call.region).sort(), [region, beside].sort());
  }
});

test('regions: a stage whose name is too long for a vantage is refused', async () => {
  await using file = await listFile(list.replace('eu-west-1: {', `${'v'.repeat(26)}: { region: ap-southeast-1,`));
  const { code, stderr } = await cli(['regions', '--config', file.path, '--leftovers', 'production']);
  assert.deepEqual([code, stderr.split('\n').length], [2, 2]);
  assert.match(stderr, /^bothways: the name bothways-production-v+-schedule-ap-southeast-1 has 70 letters/);
});
