import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kit } from '../../src/net/kit.ts';
import { tlsSettings } from '../../src/net/settings.ts';
import { chain, issue } from '../servers/certificates.ts';

test('trust: settings that say the same share one context', async () => {
  await using own = kit();
  const { root } = await chain();
  const of = (settings: object) => own.trust.of(tlsSettings.parse(settings));
  assert.equal(await of({}), await of({}));
  assert.equal(await of({ ca: root.cert }), await of({ ca: root.cert }));
  assert.equal(await of({ server_name: 'a.example' }), await of({ insecure_skip_verify: true }));
  assert.notEqual(await of({}), await of({ ca: root.cert }));
  assert.notEqual(await of({}), await of({ min_version: 'TLS13' }));
});

test('trust: a CA replaces the roots that Node brings', async () => {
  await using own = kit();
  const { root } = await chain();
  const { roots } = await own.trust.of(tlsSettings.parse({ ca: root.cert }));
  assert.deepEqual(
    roots.map(({ subject }) => subject),
    ['CN=Test Root'],
  );
  assert.ok((await own.trust.of(tlsSettings.parse({}))).roots.length > 50);
});

test('trust: a file that changes gives a new context, also where the settings are the same object', async () => {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(kit());
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const ca_file = join(folder, 'ca.pem');
  const settings = tlsSettings.parse({ ca_file });
  await writeFile(ca_file, (await issue({ subject: 'CN=First', ca: true })).cert);
  const first = await own.trust.of(settings);
  assert.equal(await own.trust.of(settings), first);
  await writeFile(ca_file, (await issue({ subject: 'CN=Second root', ca: true })).cert);
  const second = await own.trust.of(settings);
  assert.deepEqual(
    second.roots.map(({ subject }) => subject),
    ['CN=Second root'],
  );
});

test('trust: material that cannot be used is an error', async () => {
  await using own = kit();
  const { leaf } = await chain();
  const other = await issue({});
  for (const settings of [
    { cert: 'rubbish', key: 'rubbish' },
    { cert: leaf.cert, key: other.key },
    { ca: 'rubbish' },
    { ca: '' },
  ])
    await assert.rejects(own.trust.of(tlsSettings.parse(settings)), JSON.stringify(Object.keys(settings)));
});

test('trust: a file that cannot be used is named', async () => {
  await using stack = new AsyncDisposableStack();
  const own = stack.use(kit());
  const folder = await mkdtemp(join(tmpdir(), 'bothways-test-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const why = (settings: object) =>
    own.trust.of(tlsSettings.parse(settings)).then(
      () => assert.fail('it is used'),
      ({ message }) => message,
    );
  const nothing = join(folder, 'nothing.pem');
  await writeFile(nothing, 'nothing\n');
  assert.equal(await why({ ca_file: nothing }), `the file ${nothing} holds no certificate in PEM`);
  assert.equal(await why({ extra_ca_file: nothing }), `the file ${nothing} holds no certificate in PEM`);
  assert.equal(await why({ extra_ca_file: folder }), `the file ${folder} cannot be read: EISDIR`);
  assert.equal(await why({ ca_file: `${nothing}.none` }), `the file ${nothing}.none cannot be read: ENOENT`);
  assert.equal(await why({ ca: 'nothing' }), 'the text of `ca` holds no certificate in PEM');
});
