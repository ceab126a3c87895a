import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { authorityFile } from '../servers/certificates.ts';
import { key, listWorld as world } from './list-world.ts';

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
    [gzipSync(whole).subarray(0, 50), 'cannot be unpacked: it is damaged or cut off'],
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

test('newest list: where a missing object looks forbidden, the last good list stays and the right that lacks is named', async () => {
  await using there = await world({ mayList: false });
  const { probed, good } = await there.run();
  assert.deepEqual([probed, good], [['/first'], 0]);
  assert.equal(there.lines.length, 2);
  const [own, cluster] = there.lines;
  assert.match(
    own ?? '',
    /AccessDenied.*; an object that is not there looks the same without the right s3:ListBucket; list [0-9a-f]{12} stays in use$/,
  );
  assert.match(
    cluster ?? '',
    /clusters\/prod-a.*s3:ListBucket; what the cluster prod-a published before stays in use$/,
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
    'warn not all checks of the cluster prod-a are taken: own: its name does not begin with prod-a/, and 1 more';
  assert.deepEqual(there.lines, [remark]);
  await there.run();
  assert.deepEqual(there.lines, [remark], 'it is said once');
  there.aws.objects.set(cluster, Buffer.from('{"format":2,"half'));
  const broken = await there.run();
  // What is wrong with a cluster's object does not hide how the list of the stage is.
  assert.deepEqual([broken.reasons, broken.good], [['prod-a/found blocked_address'], 1]);
  assert.deepEqual(broken.reloaded, [['prod-a', '0/1', 0]]);
  assert.deepEqual(found.reloaded, [['prod-a', '0/1', 1]]);
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
