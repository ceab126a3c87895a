import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { checker } from '../../src/run/checker.ts';
import { authorityFile, chain } from '../servers/certificates.ts';
import { httpsServer } from '../servers/http.ts';
import { asNobody } from '../servers/nobody.ts';

const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'bothways-authorities-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};

test('authorities: those of the list are trusted besides the usual ones, where nothing else is said', async () => {
  const { root } = await chain();
  await using there = await folder();
  await using server = await httpsServer();
  const [good, late] = [join(there.path, 'ca.pem'), join(there.path, 'late.pem')];
  await writeFile(good, root.cert);
  const failures = async (list: object, tls_config: object = {}) => {
    await writeFile(late, root.cert);
    const loaded = loadValue(
      {
        ...list,
        vantages: { a: { kind: 'agent' } },
        targets: [{ target: server.url, http: { preferred_ip_protocol: 'ip4', tls_config } }],
      },
      { probers },
    );
    if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
    // What is sound when the list is read may not be so later.
    await writeFile(late, 'nothing\n');
    await using kit = makeKit();
    const [check = assert.fail('no check')] = loaded.compiled.checks;
    const { run } = await checker({ probers, kit, clock: marks() }).run(check, new AbortController().signal);
    return run.outcome.failures;
  };
  const reasons = async (...of: Parameters<typeof failures>) => (await failures(...of)).map(({ reason }) => reason);
  assert.deepEqual(await reasons({}), ['tls_unknown_issuer']);
  assert.deepEqual(await reasons({ ca_file: good }), []);
  const [failure, ...others] = await failures({ ca_file: late });
  assert.deepEqual(
    [failure?.reason, failure?.detail, others],
    ['file_unreadable', `the file ${late} holds no certificate in PEM`, []],
  );
  // A module that names its own is not overruled.
  assert.deepEqual(await reasons({ ca_file: late }, { ca_file: good }), []);
  assert.deepEqual(await reasons({}, { extra_ca_file: good }), []);
});

test('authorities: receivers have them too, and the same settings stay one object', async () => {
  await using authority = await authorityFile();
  const loaded = loadValue(
    {
      ca_file: authority.path,
      vantages: { a: { kind: 'agent' } },
      remote_write: [{ url: 'https://one.svc/' }, { url: 'https://two.svc/', tls_config: { ca: 'x' } }],
      targets: ['https://a.svc', 'https://b.svc'],
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const { endpoints, checks } = loaded.compiled;
  assert.deepEqual(
    endpoints.map(({ settings }) => settings.tls_config.extra_ca_file),
    [authority.path, undefined],
  );
  assert.equal(checks[0]?.module.settings, checks[1]?.module.settings);
  const missing = loadValue({ ca_file: '/nowhere.pem', vantages: { a: { kind: 'agent' } } }, { probers });
  assert.match(missing.ok ? '' : (missing.problems[0]?.message ?? ''), /there is no file "\/nowhere\.pem"/);
});

test('authorities: a file that will not do is said when the list is read, with its name', async () => {
  await using there = await folder();
  const { root } = await chain();
  const broken = root.cert.replace(/\n[^\n]{10}/, '\n');
  const wrong = async (content: string | undefined, list: (path: string) => object) => {
    const path = join(there.path, 'ca.pem');
    if (content === undefined) await mkdir(path);
    else await writeFile(path, content);
    const loaded = loadValue(
      { vantages: { a: { kind: 'agent' } }, targets: ['tcp://a.svc:1'], ...list(path) },
      { probers },
    );
    await rm(path, { recursive: true });
    return loaded.ok ? [] : loaded.problems.map((one) => `${one.path}: ${one.message.replace(path, 'FILE')}`);
  };
  const ofList = (path: string) => ({ ca_file: path });
  const none = 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)';
  assert.deepEqual(await wrong(root.cert, ofList), []);
  assert.deepEqual(await wrong('nothing\n', ofList), [`ca_file: "FILE" ${none}`]);
  assert.deepEqual(await wrong(broken, ofList), ['ca_file: "FILE" holds a certificate that cannot be read']);
  assert.deepEqual(await wrong(`${root.cert}${broken}`, ofList), [
    'ca_file: "FILE" holds 2 certificates, of which number 2 cannot be read',
  ]);
  assert.deepEqual(await wrong(undefined, ofList), ['ca_file: "FILE" is a folder, not a file']);
  const ofReceiver = (path: string) => ({ remote_write: [{ url: 'https://p', tls_config: { extra_ca_file: path } }] });
  assert.deepEqual(await wrong('', ofReceiver), [`remote_write[0].tls_config.extra_ca_file: "FILE" ${none}`]);
});

test('authorities: a file that this user may not read is a warning, since the one of the vantage may', async () => {
  await using authority = await authorityFile();
  await chmod(authority.path, 0o000);
  const load = () => loadValue({ ca_file: authority.path, vantages: { a: { kind: 'agent' } } }, { probers });
  const loaded = await asNobody(load);
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  assert.match(loaded.warnings[0]?.message ?? '', /ca\.pem" cannot be read here \(EACCES\)/);
});
