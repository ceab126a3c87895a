import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { forLambda } from '../../src/config/lambda-files.ts';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { probeDoor } from '../../src/lambda/probe-door.ts';
import { marks } from '../../src/net/marks.ts';
import { resolver } from '../../src/net/resolve.ts';
import { probers } from '../../src/probers/index.ts';
import { awsServer } from '../servers/aws.ts';
import { authorityFile } from '../servers/certificates.ts';
import { a, dnsServer } from '../servers/dns.ts';
import { httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';

const vpc = { subnet_ids: ['subnet-1'], security_group_ids: ['sg-1'] };
const key = 'lists/b/prod/lists/eu-west-1.json';

/** A function that reads its list from a bucket; `list` packs one of so many targets for a vantage. */
const world = async (options: Parameters<typeof awsServer>[0] = {}) => {
  const stack = new AsyncDisposableStack();
  const aws = stack.use(await awsServer(options));
  const web = stack.use(await httpServer());
  const push = stack.use(await receiver());
  const names = stack.use(await dnsServer({ reply: () => ({ answers: [a('127.0.0.1')] }) }));
  /** What a cluster publishes: its names lead to this machine, which is no place of the public Internet. */
  const published = (targets: readonly string[], writtenAt?: number): Buffer => {
    const loaded = loadValue(
      {
        vantages: { 'eu-west-1': { kind: 'lambda' } },
        targets: targets.map((name) => ({ name, target: `http://found.example.com:${new URL(web.url).port}/${name}` })),
      },
      { probers },
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { compiled, literals } = loaded;
    return gzipSync(packList({ ...compiled, literals, externalLabels: {} }, undefined, writtenAt));
  };
  const list = (names: readonly string[], vantage = 'eu-west-1', http = {}): string => {
    const loaded = loadValue(
      {
        vantages: { [vantage]: { kind: 'lambda', private: 'allow', vpc } },
        remote_write: [{ url: push.url, authorization: { credentials: '${ssm:/push}' } }],
        targets: names.map((name) => ({ name, target: `${web.url}/${name}`, side: 'outside', http })),
      },
      { probers },
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return packList(forLambda({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} }).list);
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
        BOTHWAYS_LIST_CLUSTERS: 'prod-a=2',
      },
      clock: marks(),
      resolver: resolver({ servers: [`127.0.0.1:${names.port}`], search: [], hostsFile: '/nonexistent' }),
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
    const reasons = said
      .filter(({ labels }) => labels.__name__ === 'probe_failure_info')
      .map(({ labels }) => `${labels.name} ${labels.reason}`);
    const own = (name: string) =>
      said
        .filter(({ labels }) => labels.__name__ === name)
        .map(({ labels, value }) => [labels.cluster, labels.shard, value]);
    return {
      ages: own('bothways_cluster_list_age_seconds'),
      leftOut: own('bothways_cluster_checks_left_out'),
      slot: Date.parse(event.slot),
      reasons: reasons.sort(),
      probed: web.requests
        .slice(probed)
        .map(({ path }) => path)
        .sort(),
      good,
      hash,
      undelivered,
    };
  };
  return {
    aws,
    web,
    push,
    door,
    lines,
    list,
    published,
    run,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
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

test('newest list: one that refers to what the function was not deployed with is not used, and says to deploy', async () => {
  await using there = await world();
  const headers = (secret: string) => ({ headers: { X: secret } });
  await using authority = await authorityFile();
  for (const [http, missing] of [
    [headers('${env:NEW}'), '${env:NEW}'],
    [headers('${ssm:/new}'), '${ssm:/new}'],
    [headers('${secretsmanager:new#key}'), '${secretsmanager:new}'],
    [{ tls_config: { ca_file: authority.path } }, 'the file ca.pem'],
  ] as const) {
    there.aws.objects.set(key, Buffer.from(there.list(['second'], 'eu-west-1', http)));
    const { probed, good, undelivered } = await there.run();
    assert.deepEqual([probed, good, undelivered], [['/first'], 0, 0], missing);
    assert.match(
      there.lines.at(-1) ?? '',
      /^error s3:\/\/lists\/b\/prod\/lists\/eu-west-1\.json needs a deployment first: it refers to .*; list [0-9a-f]{12} stays in use$/,
    );
    assert.ok(there.lines.at(-1)?.includes(`it refers to ${missing};`), there.lines.at(-1));
  }
  there.aws.objects.set(key, Buffer.from(there.list(['second'], 'eu-west-1', headers('${ssm:/push}'))));
  const known = await there.run();
  assert.deepEqual([known.probed, known.good], [['/second'], 1]);
});

test('newest list: a bucket that refuses or is not there costs nothing but a word', async () => {
  await using there = await world();
  there.aws.fail('GET', 403, 1);
  const refused = await there.run();
  assert.deepEqual([refused.probed, refused.good], [['/first'], 0]);
  assert.match(there.lines[0] ?? '', /cannot be read: status 403: Asked: to fail; list [0-9a-f]{12} stays in use/);
  there.aws.gone.add('lists');
  assert.deepEqual([(await there.run()).good, (await there.run()).good], [0, 0]);
  assert.match(there.lines.at(-1) ?? '', /cannot be read: status 404: NoSuchBucket: .* stays in use$/);
  there.aws.gone.clear();
  assert.deepEqual((await there.run()).good, 1);
  there.aws.objects.set(key, Buffer.from(there.list(['pushed'])));
  assert.deepEqual((await there.run()).good, 1);
  there.aws.fail('GET', 403, 1);
  assert.deepEqual((await there.run()).good, 0);
  assert.deepEqual((await there.run()).good, 1, 'nothing has changed, and nothing is wrong any more');
  there.aws.objects.set(key, Buffer.from('{"format":2,"half'));
  assert.deepEqual([(await there.run()).good, (await there.run()).good], [0, 0], 'what is wrong there stays wrong');
});

test('newest list: an object that is taken away leaves what was deployed, in running functions as in new ones', async () => {
  await using there = await world();
  there.aws.objects.set(key, Buffer.from(there.list(['pushed'])));
  assert.deepEqual((await there.run()).probed, ['/pushed']);
  there.aws.objects.delete(key);
  const { probed, good } = await there.run();
  assert.deepEqual([probed, good], [['/first'], 1]);
  there.aws.objects.set(key, Buffer.from(there.list(['pushed'])));
  assert.deepEqual((await there.run()).probed, ['/pushed']);
});

test('newest list: a list that unpacks to more than there is room for is none', async () => {
  await using there = await world();
  const bomb = gzipSync(Buffer.alloc(20 * 1_024 * 1_024, ' '));
  assert.ok(bomb.length < 100_000);
  there.aws.objects.set('lists/b/prod/clusters/prod-a/eu-west-1.json', bomb);
  const { probed, good } = await there.run();
  assert.deepEqual([probed, good], [['/first'], 0]);
  assert.match(there.lines.join(), /clusters\/prod-a\/eu-west-1\.json is no packed list/);
});

test('newest list: where a missing object looks forbidden, the last good list stays and the right that lacks is named', async () => {
  await using there = await world({ mayList: false });
  const { probed, good } = await there.run();
  assert.deepEqual([probed, good], [['/first'], 0]);
  assert.equal(there.lines.length, 1);
  assert.match(
    there.lines[0] ?? '',
    /AccessDenied.*; an object that is not there looks the same without the right s3:ListBucket; list [0-9a-f]{12} stays in use$/,
  );
  there.aws.objects.set(key, Buffer.from(there.list(['pushed'])));
  assert.deepEqual((await there.run()).probed, ['/pushed']);
});

test('newest list: the token of a receiver is read once for many runs, and is never said', async () => {
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
  const names = ['prod-a/found', 'prod-a/taken', 'prod-b/foreign', 'own'];
  there.aws.objects.set(cluster, there.published(names));
  const found = await there.run();
  // Its name leads into a private network, where nobody but the list's authors may have a function look.
  assert.deepEqual(found.reasons, ['prod-a/found blocked_address']);
  assert.deepEqual([found.probed, found.good], [['/own', '/prod-a/taken'], 1]);
  const remark =
    'warn not all checks of the cluster prod-a are taken: prod-b/foreign: its name does not begin with prod-a/, and 1 more';
  assert.deepEqual(there.lines, [remark]);
  await there.run();
  assert.deepEqual(there.lines, [remark], 'it is said once');
  there.aws.objects.set(cluster, Buffer.from('{"format":2,"half'));
  const broken = await there.run();
  assert.deepEqual([broken.reasons, broken.good], [['prod-a/found blocked_address'], 0]);
  assert.match(there.lines.join('\n'), /clusters\/prod-a\/eu-west-1\.json/);
});

test('newest list: an object that a cluster forged does not keep a function from its own list', async () => {
  await using there = await world();
  const cluster = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  const forged = (content: object) => {
    const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 12);
    return Buffer.from(JSON.stringify({ format: 2, hash, ...content }));
  };
  const empty = { vantages: [], endpoints: [], externalLabels: {}, literals: {}, common: {}, targets: [], modules: [] };
  for (const content of [
    {},
    { ...empty, checks: 7 },
    { ...empty, vantages: [{ name: 'eu-west-1' }], targets: [7], modules: [[]], checks: [['a', 'b', 0, 0, 0, null]] },
  ]) {
    there.aws.objects.set(cluster, forged(content));
    const { probed } = await there.run();
    assert.deepEqual(probed, ['/first'], JSON.stringify(content));
  }
  assert.match(there.lines.at(-1) ?? '', /prod-a are taken: one: it is no check$/);
});

test('newest list: of a cluster no more targets are taken than the deployment planned for, the first by name', async () => {
  await using there = await world();
  const cluster = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  there.aws.objects.set(cluster, there.published(['prod-a/c', 'prod-a/a', 'prod-a/b']));
  const { reasons, good } = await there.run();
  assert.deepEqual([reasons, good], [['prod-a/a blocked_address', 'prod-a/b blocked_address'], 1]);
  assert.match(there.lines.join(), /1 are above the 2 targets that it may have$/);
});

test('newest list: how old the word of a cluster is travels as series, and targets are probed however old it is', async () => {
  await using there = await world();
  const cluster = 'lists/b/prod/clusters/prod-a/eu-west-1.json';
  const never = await there.run();
  assert.deepEqual(never.ages, [['prod-a', '0/1', Number.POSITIVE_INFINITY]]);
  assert.deepEqual(never.leftOut, [['prod-a', '0/1', 0]]);
  const longAgo = Date.now() - 86_400_000;
  there.aws.objects.set(cluster, there.published(['prod-a/a', 'foreign'], longAgo));
  const old = await there.run();
  const [[, , age] = []] = old.ages;
  assert.ok(Number(age) >= 86_400 && Number(age) <= (Date.now() - longAgo) / 1_000, `${age}`);
  assert.deepEqual([old.reasons, old.leftOut], [['prod-a/a blocked_address'], [['prod-a', '0/1', 1]]]);
  there.aws.objects.set(cluster, there.published(['prod-a/a'], Date.now() + 3_600_000));
  assert.deepEqual((await there.run()).ages, [['prod-a', '0/1', 0]]);
});
