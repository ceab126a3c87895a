import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listInUse } from '../../src/agent/list-in-use.ts';
import { readList } from '../../src/agent/list-keeper.ts';
import { probers } from '../../src/probers/index.ts';
import { issue } from '../servers/certificates.ts';
import { asNobody } from '../servers/nobody.ts';

/** A list in a folder, in use; `use` may fail. */
const inUse = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-in-use-'));
  const path = join(folder, 'list');
  await mkdir(path);
  const write = (...hosts: string[]) =>
    writeFile(join(path, 'a.yml'), JSON.stringify({ vantages: { a: { kind: 'agent' } }, targets: hosts }));
  await write('tcp://one.svc:1');
  await chmod(folder, 0o755);
  const source = { paths: [path], vantage: 'a', probers, environment: {} };
  const first = await readList(source, undefined, 0);
  if (first.kind !== 'new') assert.fail(JSON.stringify(first));
  const lines: string[] = [];
  const state = { fails: false };
  const list = await listInUse({
    first: first.list,
    source,
    shard: { index: 0, of: 1 },
    log: (level, text) => void lines.push(`${level} ${text}`),
    expand: async (checks) => checks,
    found: { set: async () => {}, checks: () => [], refresh: () => {} },
    use: async () => {
      if (state.fails) throw new Error('out of order');
    },
  });
  return { list, state, lines, path, write, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};

test('list in use: a folder that cannot be read any more leaves the list before in use', async () => {
  await using there = await inUse();
  await chmod(there.path, 0o000);
  const problems = await asNobody(there.list.reload);
  await chmod(there.path, 0o755);
  assert.deepEqual(problems, [`${there.path}: may not be read by this user`]);
  assert.deepEqual(there.lines, [`error ${problems[0]}; the list before stays in use`]);
  assert.equal(there.list.checks().length, 1);
  assert.deepEqual(await there.list.reload(), []);
});

test('list in use: what nobody foresaw ends no reload; it is said once, and tried again until it works', async () => {
  await using there = await inUse();
  there.state.fails = true;
  await there.write('tcp://one.svc:1', 'tcp://two.svc:1');
  const why = 'the list could not be brought into use: out of order';
  assert.deepEqual([await there.list.reload(), await there.list.reload()], [[why], [why]]);
  await there.list.foundAnew();
  assert.deepEqual([there.list.problem(), there.lines], [why, [`error ${why}`]]);
  there.state.fails = false;
  assert.deepEqual(await there.list.reload(), []);
  assert.deepEqual([there.list.problem(), there.list.checks().length], [undefined, 2]);
});

test('list in use: a list that was bad for a file that was not there is good once it is, although its text is the same', async () => {
  await using there = await inUse();
  const authorities = `${there.path}.pem`;
  await writeFile(
    join(there.path, 'a.yml'),
    JSON.stringify({ vantages: { a: { kind: 'agent' } }, ca_file: authorities, targets: ['tcp://one.svc:1'] }),
  );
  const first = await there.list.reload();
  assert.equal(first.length, 1);
  assert.deepEqual(await there.list.reload(), first);
  assert.equal(there.lines.length, 1, there.lines.join('\n'));
  await writeFile(authorities, (await issue({ ca: true })).cert);
  assert.deepEqual(await there.list.reload(), []);
  assert.equal(there.list.problem(), undefined);
});

test('list in use: a reading that is asked for while another is under way comes after it, and what is found does not swallow it', async () => {
  await using there = await inUse();
  const found = there.list.foundAnew();
  await there.write('tcp://one.svc:1', 'tcp://two.svc:1');
  const [, problems] = await Promise.all([found, there.list.reload()]);
  assert.deepEqual([problems, there.list.checks().length], [[], 2]);
  const early = there.list.reload();
  await there.write('tcp://one.svc:1', 'tcp://two.svc:1', 'tcp://three.svc:1');
  await Promise.all([early, there.list.reload()]);
  assert.equal(there.list.checks().length, 3);
  await there.list.settled();
});
