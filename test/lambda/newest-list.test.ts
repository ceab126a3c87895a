import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { probeDoor } from '../../src/lambda/probe-door.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { awsServer } from '../servers/aws.ts';
import { httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';

const vpc = { subnet_ids: ['s'], security_group_ids: ['g'] };
const key = 'lists/b/prod/lists/eu-west-1.json';

/** A function that reads its list from a bucket; `list` packs one of so many targets for a vantage. */
const world = async () => {
  const stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer());
  const web = stack.use(await httpServer());
  const push = stack.use(await receiver());
  const list = (names: readonly string[], vantage = 'eu-west-1'): string => {
    const loaded = loadValue(
      {
        vantages: { [vantage]: { kind: 'lambda', private: 'allow', vpc } },
        remote_write: [{ url: push.url, authorization: { credentials: '${ssm:/push}' } }],
        targets: names.map((name) => ({ name, target: `${web.url}/${name}`, side: 'outside' })),
      },
      { probers },
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} });
  };
  const read = readPacked(list(['first']));
  if (!read.ok) throw new Error(read.why);
  const lines: string[] = [];
  aws.parameters.set('/push', 'canary-push');
  const door = stack.use(
    probeDoor({
      packed: read.packed,
      vantage: 'eu-west-1',
      probers,
      environment: {
        ...aws.environment,
        BOTHWAYS_LIST_S3: 's3://lists/b/prod/lists/eu-west-1.json s3://lists/b/prod/clusters/prod-a/eu-west-1.json',
        BOTHWAYS_LIST_REGION: 'eu-west-1',
      },
      clock: marks(),
      log: ({ level, msg }) => void lines.push(`${level} ${msg}`),
    }),
  );
  let serial = 0;
  /** Runs a slot; gives the paths that were probed and what the run said of its list. */
  const run = async () => {
    serial += 1;
    const [probed, pushed] = [web.requests.length, push.pushes.length];
    const end = Date.now() + 30_000;
    const event = { slot: new Date(Math.floor(Date.now() / 60_000) * 60_000).toISOString(), id: String(serial) };
    const context = { getRemainingTimeInMillis: () => end - Date.now(), awsRequestId: event.id };
    const { list: hash, undelivered } = await door.handle(event, context);
    const said = push.pushes.slice(pushed).flatMap(({ series }) => series);
    const good = said.find(({ labels }) => labels.__name__ === 'bothways_list_last_reload_successful')?.value;
    const info = said.find(({ labels }) => labels.__name__ === 'bothways_list_info')?.labels.hash;
    assert.equal(info, hash);
    return {
      probed: web.requests
        .slice(probed)
        .map(({ path }) => path)
        .sort(),
      good,
      hash,
      undelivered,
    };
  };
  return { aws, web, push, door, lines, list, run, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() };
};

test('newest list: until somebody pushes one, what was deployed is in use', async () => {
  await using there = await world();
  const { probed, good, undelivered } = await there.run();
  assert.deepEqual([probed, good, undelivered, there.lines], [['/first'], 1, 0, []]);
});

test('newest list: what is pushed is in use at the next run, and is not fetched again', async () => {
  await using there = await world();
  await there.run();
  there.aws.objects.set(key, Buffer.from(there.list(['first', 'second'])));
  const second = await there.run();
  assert.deepEqual([second.probed, second.good], [['/first', '/second'], 1]);
  const third = await there.run();
  assert.deepEqual([third.probed, third.hash], [second.probed, second.hash]);
  there.aws.objects.set(key, gzipSync(there.list(['third'])));
  assert.deepEqual((await there.run()).probed, ['/third']);
});

test('newest list: what cannot be used is said once and in a metric, and the last good list stays', async () => {
  await using there = await world();
  there.aws.objects.set(key, Buffer.from(there.list(['good'])));
  const good = await there.run();
  const whole = there.list(['other']);
  for (const [body, why] of [
    ['hello', 'is no packed list'],
    [whole.replace('/other', '/evil0'), 'content does not fit its hash'],
    [whole.slice(0, whole.length / 2), 'is no packed list'],
    [there.list(['x'], 'us-east-1'), 'is a list without the vantage eu-west-1'],
    [gzipSync(whole).subarray(0, 50), 'is no packed list'],
  ] as const) {
    there.aws.objects.set(key, Buffer.from(body));
    const lines = there.lines.length;
    for (const time of ['first', 'second']) {
      const { probed, hash, good: reloaded } = await there.run();
      assert.deepEqual([probed, hash], [['/good'], good.hash], `${why}, ${time}`);
      // What was looked at already is not looked at again, and is no better for that.
      assert.equal(reloaded, 0);
    }
    assert.equal(there.lines.length, lines + 1);
    assert.ok(there.lines.at(-1)?.includes(why), there.lines.at(-1));
    assert.match(there.lines.at(-1) ?? '', /^error s3:\/\/lists\/b\/prod\/lists\/eu-west-1\.json .*stays in use$/);
  }
  there.aws.objects.set(key, Buffer.from(whole));
  const mended = await there.run();
  assert.deepEqual([mended.probed, mended.good], [['/other'], 1]);
});

test('newest list: a bucket that refuses or is not there costs nothing but a word', async () => {
  await using there = await world();
  there.aws.fail('GET', 403, 1);
  const refused = await there.run();
  assert.deepEqual([refused.probed, refused.good], [['/first'], 0]);
  assert.match(there.lines[0] ?? '', /cannot be read: status 403: Asked: to fail; list [0-9a-f]{12} stays in use/);
  assert.deepEqual((await there.run()).good, 1);
});

test('newest list: an expired token is fetched anew, once, and no secret is said', async () => {
  await using there = await world();
  await there.run();
  assert.equal(there.push.pushes.at(-1)?.headers.authorization, 'Bearer canary-push');
  there.aws.parameters.delete('/push');
  const asked = there.aws.calls.filter(({ service }) => service === 'ssm').length;
  await there.run();
  assert.equal(there.aws.calls.filter(({ service }) => service === 'ssm').length, asked, 'it is kept');
  assert.doesNotMatch(JSON.stringify(there.lines), /canary/);
});

test("newest list: what a cluster publishes is probed too, but in nobody else's place", async () => {
  await using there = await world();
  const cluster = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  there.aws.objects.set(key, Buffer.from(there.list(['own', 'prod-a/taken'])));
  assert.deepEqual((await there.run()).probed, ['/own', '/prod-a/taken']);
  there.aws.objects.set(cluster, Buffer.from(there.list(['prod-a/found', 'prod-a/taken', 'prod-b/foreign', 'own'])));
  const { probed, good } = await there.run();
  assert.deepEqual([probed, good], [['/own', '/prod-a/found', '/prod-a/taken'], 1]);
  there.aws.objects.set(cluster, Buffer.from('{"format":2,"half'));
  const broken = await there.run();
  assert.deepEqual([broken.probed, broken.good], [['/own', '/prod-a/found', '/prod-a/taken'], 0]);
  assert.match(there.lines.join('\n'), /clusters\/prod-a\/eu-west-1\.json/);
});
