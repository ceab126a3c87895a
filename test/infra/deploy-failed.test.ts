import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { awsServer } from '../servers/aws.ts';
import { buildFunctions, deployment } from './deployment.ts';

before(buildFunctions);

test('deploy: only where a region was deployed is it said that the list in the bucket goes before it', async () => {
  await using aws = await awsServer();
  await using there = await deployment(`
vantages: { eu-west-1: { kind: lambda } }
aws: { list: { bucket: lists, region: eu-west-1 } }
remote_write: [{ url: "https://push.example.com/" }]
targets: ["https://www.example.com"]
`);
  const hint = /The list in the bucket goes before the deployed one: bothways targets push --stage prod/;
  aws.stacks.failing.add('eu-west-1/bothways-prod-eu-west-1');
  const failed = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(failed.code, 1);
  assert.doesNotMatch(failed.stderr, hint);
  aws.stacks.failing.clear();
  const deployed = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.match(deployed.stderr, hint);
});
