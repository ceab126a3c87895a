import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { readList } from '../../src/agent/list-keeper.ts';
import { remoteLists } from '../../src/agent/remote-lists.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { probers } from '../../src/probers/index.ts';
import { awsServer } from '../servers/aws.ts';
import { listening } from '../servers/tcp.ts';

const list = (target: string) => `vantages: { a: { kind: agent } }\ntargets: [ "tcp://${target}:1" ]\n`;

/** Something that serves a list with an ETag, and counts what it sent. */
const server = async () => {
  const state = { text: list('one.svc'), status: 200, sent: [] as number[] };
  const http = createServer((request, response) => {
    const etag = `"${state.text.length}-${state.text.slice(40, 60)}"`.replaceAll('\n', '');
    const status = state.status === 200 && request.headers['if-none-match'] === etag ? 304 : state.status;
    state.sent.push(status);
    response.writeHead(status, { ETag: etag }).end(status === 200 ? state.text : undefined);
  });
  const { port, [Symbol.asyncDispose]: close } = await listening(http);
  return { state, url: `http://127.0.0.1:${port}/list.yml`, [Symbol.asyncDispose]: close };
};

test('remote lists: one over HTTP is read again when its ETag is another, and what is wrong is said', async () => {
  await using there = await server();
  await using kit = makeKit();
  await using remote = remoteLists(kit, {}, 0);
  const source = { paths: [there.url], vantage: undefined, probers, environment: {}, remote };
  const first = await readList(source, undefined, 0);
  if (first.kind !== 'new') assert.fail(JSON.stringify(first));
  assert.deepEqual(
    first.list.checks.map(({ id }) => id),
    ['one.svc:1@a'],
  );
  assert.equal((await readList(source, first.list.hash, 0)).kind, 'same');
  assert.deepEqual(there.state.sent, [200, 304]);
  there.state.text = list('two-of-them.svc');
  const second = await readList(source, first.list.hash, 0);
  if (second.kind !== 'new') assert.fail(JSON.stringify(second));
  assert.deepEqual(
    second.list.checks.map(({ id }) => id),
    ['two-of-them.svc:1@a'],
  );
  there.state.status = 503;
  const away = await readList(source, second.list.hash, 0);
  assert.deepEqual(away.kind === 'bad' ? away.problems : away, [`${there.url}: cannot be read: status 503`]);
  there.state.status = 200;
  there.state.text = 'targets: [';
  assert.equal((await readList(source, second.list.hash, 0)).kind, 'bad');
});

test('remote lists: nobody is asked more often than every half minute', async () => {
  await using there = await server();
  await using kit = makeKit();
  await using remote = remoteLists(kit, {});
  for (let times = 0; times < 3; times += 1) await remote.read(there.url);
  assert.equal(there.state.sent.length, 1);
});

test('remote lists: one in a bucket is read with its ETag; without a region, an object or rights it is said', async () => {
  await using aws = await awsServer();
  aws.objects.set('lists/edge/prod.yml', Buffer.from(list('three.svc')));
  await using kit = makeKit({ environment: aws.environment });
  const read = async (url: string, environment: Record<string, string> = {}) => {
    await using remote = remoteLists(kit, environment, 0);
    const [one, two] = [await remote.read(url), await remote.read(url)];
    assert.deepEqual(one, two);
    return 'text' in one ? one.text : one.problem;
  };
  assert.equal(await read('s3://lists/edge/prod.yml?region=eu-west-1'), list('three.svc'));
  assert.equal(await read('s3://lists/edge/prod.yml', { AWS_REGION: 'eu-west-1' }), list('three.svc'));
  assert.match(await read('s3://lists/edge/prod.yml'), /no region; write it behind the key/);
  assert.match(await read('s3://lists/none.yml?region=eu-west-1'), /there is no such object/);
  aws.fail('GET', 403, 9);
  assert.match(await read('s3://lists/edge/prod.yml?region=eu-west-1'), /cannot be read: .*403/);
});
