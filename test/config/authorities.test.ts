import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadValue } from '../../src/config/load.ts';
import { kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { checker } from '../../src/run/checker.ts';
import { chain } from '../servers/certificates.ts';
import { httpsServer } from '../servers/http.ts';

const folder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'bothways-authorities-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};

test('authorities: those of the list are trusted besides the usual ones, where nothing else is said', async () => {
  const { root } = await chain();
  await using there = await folder();
  await using server = await httpsServer();
  const [good, empty] = [join(there.path, 'ca.pem'), join(there.path, 'empty.pem')];
  await writeFile(good, root.cert);
  await writeFile(empty, 'nothing\n');
  const reasons = async (list: object, tls_config: object = {}) => {
    const loaded = loadValue(
      {
        ...list,
        vantages: { a: { kind: 'agent' } },
        targets: [{ target: server.url, http: { preferred_ip_protocol: 'ip4', tls_config } }],
      },
      { probers },
    );
    if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
    await using kit = makeKit();
    const [check = assert.fail('no check')] = loaded.compiled.checks;
    const { run } = await checker({ probers, kit, clock: marks() }).run(check, new AbortController().signal);
    return run.outcome.failures.map(({ reason }) => reason);
  };
  assert.deepEqual(await reasons({}), ['tls_unknown_issuer']);
  assert.deepEqual(await reasons({ ca_file: good }), []);
  assert.deepEqual(await reasons({ ca_file: empty }), ['file_unreadable']);
  // A module that names its own is not overruled.
  assert.deepEqual(await reasons({ ca_file: empty }, { ca_file: good }), []);
  assert.deepEqual(await reasons({}, { extra_ca_file: good }), []);
});

test('authorities: receivers have them too, and the same settings stay one object', () => {
  const loaded = loadValue(
    {
      ca_file: import.meta.filename,
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
    [import.meta.filename, undefined],
  );
  assert.equal(checks[0]?.module.settings, checks[1]?.module.settings);
  const missing = loadValue({ ca_file: '/nowhere.pem', vantages: { a: { kind: 'agent' } } }, { probers });
  assert.match(missing.ok ? '' : (missing.problems[0]?.message ?? ''), /there is no file "\/nowhere\.pem"/);
});
