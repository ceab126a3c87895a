import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { awsServer } from '../servers/aws.ts';
import { hostileAnswers, hostileObjects } from '../servers/hostile-objects.ts';
import { clusterKey, key, listWorld } from './list-world.ts';

const hostile = clusterKey('prod-a');

test('cluster objects: whatever one holds, the own targets and those of other clusters are probed and pushed', async () => {
  await using there = await listWorld({ clusters: ['prod-a', 'prod-b'] });
  there.aws.objects.set(key, Buffer.from(there.list(['own'])));
  there.aws.objects.set(clusterKey('prod-b'), there.published(['prod-b/other']));
  for (const [what, body] of Object.entries(hostileObjects)) {
    there.aws.objects.set(hostile, body());
    const lines = there.lines.length;
    const { probed, good, reasons, undelivered, reloaded, leftOut } = await there.run();
    assert.deepEqual([probed, good, undelivered], [['/own'], 1, 0], what);
    assert.deepEqual(reasons, ['prod-b/other blocked_address'], what);
    const [[, , ok] = [], [, , otherOk] = []] = reloaded;
    const [[, , out] = []] = leftOut;
    assert.equal(otherOk, 1, what);
    assert.ok(ok === 0 || Number(out) > 0, `${what}: it is seen in a metric`);
    assert.match(there.lines.slice(lines).join('\n'), /prod-a/, `${what}: it is seen in the log`);
    // The next run has nothing to read, and says the same in its metric.
    assert.deepEqual((await there.run()).reloaded, reloaded, what);
    there.aws.objects.delete(hostile);
    await there.run();
  }
  assert.ok(there.lines.every((line) => line.length < 700 && !/\p{Cc}/u.test(line)));
});

test('cluster objects: however the bucket answers, the own targets are probed in time', async () => {
  await using there = await listWorld({ clusters: ['prod-a', 'prod-b'] });
  there.aws.objects.set(clusterKey('prod-b'), there.published(['prod-b/other']));
  await there.run();
  for (const [what, answer] of Object.entries(hostileAnswers)) {
    there.aws.byHand.set(hostile, answer);
    const { probed, reasons, reloaded, undelivered } = await there.run();
    assert.deepEqual([probed, reasons, undelivered], [['/first'], ['prod-b/other blocked_address'], 0], what);
    assert.deepEqual(
      reloaded.map(([cluster, , ok]) => [cluster, ok]),
      [
        ['prod-a', 0],
        ['prod-b', 1],
      ],
      what,
    );
  }
  there.aws.byHand.clear();
  there.aws.objects.set(hostile, there.published(['prod-a/good']));
  assert.deepEqual((await there.run()).reasons, ['prod-a/good blocked_address', 'prod-b/other blocked_address']);
});

test('cluster objects: what was taken before stays in use, and is forgotten when the object is taken away', async () => {
  await using there = await listWorld();
  there.aws.objects.set(hostile, there.published(['prod-a/good']));
  assert.deepEqual((await there.run()).reasons, ['prod-a/good blocked_address']);
  const broken = hostileObjects['600 checks with one label set of 100,000']?.() ?? assert.fail();
  there.aws.objects.set(hostile, broken);
  assert.deepEqual((await there.run()).reasons, ['prod-a/good blocked_address']);
  assert.match(
    there.lines.at(-1) ?? '',
    /^error s3:\/\/lists\/b\/prod\/clusters\/prod-a\/eu-west-1\.json .*; what the cluster prod-a published before stays in use$/,
  );
  // The rules are those of the list of the stage: a newer one takes what was taken by the old one's again.
  there.aws.objects.set(key, Buffer.from(there.list(['own', 'prod-a/good'])));
  assert.deepEqual((await there.run()).probed, ['/own', '/prod-a/good']);
  there.aws.objects.delete(hostile);
  const gone = await there.run();
  assert.deepEqual([gone.probed, gone.reloaded], [['/own', '/prod-a/good'], [['prod-a', '0/1', 1]]]);
});

test('cluster objects: 20 clusters that each write the most that is read do not keep the function from its own', async () => {
  const clusters = Array.from({ length: 20 }, (_, index) => `c${index}`);
  await using there = await listWorld({ clusters });
  const slow = Object.values(hostileObjects)
    .map((body) => body())
    .filter((body) => body.length < 524_288);
  for (const [index, cluster] of clusters.entries())
    there.aws.objects.set(clusterKey(cluster), slow[index % slow.length] ?? assert.fail());
  there.aws.objects.set(clusterKey('c7'), there.published(['c7/good']));
  for (let round = 0; round < 20; round += 1) {
    const { probed, undelivered, reasons } = await there.run();
    assert.deepEqual([probed, undelivered], [['/first'], 0]);
    // Those that take long wait for those that have waited longer.
    if (reasons.includes('c7/good blocked_address')) return;
  }
  assert.fail('the good one is never read');
});

test('newest list: one that is too large, too deep or a bomb leaves the deployed list in use', async () => {
  await using there = await listWorld();
  for (const [what, why] of [
    ['a bomb of 10 GiB in 10 MB', 'unpacks to more than 16 MiB'],
    ['a bomb of 500 MiB in 0.5 MB', 'unpacks to more than 16 MiB'],
    ['a JSON bomb, compressed', 'holds more than 1048576 values'],
    ['55 MB of JSON', 'is larger than 16 MiB'],
    ['nesting of a million levels', 'nests deeper than 64 levels'],
    ['parts of other kinds', 'is no packed list: its parts do not fit'],
    ['a compressed list with a wrong sum', 'cannot be unpacked: it is damaged or cut off'],
  ] as const) {
    there.aws.objects.set(key, hostileObjects[what]?.() ?? assert.fail(what));
    const { probed, good } = await there.run();
    assert.deepEqual([probed, good], [['/first'], 0], what);
    assert.ok(there.lines.at(-1)?.includes(`eu-west-1.json ${why}; list `), there.lines.at(-1));
    assert.equal((await there.run()).good, 0, what);
  }
  for (const [what, answer] of Object.entries(hostileAnswers)) {
    there.aws.byHand.set(key, answer);
    const { probed, good } = await there.run();
    assert.deepEqual([probed, good], [['/first'], 0], what);
  }
});

test('cluster objects: none takes more than a third of a small function', async (t) => {
  if (process.platform !== 'linux') return t.skip('only Linux tells how much memory a process had');
  await using aws = await awsServer();
  const worker = fileURLToPath(new URL('list-worker.ts', import.meta.url));
  const peak = async (body: Buffer): Promise<number> => {
    aws.objects.set('lists/b/clusters/prod-a/x.json', body);
    const { stdout } = await promisify(execFile)(process.execPath, [worker], {
      env: { ...process.env, ...aws.environment },
    });
    const { checks, peakBytes } = JSON.parse(stdout);
    assert.equal(checks, 1);
    return peakBytes;
  };
  const usual = await peak(Buffer.from('{}'));
  const mebibyte = 1_024 * 1_024;
  for (const [what, body] of Object.entries(hostileObjects)) {
    const more = (await peak(body())) - usual;
    assert.ok(more < 85 * mebibyte, `${what}: ${Math.round(more / mebibyte)} MiB`);
  }
  assert.throws(() => gunzipSync(hostileObjects['a bomb of 500 MiB in 0.5 MB']?.() ?? '', { maxOutputLength: 256e6 }));
});
