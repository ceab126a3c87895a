import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isProbeable, kit } from '../../src/net/kit.ts';
import { secretUnavailable } from '../../src/net/secrets.ts';

const folder = async (stack: AsyncDisposableStack): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(path, { recursive: true }));
  return path;
};

test('kit: metadata services and link-local addresses are not dialled, nor is what is not an address', () => {
  for (const ip of [
    '169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '169.254.1.1',
    'fe80::1%eth0',
    'name',
    '',
  ])
    assert.equal(isProbeable(ip), false, ip);
  for (const ip of ['127.0.0.1', '::1', '10.0.0.1', '8.8.8.8', '2606:4700::1111'])
    assert.equal(isProbeable(ip), true, ip);
});

test('kit: a secret is read from where its reference says, and a text is itself', async () => {
  await using stack = new AsyncDisposableStack();
  const path = join(await folder(stack), 'secret');
  await writeFile(path, 'from a file\n');
  const literals = new Map([['literal:remote_write.0.password', 'from the list']]);
  const { secret } = stack.use(kit({ environment: { TOKEN: 'from outside', EMPTY: '' }, literals }));
  assert.equal(await secret('plain'), 'plain');
  assert.equal(await secret({ secret: 'env:TOKEN' }), 'from outside');
  assert.equal(await secret({ secret: 'env:EMPTY' }), '');
  assert.equal(await secret({ secret: `file:${path}` }), 'from a file');
  assert.equal(await secret({ secret: 'literal:remote_write.0.password' }), 'from the list');
});

test('kit: a secret that is not there is an error that names the reference and no value', async () => {
  await using own = kit({ environment: { OTHER: 'hunter2' } });
  for (const reference of [
    'env:NOPE',
    'env:constructor',
    'file:/nonexistent/secret',
    'literal:x',
    'ssm:/name',
    'secretsmanager:id',
    'odd',
  ]) {
    await assert.rejects(own.secret({ secret: reference }), (error: Error & { code?: string }) => {
      assert.equal(error.code, secretUnavailable, reference);
      assert.ok(error.message.startsWith(`${reference}: `) && !error.message.includes('hunter2'), error.message);
      return true;
    });
  }
});

test('kit: a file is read anew when it has changed or was replaced, and only then', async () => {
  await using stack = new AsyncDisposableStack();
  const { file } = stack.use(kit());
  const path = join(await folder(stack), 'a.pem');
  await writeFile(path, 'one');
  const first = await file(path);
  assert.equal(first.toString(), 'one');
  assert.equal(await file(path), first);
  await writeFile(path, 'second');
  assert.equal((await file(path)).toString(), 'second');
  await writeFile(`${path}.new`, 'thirds');
  await rename(`${path}.new`, path);
  assert.equal((await file(path)).toString(), 'thirds');
  await assert.rejects(file(`${path}.gone`), { code: 'ENOENT' });
});

test('kit: what a prober keeps is made once by key, and closed with the kit, last first', async () => {
  const closed: string[] = [];
  const make = (name: string) => () => ({
    name,
    [Symbol.asyncDispose]: async () => {
      closed.push(name);
    },
  });
  {
    await using own = kit();
    const first = own.own('a', make('a'));
    assert.equal(own.own('a', make('other')), first);
    own.own('b', make('b'));
    assert.deepEqual(closed, []);
  }
  assert.deepEqual(closed, ['b', 'a']);
});

test('kit: two kits share nothing', async () => {
  await using one = kit();
  await using two = kit();
  const make = () => ({ [Symbol.asyncDispose]: async () => {} });
  assert.notEqual(one.own('a', make), two.own('a', make));
});
