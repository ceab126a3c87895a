import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stageTag } from '../../src/net/aws/stacks.ts';
import { awsServer } from '../servers/aws.ts';
import { cli } from './console.ts';
import { listFile } from './world.ts';

/** A region that no version of this program knows. */
const newest = 'xx-north-9';
const listOf = (region: string) => `
vantages: { edge: { kind: lambda, region: ${region} } }
targets: ["https://www.example.com"]
`;
const stack = {
  status: 'UPDATE_COMPLETE',
  template: '{}',
  tags: [[stageTag, 'prod']] as const,
  parameters: new Map(),
  events: [],
};

test('remove: a stack in a region that only the list knows is found, and so is one where the list is gone', async () => {
  await using aws = await awsServer();
  await using file = await listFile(listOf(newest));
  for (const region of [newest, 'ap-east-2', 'ap-southeast-6'])
    aws.stacks.all.set(`${region}/bothways-prod-edge`, stack);
  const words = ['remove', '--stage', 'prod', '--dry-run', '--config', file.path];
  const { code, stdout, stderr } = await cli(words, { environment: aws.environment });
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim().split(/ +/)[1])
      .sort(),
    ['ap-east-2', 'ap-southeast-6', newest],
  );
});

test('remove: where the list cannot be used, the regions that are known are asked, and that is said', async () => {
  await using aws = await awsServer();
  await using file = await listFile('targets: [');
  aws.stacks.all.set('us-east-1/bothways-prod-edge', stack);
  const words = ['remove', '--stage', 'prod', '--dry-run', '--config', file.path];
  const { code, stdout, stderr } = await cli(words, { environment: aws.environment });
  assert.deepEqual([code, stdout], [0, '  bothways-prod-edge  us-east-1  UPDATE_COMPLETE\n']);
  assert.match(stderr, /^warning: the list cannot be used .*, so only regions that this version knows are asked\n$/);
});

test('remove: it looks where the list is, else where AWS_REGION says, and tells how to look elsewhere', async () => {
  await using aws = await awsServer();
  await using china = await listFile(listOf('cn-north-1'));
  const remove = async (path: string, AWS_REGION: string) => {
    aws.calls.length = 0;
    const words = ['remove', '--stage', 'prod', '--dry-run', '--config', path];
    const { stderr } = await cli(words, { environment: { ...aws.environment, AWS_REGION } });
    return { stderr, asked: aws.calls.map(({ region }) => region).sort() };
  };
  assert.deepEqual((await remove(china.path, 'eu-west-1')).asked, ['cn-north-1', 'cn-northwest-1']);
  assert.deepEqual((await remove('/nonexistent', 'cn-northwest-1')).asked, ['cn-north-1', 'cn-northwest-1']);
  aws.deny('DescribeStacks');
  assert.match(
    (await remove('/nonexistent', 'eu-west-1')).stderr,
    /^bothways: no region could be asked for stacks: status 403.*; for China or GovCloud set AWS_REGION or write --region$/m,
  );
});
