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
  if (away.kind !== 'bad') assert.fail(away.kind);
  assert.deepEqual([away.problems, away.away], [[`${there.url}: cannot be read: status 503`], true]);
  there.state.status = 200;
  there.state.text = 'targets: [';
  const wrong = await readList(source, second.list.hash, 0);
  assert.deepEqual(wrong.kind === 'bad' && wrong.away, false);
  const nowhere = await readList({ ...source, paths: ['s3://bucket/list.yml'] }, undefined, 0);
  if (nowhere.kind !== 'bad') assert.fail(nowhere.kind);
  assert.match(nowhere.problems.join(), /no region/);
  assert.equal(nowhere.away, false);
});

test('remote lists: a password in the URL is sent as a header, and neither it nor a token of the query is ever shown', async () => {
  const seen: (string | undefined)[] = [];
  const state = { status: 200, text: list('one.svc') };
  const http = createServer((request, response) => {
    seen.push(request.headers.authorization, request.url);
    response.writeHead(state.status).end(state.text);
  });
  const { port, [Symbol.asyncDispose]: close } = await listening(http);
  await using _ = { [Symbol.asyncDispose]: close };
  await using kit = makeKit();
  await using remote = remoteLists(kit, {}, 0);
  const url = `http://git:canary%20one@127.0.0.1:${port}/list.yml?private_token=canary`;
  const source = { paths: [url], vantage: undefined, probers, environment: {}, remote };
  const said: unknown[] = [await readList(source, undefined, 0)];
  assert.deepEqual(seen, [
    `Basic ${Buffer.from('git:canary one').toString('base64')}`,
    '/list.yml?private_token=canary',
  ]);
  state.text = 'targets: [ 7 ]';
  said.push(await readList(source, undefined, 0));
  // A server that answers with what it was asked.
  for (const text of [
    `\n"${seen[0]}": 1\n"${seen[1]}": 2\n`,
    'modules: { "git:canary one": { prober: "canary one" } }',
  ]) {
    state.text = text;
    said.push(await readList(source, undefined, 0));
  }
  state.status = 403;
  said.push(await readList(source, undefined, 0));
  await close();
  said.push(await readList(source, undefined, 0));
  assert.deepEqual(
    said.map((one) => Object(one).kind),
    ['new', 'bad', 'bad', 'bad', 'bad', 'bad'],
  );
  assert.match(JSON.stringify(said[4]), /127\.0\.0\.1:\d+\/list\.yml: cannot be read: status 403/);
  for (const secret of ['canary', Buffer.from('git:canary one').toString('base64')])
    assert.ok(!JSON.stringify(said).includes(secret), JSON.stringify(said));
});

test('remote lists: nobody is asked more often than every half minute, unless somebody wants it so', async () => {
  await using there = await server();
  await using kit = makeKit();
  await using remote = remoteLists(kit, {});
  for (let times = 0; times < 3; times += 1) await remote.read(there.url);
  assert.equal(there.state.sent.length, 1);
  remote.askAgain();
  await remote.read(there.url);
  assert.equal(there.state.sent.length, 2);
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
