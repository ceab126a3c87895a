import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { unzipSync } from 'fflate';
import { readPacked } from '../../src/config/packed.ts';
import { awsServer } from '../servers/aws.ts';
import { buildFunctions, type Deployment, deployment } from './deployment.ts';

const three = ['eu-west-1', 'us-east-1', 'ap-northeast-1'];
const listOf = (regions: readonly string[], credentials = '"${ssm:/push}"', more = '') => `
vantages: { ${regions.map((region) => `${region}: { kind: lambda }`).join(', ')} }
remote_write:
  - { url: "https://push.example.com/api/v1/push", authorization: { credentials: ${credentials} } }
targets: ["https://www.example.com", "https://shop.example.com"]
${more}`;
const stackIn = (region: string) => `${region}/bothways-prod-${region}`;
const template = async ({ files }: Deployment) =>
  JSON.parse((await files()).get('.serverless/cloudformation-template-update-stack.json')?.toString() ?? '{}');

before(buildFunctions);

test('deploy: three regions are packaged with one zip, and with the stack that is rendered without the framework', async () => {
  await using there = await deployment(listOf(three));
  const zips = new Set<string>();
  for (const region of three) {
    const { code, stderr } = await there.serverless(['package', '--stage', 'prod', '--region', region]);
    assert.equal(code, 0, stderr);
    const zip = (await there.files()).get('.bothways/function.zip') ?? assert.fail('no zip');
    zips.add(createHash('sha256').update(zip).digest('hex'));
    const { Resources, Parameters } = await template(there);
    const plain = await there.bothways(['render', '--config', 'bothways.yml', '--vantage', region, '--stage', 'prod']);
    const rendered = JSON.parse(plain.stdout);
    assert.equal(Parameters, undefined);
    for (const [name, resource] of Object.entries<Record<string, unknown>>(rendered.Resources)) {
      const { DependsOn: _, ...made } = Resources[name];
      const { DependsOn: __, ...wanted } = resource;
      // Where the zip is, and how a function is referred to, the framework decides by itself.
      const properties = (one: Record<string, unknown>) => {
        const { DestinationConfig: ___, ...rest } = { ...(one.Properties as object) } as Record<string, unknown>;
        return { ...rest, Code: '', FunctionName: '' };
      };
      assert.deepEqual({ ...made, Properties: properties(made) }, { ...wanted, Properties: properties(wanted) }, name);
    }
    const own = new Set(['ServerlessDeploymentBucket', 'ServerlessDeploymentBucketPolicy']);
    assert.deepEqual(
      Object.keys(Resources)
        .filter((name) => !own.has(name))
        .sort(),
      Object.keys(rendered.Resources).sort(),
    );
    assert.match(JSON.stringify(Resources.ServerlessDeploymentBucket), /SSEAlgorithm/);
    const actions = [...JSON.stringify(Resources).matchAll(/"Action":(\[[^\]]*\]|"[^"]*")/g)].map(
      ([, one]) => one ?? '',
    );
    assert.ok(actions.length > 3);
    // The framework's own policy denies what does not come over TLS, all of it.
    for (const action of actions) assert.ok(action === '"s3:*"' || !action.includes('*'), action);
  }
  assert.equal(zips.size, 1);
});

test('deploy: the zip holds the code, and a list for each region', async () => {
  await using there = await deployment(listOf(three));
  assert.equal((await there.bothways(['package', '--out', 'f.zip', '--json'])).code, 0);
  const { serverless } = there;
  assert.equal((await serverless(['package', '--stage', 'prod', '--region', 'eu-west-1'])).code, 0);
  const zip = (await there.files()).get('.bothways/function.zip') ?? assert.fail('no zip');
  const files = unzipSync(zip);
  assert.ok(files['probe.mjs'] !== undefined);
  for (const region of three) {
    const read = readPacked(Buffer.from(files[`lists/${region}.json`] ?? []).toString());
    assert.ok(read.ok);
    assert.deepEqual(
      read.packed.vantages.map(({ name }) => name),
      [region],
    );
  }
});

test('deploy: a secret in the open that a function would need is refused, and one of agents is in no zip', async () => {
  await using there = await deployment(listOf(['eu-west-1'], 'canary-open'));
  for (const words of [
    ['package', '--out', 'f.zip'],
    ['deploy', '--stage', 'prod'],
    ['render', '--stage', 'prod'],
  ]) {
    const { code, stdout, stderr } = await there.bothways(words);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(
      stderr,
      /^bothways: 1 secrets stand in the open, the first at bothways\.yml:remote_write\[0\]\.authorization\.credentials; write references$/m,
    );
  }
  const framework = await there.serverless(['package', '--stage', 'prod', '--region', 'eu-west-1']);
  assert.notEqual(framework.code, 0);
  assert.match(framework.stdout + framework.stderr, /1 secrets stand in the open/);
  assert.deepEqual(
    [...(await there.files()).keys()].filter((name) => name.endsWith('.zip')),
    [],
  );
  const agents = listOf(['eu-west-1']).replace('vantages: {', 'vantages: { laptop: { kind: agent },');
  const more = '  - { url: "https://in.example.com/", from: [laptop], authorization: { credentials: canary-in } }\n';
  await there.write('bothways.yml', agents.replace('targets: [', `${more}targets: ["http://in.svc", `));
  const packed = await there.bothways(['package', '--out', 'new/folder/f.zip']);
  assert.equal(packed.code, 0, packed.stderr);
  const files = unzipSync(await readFile(join(there.folder, 'new/folder/f.zip')));
  for (const [name, content] of Object.entries(files)) assert.ok(!Buffer.from(content).includes('canary'), name);
  const full = await there.bothways(['package', '--out', 'bothways.yml/f.zip']);
  assert.equal(full.code, 2);
  assert.match(full.stderr, /^bothways: --out bothways\.yml\/f\.zip cannot be written to: (?:EEXIST|ENOTDIR)$/m);
});

test('deploy: regions are made one after the other, updated, and removed', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(three));
  const first = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(
    first.stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim().split(/ +/).slice(0, 3)),
    three.map((region) => [region, region, 'deployed']),
  );
  assert.match(first.stderr, /^\[2\/3\] us-east-1: 2 checks in 1 shard to us-east-1$/m);
  assert.deepEqual([...aws.stacks.all.keys()].sort(), three.map(stackIn).sort());
  for (const { status } of aws.stacks.all.values()) assert.equal(status, 'UPDATE_COMPLETE');
  await there.write('bothways.yml', listOf(three, undefined, 'external_labels: { env: prod }'));
  const again = await there.bothways(['deploy', '--stage', 'prod', '--region', 'us-east-1'], aws.environment);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^ {2}us-east-1 +us-east-1 +deployed/);
  assert.doesNotMatch(again.stderr, /eu-west-1/);
  const dry = await there.bothways(['remove', '--stage', 'prod', '--dry-run'], aws.environment);
  assert.match(dry.stdout, /bothways-prod-us-east-1 +us-east-1 +UPDATE_COMPLETE/);
  assert.equal(aws.stacks.all.size, 3);
  const other = await there.bothways(['remove', '--stage', 'pro'], aws.environment);
  assert.deepEqual([other.code, aws.stacks.all.size], [0, 3]);
  // The list is not needed, and may be broken.
  await there.write('bothways.yml', 'targets: [');
  const gone = await there.bothways(['remove', '--stage', 'prod'], aws.environment);
  assert.equal(gone.code, 0, gone.stderr);
  assert.equal(aws.stacks.all.size, 0);
  assert.equal((gone.stdout.match(/removed/g) ?? []).length, 3);
});

test('deploy: a region that fails is named with what AWS said, and the others go on', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(three));
  aws.stacks.failing.add(stackIn('us-east-1'));
  const { code, stdout, stderr } = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(code, 1);
  assert.deepEqual(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.trim().split(/ +/)[2]),
    ['deployed', 'failed', 'deployed'],
  );
  assert.match(stderr, /^us-east-1 \| .*not authorized to perform iam:CreateRole/m);
  assert.match(stderr, /^bothways: 1 of 3 failed: us-east-1; what they said is above$/m);
});

test('deploy: a stack that the list no longer has is named, with the command that removes it', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(three));
  await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  await there.write('bothways.yml', listOf(three.slice(0, 1)));
  const { code, stderr } = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(code, 0, stderr);
  const [, words = ''] =
    /remove it: bothways (remove --stage prod --region us-east-1 --stack bothways-prod-us-east-1)$/m.exec(stderr) ?? [];
  const removed = await there.bothways(words.split(' '), aws.environment);
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual([...aws.stacks.all.keys()].sort(), [stackIn('ap-northeast-1'), stackIn('eu-west-1')]);
});

test('deploy: a vantage that has moved leaves a stack of its name, and the command that removes it spares the new one', async () => {
  await using aws = await awsServer();
  const at = (region: string) => `
vantages: { edge: { kind: lambda, region: ${region} } }
targets: ["https://www.example.com"]
`;
  await using there = await deployment(at('eu-west-1'));
  await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  await there.write('bothways.yml', at('us-east-1'));
  const { stderr } = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  const [, words = ''] = /remove it: bothways (.*)$/m.exec(stderr) ?? [];
  const removed = await there.bothways(words.split(' '), aws.environment);
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual([...aws.stacks.all.keys()], ['us-east-1/bothways-prod-edge']);
});

test('deploy, remove: regions that could not be asked for stacks are one line, and what was found is removed', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(three.slice(0, 1)));
  for (const region of ['af-south-1', 'ap-east-1', 'me-south-1']) aws.off.add(region);
  const said =
    '3 regions could not be asked for stacks: af-south-1, ap-east-1, me-south-1 (status 403: InvalidClientTokenId: invalid); one that the account has not switched on has none';
  const linesOf = (stderr: string) => stderr.split('\n').filter((line) => line.includes('south-1'));
  const deployed = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.deepEqual(linesOf(deployed.stderr), [`warning: ${said}`]);
  const removed = await there.bothways(['remove', '--stage', 'prod'], aws.environment);
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual(linesOf(removed.stderr), [`warning: ${said}`]);
  assert.equal(aws.stacks.all.size, 0);
  const again = await there.bothways(['remove', '--stage', 'prod'], aws.environment);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /^nothing of the stage prod is in the regions that could be asked$/m);
});

test('deploy: a list that is not sound stops it with the words of check, before anything is uploaded', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(['eu-west-9']));
  const checked = await there.bothways(['check', '--config', 'bothways.yml']);
  const { code, stderr } = await there.bothways(['deploy', '--stage', 'prod'], aws.environment);
  assert.equal(code, 2);
  assert.ok(checked.stderr.includes('did you mean eu-west-1?'));
  assert.equal(stderr, checked.stderr);
  const direct = await there.serverless(['deploy', '--stage', 'prod', '--region', 'eu-west-1'], aws.environment);
  assert.equal(direct.code, 1);
  assert.ok((direct.stdout + direct.stderr).includes(checked.stderr.trim()));
  assert.deepEqual(
    aws.calls.filter(({ service }) => service !== 'sts'),
    [],
  );
});

test('deploy: wrong flags and missing parts are told in one line', async () => {
  await using there = await deployment(listOf(three, '"${env:PUSH_TOKEN}"'));
  const says = async (words: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
    const { code, stderr } = await there.bothways(words, environment);
    assert.equal(code, 2, stderr);
    return stderr
      .split('\n')
      .filter((line) => line.startsWith('bothways:'))
      .join('\n');
  };
  assert.match(await says(['deploy']), /deploy needs --stage NAME/);
  assert.match(await says(['deploy', '--stage', 'Prod']), /--stage: write lower-case letters/);
  assert.match(
    await says(['deploy', '--stage', 'prod', '--region', 'mars']),
    /--region mars is none of the list; it has eu-west-1, us-east-1/,
  );
  assert.match(
    await says(['deploy', '--stage', 'prod']),
    /the list refers to PUSH_TOKEN, not set here; set it, or let AWS keep it/,
  );
  assert.match(await says(['remove', '--stage', 'prod', '--region', 'mars']), /"mars" is no region of AWS/);
  assert.match(await says(['remove', '--stage', 'prod']), /no region could be asked for stacks: no AWS credentials/);
  await there.write('bothways.yml', 'vantages: { laptop: { kind: agent } }\ntargets: ["http://x.svc"]');
  assert.match(await says(['deploy', '--stage', 'prod']), /no target of the list is probed from a Lambda vantage/);
});

test('deploy: the value of a secret is in no template, state or zip, whether it comes by the environment or AWS keeps it', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(['eu-west-1'], '"${env:PUSH_TOKEN}"', 'external_labels: { env: prod }'));
  aws.parameters.set('/push', 'canary-parameter');
  const environment = { ...aws.environment, PUSH_TOKEN: 'canary-token' };
  const deployed = await there.bothways(['deploy', '--stage', 'prod'], environment);
  assert.equal(deployed.code, 0, deployed.stderr);
  const stack = aws.stacks.all.get(stackIn('eu-west-1')) ?? assert.fail('no stack');
  assert.deepEqual(
    [...stack.parameters],
    [['EnvPushToken', 'canary-token']],
    'it comes as the value of a hidden parameter',
  );
  assert.deepEqual(JSON.parse(stack.template).Parameters.EnvPushToken.NoEcho, true);
  await there.write('bothways.yml', listOf(['eu-west-1']));
  const kept = await there.bothways(['deploy', '--stage', 'prod'], environment);
  assert.equal(kept.code, 0, kept.stderr);
  const zip = (await there.files()).get('.bothways/function.zip') ?? assert.fail('no zip');
  const held = [
    ...[...(await there.files())].map(([name, content]) => [name, content.toString('latin1')] as const),
    ...[...aws.objects].map(([name, content]) => [name, content.toString('latin1')] as const),
    ...Object.entries(unzipSync(zip)).map(
      ([name, content]) => [name, Buffer.from(content).toString('latin1')] as const,
    ),
    ['template', stack.template],
    ['output', [deployed, kept].map(({ stdout, stderr }) => stdout + stderr).join()],
  ] as const;
  assert.ok(held.length > 10);
  for (const [name, text] of held) assert.equal(text.includes('canary'), false, name);
});

test('deploy: a new value of a secret is deployed though nothing else has changed', async () => {
  await using aws = await awsServer();
  await using there = await deployment(listOf(['eu-west-1'], '"${env:PUSH_TOKEN}"'));
  for (const PUSH_TOKEN of ['one', 'two'])
    assert.equal((await there.bothways(['deploy', '--stage', 'prod'], { ...aws.environment, PUSH_TOKEN })).code, 0);
  assert.deepEqual([...(aws.stacks.all.get(stackIn('eu-west-1'))?.parameters ?? [])], [['EnvPushToken', 'two']]);
});
