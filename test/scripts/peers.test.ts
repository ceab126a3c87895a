import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type PeerRow, peerTable } from '../servers/peer-table.ts';
import { compareVersions, findPeer, startFile } from '../servers/peers.ts';

const script = fileURLToPath(new URL('../../scripts/peers.ts', import.meta.url));

/** A machine with nothing on it: an empty home, no PATH. */
const bareMachine = async () => {
  const home = await mkdtemp(join(tmpdir(), 'bothways-peers-'));
  return { home, [Symbol.asyncDispose]: () => rm(home, { recursive: true }) };
};

const program = async (path: string, says: string) => {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`);
  await chmod(path, 0o755);
};

const run = (environment: Record<string, string>) =>
  new Promise<{ code: number; stdout: string }>((resolve) => {
    const child = execFile(process.execPath, [script], { env: environment }, (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
  });

const row: PeerRow = peerTable['prometheus-2.42'];

test('peers: without apt each missing program is named with the variable for its path, and that is no failure', async () => {
  await using machine = await bareMachine();
  const { code, stdout } = await run({ HOME: machine.home, PATH: '' });
  assert.equal(code, 0);
  assert.match(stdout, /there is no apt-get and dpkg here/);
  for (const { variable } of Object.values(peerTable)) assert.match(stdout, new RegExp(`${variable} names its path`));
});

test('peers: in CI a missing program is a failure', async () => {
  await using machine = await bareMachine();
  assert.equal((await run({ HOME: machine.home, PATH: '', CI: 'true' })).code, 1);
});

test('peers: when all is there nothing is fetched and each version is printed', async () => {
  await using machine = await bareMachine();
  const environment: Record<string, string> = { HOME: machine.home, PATH: '', CI: 'true' };
  for (const [name, { from, variable }] of Object.entries(peerTable)) {
    environment[variable] = join(machine.home, name);
    await program(join(machine.home, name), `${name.replace(/[\d.]/g, '')}, version ${from}.1 (branch: HEAD)`);
  }
  const { code, stdout } = await run(environment);
  assert.equal(code, 0);
  assert.equal(stdout.trim().split('\n').length, Object.keys(peerTable).length);
  assert.match(stdout, /blackbox-exporter\s+0\.28\.1/);
});

test('peers: a program named by its variable that is of the wrong version, or none, is said to be so', async () => {
  await using machine = await bareMachine();
  const path = join(machine.home, 'prometheus');
  await program(path, 'prometheus, version 3.5.0');
  const wrong = await findPeer(row, { HOME: machine.home, BOTHWAYS_PROMETHEUS_2_42: path });
  assert.match(wrong.missing ?? '', /BOTHWAYS_PROMETHEUS_2_42 names .*, which is 3\.5\.0; wanted is from 2\.42/);
  const none = await findPeer(row, { HOME: machine.home, BOTHWAYS_PROMETHEUS_2_42: '/nowhere' });
  assert.match(none.missing ?? '', /names \/nowhere, which does not run/);
});

test('peers: of the unpacked versions the newest that suits is taken, and one in PATH if there is none', async () => {
  await using machine = await bareMachine();
  const peers = join(machine.home, '.cache/bothways/peers');
  const environment = { HOME: machine.home, PATH: join(machine.home, 'bin') };
  await program(join(machine.home, 'sbin/prometheus'), 'prometheus, version 2.42.0');
  assert.equal((await findPeer(row, environment)).path, join(machine.home, 'sbin/prometheus'));
  for (const version of ['2.42.0+ds-5', '2.42.10+ds-1', '2.45.1', 'exporter-2.42.99'])
    await program(join(peers, `prometheus-${version}`, startFile), `prometheus, version ${version}`);
  assert.equal((await findPeer(row, environment)).version, '2.42.10');
});

test('peers: versions are compared number by number', () => {
  assert.deepEqual(['3.10', '3.9.1', '3.9', '2.42.0+ds'].toSorted(compareVersions), [
    '2.42.0+ds',
    '3.9',
    '3.9.1',
    '3.10',
  ]);
  assert.equal(compareVersions('3.5', '3.5.0'), 0);
});
