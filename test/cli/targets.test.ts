import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { listText } from '../../src/config/list-text.ts';
import { loadTexts } from '../../src/config/load.ts';
import { readPacked } from '../../src/config/packed.ts';
import { probers } from '../../src/probers/index.ts';
import { awsServer } from '../servers/aws.ts';
import { cli } from './console.ts';
import { listFile } from './world.ts';

const bucket = 'aws: { list: { bucket: lists, region: eu-central-1, prefix: b/ } }';
const listOf = (targets: string, more = bucket) => `
${more}
vantages: { eu-west-1: { kind: lambda }, us-east-1: { kind: lambda }, laptop: { kind: agent } }
remote_write: [{ url: "https://push.example.com/", authorization: { credentials: "\${ssm:/push}" } }]
modules: { api: { prober: http, http: { headers: { X-Probe: "\${env:WAF}" } } } }
targets:
  - { name: in, target: "http://in.svc" }
${targets}`;
const first = listOf(
  '  - { name: shop, target: "https://shop.example.com", module: api, interval: 1m, http: { headers: { X-Probe: "${ssm:/waf}" } } }',
);
const second = listOf(
  '  - { name: shop, target: "https://shop.example.com", module: api, interval: 2m, http: { headers: { X-Probe: "${ssm:/other}" } } }\n  - https://new.example.com',
);

/** A bucket, and `bothways targets` with a list. */
const world = async () => {
  const stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer());
  const targets = async (action: string, list: string, ...words: string[]) => {
    await using file = await listFile(list);
    return await cli(['targets', action, '--stage', 'prod', '--config', file.path, ...words], {
      environment: { ...aws.environment, WAF: 'canary-waf' },
    });
  };
  return { aws, targets, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
};

test('targets: what is pushed is a list for each region, and the list as it was written', async () => {
  await using there = await world();
  const { code, stdout, stderr } = await there.targets('push', first);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^ {2}eu-west-1 {2}none -> [0-9a-f]{12}\n {2}us-east-1 {2}none -> [0-9a-f]{12}\n$/);
  assert.deepEqual([...there.aws.objects.keys()].sort(), [
    'lists/b/prod/list.json',
    'lists/b/prod/lists/eu-west-1.json',
    'lists/b/prod/lists/us-east-1.json',
  ]);
  const packed = there.aws.objects.get('lists/b/prod/lists/us-east-1.json') ?? assert.fail('none');
  const read = readPacked(gunzipSync(packed).toString());
  assert.ok(read.ok);
  assert.deepEqual(
    read.packed.checks.map(({ id }) => id),
    ['shop@us-east-1'],
  );
  for (const call of there.aws.calls) assert.deepEqual([call.service, call.region], ['s3', 'eu-central-1']);
  const again = await there.targets('push', first);
  assert.equal(again.stdout, '  eu-west-1  unchanged\n  us-east-1  unchanged\n');
});

test('targets: what is pulled is a list that says the same, with its references', async () => {
  await using there = await world();
  await there.targets('push', first);
  const { code, stdout } = await there.targets('pull', second);
  assert.equal(code, 0);
  assert.match(stdout, /X-Probe: \$\{ssm:\/waf\}/);
  const differs = await there.targets('diff', stdout);
  assert.deepEqual([differs.code, differs.stdout], [0, 'What functions read is what the list says.\n']);
  assert.doesNotMatch(stdout, /canary/);
});

test('targets: a difference is said target by target, key by key, and in the exit code', async () => {
  await using there = await world();
  await there.targets('push', first);
  const { code, stdout } = await there.targets('diff', second);
  assert.equal(code, 1);
  assert.match(stdout, /^ {2}\+ {2}new\.example\.com$/m);
  assert.match(stdout, /^ {2}~ {2}shop +http\.headers\.X-Probe +\$\{ssm:\/waf\} -> \$\{ssm:\/other\}$/m);
  assert.match(stdout, /^ {2}~ {2}shop +interval +1m -> 2m$/m);
  assert.match(stdout, /^ {2}list of {2}eu-west-1 {2}[0-9a-f]{12} -> [0-9a-f]{12}$/m);
  const { changes, differs, vantages } = JSON.parse((await there.targets('diff', second, '--json')).stdout);
  assert.deepEqual([differs, changes.length, Object.keys(vantages)], [true, 3, ['eu-west-1', 'us-east-1']]);
});

test('targets: half a push, or an object that is not ours, is seen, and mended by the next push', async () => {
  await using there = await world();
  await there.targets('push', first);
  there.aws.objects.set('lists/b/prod/lists/us-east-1.json', Buffer.from('{"not":"ours"}'));
  const { code, stdout } = await there.targets('diff', first);
  assert.equal(code, 1);
  assert.match(stdout, /^ {2}list of {2}us-east-1 {2}no list of ours -> [0-9a-f]{12}$/m);
  assert.match((await there.targets('push', first)).stdout, /us-east-1 {2}no list of ours -> /);
  assert.equal((await there.targets('diff', first)).code, 0);
  there.aws.objects.set('lists/b/prod/list.json', Buffer.from('version: 99'));
  const newer = await there.targets('diff', first);
  assert.equal(newer.code, 1);
  assert.match(newer.stderr, /s3:\/\/lists\/b\/prod\/list\.json is no list that this version reads/);
});

test('targets: who pushes at the same time as somebody else is told, and overwrites nothing', async () => {
  await using there = await world();
  await there.targets('push', first);
  const before = there.aws.objects.get('lists/b/prod/lists/eu-west-1.json');
  there.aws.fail('PUT', 412, 1);
  const { code, stderr } = await there.targets('push', second);
  assert.equal(code, 1);
  assert.match(stderr, /somebody else pushed s3:\/\/lists\/b\/prod\/lists\/eu-west-1\.json meanwhile; look at/);
  assert.equal(there.aws.objects.get('lists/b/prod/lists/eu-west-1.json'), before);
});

test('targets: a list that has functions probe nothing is not written, unless that is meant', async () => {
  await using there = await world();
  await there.targets('push', first);
  const before = new Map(there.aws.objects);
  const empty = first.replace(/targets:\n.*$/s, 'targets: []');
  for (const words of [[], ['--out', '/dev/null/none']]) {
    const { code, stderr } = await there.targets('push', empty, ...words);
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /no target of the list is probed from a Lambda vantage, .*; write --allow-empty if that is meant/,
    );
  }
  assert.deepEqual(there.aws.objects, before);
  assert.equal((await there.targets('push', empty, '--allow-empty')).code, 0);
  const packed = there.aws.objects.get('lists/b/prod/lists/us-east-1.json') ?? assert.fail('none');
  const read = readPacked(gunzipSync(packed).toString());
  assert.deepEqual(read.ok && read.packed.checks, []);
});

test('targets: a vantage that the list no longer has is named, with what removes its function', async () => {
  await using there = await world();
  await there.targets('push', first);
  const less = first.replace(', us-east-1: { kind: lambda }', '');
  const said =
    'warning: us-east-1 is no longer in the list, and its function goes on with the one it has; remove it: bothways remove --stage prod --stack bothways-prod-us-east-1\n';
  const diff = await there.targets('diff', less);
  assert.deepEqual([diff.code, diff.stderr], [1, said]);
  assert.match(diff.stdout, /^ {2}list of {2}us-east-1 {2}[0-9a-f]{12} -> none$/m);
  const { differs, vantages } = JSON.parse((await there.targets('diff', less, '--json')).stdout);
  assert.deepEqual([differs, /^[0-9a-f]{12} -> none$/.test(vantages['us-east-1'])], [true, true]);
  const push = await there.targets('push', less);
  assert.deepEqual([push.code, push.stderr], [0, said]);
});

test('targets: what a function must be deployed for first is said when it is pushed', async () => {
  await using there = await world();
  const many = (count: number) =>
    listOf(Array.from({ length: count }, (_, index) => `  - https://www${index}.example.com`).join('\n'));
  assert.equal((await there.targets('push', many(100))).stderr, '');
  const grown = await there.targets('push', many(151));
  assert.equal(grown.code, 0);
  assert.match(
    grown.stderr,
    /^warning: eu-west-1: 151 checks, and there were 100; the number of shards is that of the last deployment: bothways deploy --stage prod$/m,
  );
  assert.equal((await there.targets('push', many(152))).stderr, '');
  const { stderr } = await there.targets('push', second);
  assert.match(
    stderr,
    /^warning: us-east-1: new in the list is \$\{ssm:\/other\}; a function that was not deployed with it keeps the list it has: bothways deploy --stage prod$/m,
  );
});

test('targets: with --if-configured a list without a bucket is none to push', async () => {
  await using there = await world();
  const none = await there.targets('push', first.replace(bucket, ''), '--if-configured');
  assert.deepEqual([none.code, none.stdout, there.aws.calls], [0, '', []]);
  assert.equal(none.stderr, 'the list names no bucket, so there is nothing to push\n');
  assert.equal((await there.targets('push', first, '--if-configured')).code, 0);
  assert.match((await there.targets('diff', first, '--if-configured')).stderr, /--if-configured is for push/);
  assert.equal(there.aws.objects.size, 3);
});

test('targets: what is missing or forbidden is said in one line', async () => {
  await using there = await world();
  const none = await there.targets('pull', first);
  assert.deepEqual([none.code, none.stdout], [1, '']);
  assert.match(none.stderr, /there is no s3:\/\/lists\/b\/prod\/list\.json; `bothways targets push` writes it/);
  assert.match(
    (await there.targets('push', first.replace(bucket, ''))).stderr,
    /the list names no bucket; write `aws: \{ list:/,
  );
  const open = await there.targets('push', first.replace('"${ssm:/push}"', 'canary-open'));
  assert.equal(open.code, 2);
  assert.match(
    open.stderr,
    /1 secrets stand in the open, the first at .*remote_write\[0\]\.authorization\.credentials/,
  );
  assert.doesNotMatch(open.stdout + open.stderr, /canary/);
  there.aws.fail('GET', 403, 9);
  const denied = await there.targets('diff', first);
  assert.deepEqual([denied.code, denied.stdout], [1, '']);
  assert.match(denied.stderr, /^bothways: s3:\/\/lists\/b\/prod\/list\.json cannot be read: status 403/m);
  assert.match((await there.targets('oush', first)).stderr, /write push, pull or diff/);
  assert.match((await cli(['targets'])).stderr, /targets needs an ACTION \(push, pull or diff\): bothways targets/);
});

test('list as text: it loads to the same list again', () => {
  for (const text of [first, second]) {
    const loaded = loadTexts([{ file: 'list.yaml', text }], { probers });
    if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
    const again = loadTexts([{ file: 'list.yaml', text: listText(loaded.list) }], { probers });
    if (!again.ok) assert.fail(JSON.stringify(again.problems));
    assert.deepEqual(again.compiled, loaded.compiled);
    assert.deepEqual(again.list, loaded.list);
  }
});

test('targets: with --out the same objects are written into a folder, and AWS is not asked', async () => {
  await using there = await world();
  const folder = await mkdtemp(join(tmpdir(), 'bothways-targets-'));
  try {
    const { code, stdout, stderr } = await there.targets('push', first, '--out', folder);
    assert.deepEqual([code, stderr, there.aws.calls], [0, '', []]);
    await there.targets('push', first);
    const keys = [...there.aws.objects.keys()];
    assert.equal(stdout.split('\n').filter(Boolean).length, keys.length);
    for (const key of keys) {
      const [there1, written] = [there.aws.objects.get(key), await readFile(join(folder, key.replace('lists/', '')))];
      assert.deepEqual(there1, written, key);
    }
    assert.match((await there.targets('diff', first, '--out', folder)).stderr, /--out is for push/);
    assert.match((await there.targets('push', first, '--out', '/dev/null')).stderr, /cannot be written to: ENOTDIR/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('targets: a bucket that is not there is no bucket without a list', async () => {
  await using there = await world();
  there.aws.gone.add('lists');
  for (const action of ['diff', 'pull', 'push']) {
    const { code, stdout, stderr } = await there.targets(action, first);
    assert.deepEqual([code, stdout], [1, ''], action);
    assert.match(
      stderr,
      /^bothways: s3:\/\/lists\/b\/prod\/list\.json cannot be read: status 404: NoSuchBucket: .*\n$/,
    );
  }
});
