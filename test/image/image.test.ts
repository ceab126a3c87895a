import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createGzip } from 'node:zlib';
import { version } from '../../src/kernel/version.ts';
import { addresses, labFor } from '../lab/lab.ts';
import { startWorker } from '../lab/worker.ts';
import { needs } from '../servers/peers.ts';
import { type BuiltImage, builtImage } from './built.ts';
import { startContainer } from './container.ts';

const run = promisify(execFile);
let built: Promise<BuiltImage> | undefined;
after(async () => (await built?.catch(() => undefined))?.[Symbol.asyncDispose]());

/** The image and runc, or `undefined` after skipping the test with the reason. */
const imageFor = async (t: Parameters<typeof needs>[0]) => {
  if (process.getuid?.() !== 0) {
    t.skip('building and running an image needs root');
    return undefined;
  }
  const [buildah, runc] = [await needs(t, 'buildah'), await needs(t, 'runc')];
  if (buildah === undefined || runc === undefined) return undefined;
  built ??= builtImage(buildah.path);
  return { image: await built, runc: runc.path };
};

const folderWith = async (list: string) => {
  const path = await mkdtemp(join(tmpdir(), 'bothways-list-'));
  await run('chmod', ['755', path]);
  await writeFile(join(path, 'bothways.yml'), list);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};

test('image: it is small, the same when built again, and holds nothing that anybody could use', async (t) => {
  const there = await imageFor(t);
  if (there === undefined) return;
  const { image } = there;
  assert.deepEqual((await readdir(image.files)).sort(), [
    'dev',
    'etc',
    'lib',
    'lib64',
    'opt',
    'proc',
    'sys',
    'tmp',
    'usr',
    'var',
  ]);
  const names = await readdir(image.files, { recursive: true });
  const programs: string[] = [];
  let bytes = 0;
  for (const name of names) {
    const { mode, size } = await stat(join(image.files, name));
    const isFile = (mode & 0o170000) === 0o100000;
    assert.equal(mode & 0o6000, 0, `${name} is setuid or setgid`);
    if (!isFile) continue;
    bytes += size;
    if ((mode & 0o111) !== 0) programs.push(name);
  }
  assert.ok(
    programs.every((name) => name === 'usr/bin/node' || /ld-linux/.test(name)),
    programs.join(),
  );
  const { stdout: capable } = await run('getcap', ['-r', image.files]).catch(() => ({ stdout: '' }));
  assert.equal(capable, '');
  assert.ok(bytes <= 150e6, `${bytes} bytes`);
  const packed = await gzipped(image.files);
  assert.ok(packed <= 60e6, `${packed} bytes compressed`);
  t.diagnostic(`${(bytes / 1e6).toFixed(0)} MB, ${(packed / 1e6).toFixed(0)} MB compressed`);
  assert.equal(names.filter((name) => name.endsWith('.node')).length, 1);
  assert.equal(await image.again(), image.digest);
  const { User, Entrypoint, Labels, Healthcheck } = image.config as Record<string, Record<string, string>>;
  assert.equal(User, '65532:65532');
  assert.deepEqual(Entrypoint, ['/usr/bin/node', '/opt/bothways/bin/bothways']);
  for (const name of ['tmp', 'var/lib/bothways'])
    assert.equal((await stat(join(image.files, name))).mode & 0o7777, 0o1777, `${name} is not for everybody`);
  const { description = '', ...labels } = Object.fromEntries(
    Object.entries(Labels ?? {}).flatMap(([name, value]) => {
      const short = /^org\.opencontainers\.image\.(.*)$/.exec(name)?.[1];
      return short === undefined ? [] : [[short, value]];
    }),
  );
  assert.ok(description.length > 0);
  assert.deepEqual(labels, {
    title: 'Bothways',
    licenses: 'Apache-2.0',
    url: 'https://bothways.io',
    version,
    revision: '0a1b2c',
    created: '1970-01-01T00:00:00Z',
  });
  assert.ok(Healthcheck !== undefined);
});

test('image: built by hand, it takes no dist/ of which nobody knows how old it is', async (t) => {
  const there = await imageFor(t);
  if (there === undefined) return;
  // It is built again then, for which the stand-in has no npm.
  await assert.rejects(there.image.byHand(), /npm: (?:command )?not found/);
});

test('image: its Node is the one of the lock file, and a base without a digest is refused', async (t) => {
  const there = await imageFor(t);
  if (there === undefined) return;
  const hash = async (path: string) =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  const runtime = fileURLToPath(new URL(`../../node_modules/node-linux-${process.arch}/bin/node`, import.meta.url));
  assert.equal(await hash(join(there.image.files, 'usr/bin/node')), await hash(runtime));
  await assert.rejects(there.image.byTag(), /BASE: localhost\/base:test has no digest; write NAME@sha256:DIGEST/);
});

/** Bytes of a folder as a layer is sent. */
const gzipped = async (folder: string): Promise<number> => {
  const tar = spawn('tar', ['-C', folder, '-cf', '-', '.'], { stdio: ['ignore', 'pipe', 'ignore'] });
  let bytes = 0;
  for await (const chunk of tar.stdout.pipe(createGzip())) bytes += chunk.length;
  return bytes;
};

test('image: any user without a right runs it, on a file system that is read only', async (t) => {
  const there = await imageFor(t);
  if (there === undefined) return;
  const { image, runc } = there;
  await using list = await folderWith(
    'vantages: { here: { kind: agent } }\ntargets: [ { name: own, target: "icmp://127.0.0.1", side: inside } ]\n',
  );
  for (const uid of [65_532, 1_000_660_000]) {
    await using container = await startContainer({
      runc,
      files: image.files,
      words: ['check', '--config', '/etc/bothways'],
      list: list.path,
      uid,
    });
    assert.equal(await container.exited, 0, container.lines.join('\n'));
    assert.match(container.lines.join('\n'), /The list is sound/);
  }
  // As OpenShift runs it: a number out of the namespace's range, and the group root.
  const openShift = { runc, files: image.files, uid: 1_000_660_000, gid: 0 };
  for (const user of [{ runc, files: image.files }, openShift]) {
    await using ping = await startContainer({ ...user, words: ['probe', 'icmp://127.0.0.1'] });
    assert.equal(await ping.exited, 0, ping.lines.join('\n'));
  }
  await using agent = await startContainer({
    ...openShift,
    words: ['agent', '--config=/etc/bothways', '--listen=0.0.0.0:9115'],
    list: list.path,
  });
  await agent.said(/the page is at/);
  assert.equal(await agent.exec('/usr/bin/node', '/opt/bothways/bin/bothways', 'healthy'), 0);
  const thread = `new (require('node:worker_threads').Worker)('/opt/bothways/dist/matcher-worker.cjs')`;
  const starts = `${thread}.once('message', ({ is }) => process.exit(is === 'ready' ? 0 : 1))`;
  assert.equal(await agent.exec('/usr/bin/node', '-e', starts), 0, 'large pages are matched in a thread');
  await agent.signal('TERM');
  assert.equal(await agent.exited, 0, agent.lines.join('\n'));
});

/** Samples that an agent keeps while its receiver is away: those of some five seconds. */
const capacity = 350;

const list = (ports: Record<string, unknown>) => `
vantages: { cluster: { kind: agent } }
remote_write:
  - url: http://${addresses.target(4)}:${ports.prometheus}/api/v1/write
    queue_config: { capacity: ${capacity}, batch_send_deadline: 200ms, min_backoff: 100ms, max_backoff: 1s }
defaults: { inside: { interval: 1s, timeout: 900ms } }
modules:
  a: { prober: dns, dns: { query_name: example.com, query_type: A, transport_protocol: tcp } }
targets:
  - { name: web, target: "http://${addresses.target(4)}:${ports.web}/" }
  - { name: port, target: "tcp://${addresses.target(4)}:${ports.tcp}" }
  - { name: names, target: "${addresses.target(4)}:${ports.dns}", module: a }
  - { name: ping, target: "icmp://${addresses.target(4)}" }
  - { name: path, target: "mtr://${addresses.target(4)}", interval: 5s, timeout: 4s, mtr: { count: 2 } }
`;

test('image: at the end of a chain of networks it pings, walks and probes without a privilege, and delivers what it has after its receiver was away', async (t) => {
  const there = await imageFor(t);
  const prometheus = await needs(t, 'prometheus-3.5');
  if (there === undefined || prometheus === undefined) return;
  await using lab = await labFor(t);
  if (lab === undefined) return;
  const { image, runc } = there;
  const script = fileURLToPath(new URL('far-worker.ts', import.meta.url));
  await using far = startWorker(lab.words('dst', [process.execPath, script, prometheus.path]));
  const ports = await far.ask({});
  await using folder = await folderWith(list(ports));
  const value = async (query: string) => ((await far.ask({ query })).rows as { readonly value: number }[])[0]?.value;
  const until = async (query: string, holds: (value: number | undefined) => boolean) => {
    for (let tries = 0; tries < 300; tries += 1) {
      if (holds(await value(query))) return;
      await wait(100);
    }
    const { rows } = await far.ask({ query: 'probe_failure_info or probe_success' });
    assert.fail(`${query} is ${await value(query)}: ${JSON.stringify(rows)}`);
  };
  /** Has the receiver away for so many seconds; gives the time when it is back, in Unix seconds. */
  const outage = async (seconds: number): Promise<number> => {
    await far.ask({ receiver: false });
    await wait(seconds * 1_000);
    const back = Date.now() / 1_000;
    await far.ask({ receiver: true });
    return back;
  };
  const [, , , network = ''] = lab.words('src', []);
  const options = {
    runc,
    files: image.files,
    words: ['agent', '--config=/etc/bothways', '--vantage=cluster', '--listen=127.0.0.1:9115'],
    list: folder.path,
    network,
  };
  {
    await using pod = await startContainer(options);
    await pod.said(/the page is at/);
    await until('count(probe_success == 1)', (count) => count === 5);
    assert.equal(await pod.exec('/usr/bin/node', '/opt/bothways/bin/bothways', 'healthy'), 0);
    const short = await outage(3);
    // What was found out meanwhile is there, without a gap: a run a second.
    await until(`count_over_time(probe_success{name="ping"}[3s] @ ${short})`, (count) => (count ?? 0) >= 2);
    const long = await outage(12);
    // Of what there was no room for the newest is there, the oldest is not, and it is counted.
    await until(`count_over_time(probe_success{name="ping"}[2s] @ ${long})`, (count) => (count ?? 0) >= 1);
    assert.equal(await value(`count_over_time(probe_success{name="ping"}[3s] @ ${long - 8})`), undefined);
    await until('max(bothways_delivery_samples_total{outcome="lost"})', (lost) => (lost ?? 0) > 0);
    assert.ok((await pod.peakMemory()) < memoryLimit());
    await pod.signal('KILL');
    assert.notEqual(await pod.exited, 0);
  }
  await using pod = await startContainer(options);
  await pod.said(/the page is at/);
  const restart = Date.now() / 1_000;
  await until(`count(timestamp(probe_success) > ${restart})`, (count) => count === 5);
  await pod.signal('TERM');
  assert.equal(await pod.exited, 0, pod.lines.join('\n'));
  await until('count(probe_success)', (count) => count === undefined);
});

/** What the manifests allow the agent, in bytes. */
const memoryLimit = (): number => {
  const text = readFileSync(new URL('../../infra/kubernetes/agent/deployment.yaml', import.meta.url), 'utf8');
  const [, mebibytes] = /limits: \{[^}]*memory: (\d+)Mi/.exec(text) ?? assert.fail('the manifest has no limit');
  return Number(mebibytes) * 1_048_576;
};
