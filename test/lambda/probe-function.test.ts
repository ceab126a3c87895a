// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { loadValue } from '../../src/config/load.ts';
import { functionZip } from '../../src/generate/aws/function-zip.ts';
import { vantageHere } from '../../src/lambda/vantage-here.ts';
import { probers } from '../../src/probers/index.ts';
import { cpuQuota } from '../servers/cpu-quota.ts';
import { answer, httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';
import { runFunction } from '../servers/runtime-api.ts';

// The zip as it is deployed, unpacked where nothing may be written, in a process of its own under a stand-in for the Runtime API.

const folder = mkdtempSync(join(tmpdir(), 'bothways-function-'));
after(() => rmSync(folder, { recursive: true }));
const root = fileURLToPath(new URL('../..', import.meta.url));
const built = join(folder, 'built');
execFileSync(process.execPath, ['scripts/build-functions.ts', built], { cwd: root });
const code = new Map(
  readdirSync(built)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => [name, readFileSync(join(built, name))]),
);

/** Packages a function with a list of so many targets and unpacks it; gives its folder and what it is told. */
const unpacked = async (url: string, push: string, count = 1, http: object = {}) => {
  const loaded = loadValue(
    {
      version: 1,
      vantages: {
        'eu-west-1': {
          kind: 'lambda',
          private: 'allow',
          vpc: { subnet_ids: ['subnet-1'], security_group_ids: ['sg-1'] },
        },
      },
      remote_write: [
        { url: push, authorization: { credentials: '${env:TOKEN}' }, queue_config: { min_backoff: '50ms' } },
      ],
      defaults: { outside: { timeout: count === 1 ? '500ms' : '5s', module: 'http_any' } },
      modules: { http_any: { prober: 'http', http: { preferred_ip_protocol: 'ip4', ...http } } },
      targets: Array.from({ length: count }, (_, index) => ({
        name: `t${index}`,
        target: `${url}/${index}`,
        side: 'outside',
      })),
    },
    { probers },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const list = { ...loaded.compiled, literals: loaded.literals, externalLabels: loaded.list.external_labels };
  const task = mkdtempSync(join(folder, 'task-'));
  for (const [name, bytes] of Object.entries(unzipSync(functionZip(code, list, new Map())))) {
    mkdirSync(dirname(join(task, name)), { recursive: true });
    writeFileSync(join(task, name), bytes, { mode: 0o444 });
  }
  const environment = { BOTHWAYS_VANTAGE: 'eu-west-1', AWS_REGION: 'eu-west-1', TOKEN: 'canary-token' };
  return { task, environment };
};

const start = async (url: string, push: string, count = 1, more: Record<string, string> = {}) => {
  const { task, environment } = await unpacked(url, push, count);
  return runFunction(task, 'probe.handler', { ...environment, ...more });
};

const event = (id: string) => ({ shard: 0, of: 1, slot: new Date(Date.now()).toISOString(), window: 60, id });

test('probe function: the bundle is at most 800 KB', () => {
  const size = [...code.values()].reduce((sum, { length }) => sum + length, 0);
  assert.ok(size <= 800_000, `${size} bytes`);
});

test('probe function: it probes, delivers and answers; a frozen one goes on as if nothing had been', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  await using running = await start(web.url, push.url);
  const first = await running.invoke(event('a'), 10_000);
  assert.deepEqual(
    [first.kind, first.body.good, first.body.coldStart, first.body.undelivered],
    ['response', 1, true, 0],
  );
  assert.equal(push.pushes[0]?.headers.authorization, 'Bearer canary-token');
  process.kill(running.pid, 'SIGSTOP');
  await wait(1_000);
  process.kill(running.pid, 'SIGCONT');
  const second = await running.invoke(event('b'), 10_000);
  assert.deepEqual([second.body.good, second.body.coldStart, second.body.undelivered], [1, false, 0]);
  assert.doesNotMatch(`${JSON.stringify([first, second])}${running.output()}`, /canary/);
});

test('probe function: a page that is too large to be matched between other probes is matched in a thread', async () => {
  await using web = await httpServer(() => answer(200, {}, `${'ok or not '.repeat(5_000)}ok, ready`));
  await using push = await receiver();
  for (const [expression, good] of [
    ['ok.{0,50}ready', 1],
    ['ok.{0,50}never|ready.{1,50}ok', 0],
  ] as const) {
    const http = { fail_if_body_not_matches_regexp: [expression] };
    const { task, environment } = await unpacked(web.url, push.url, 2, http);
    assert.ok(readdirSync(task).includes('matcher-worker.mjs'));
    await using running = await runFunction(task, 'probe.handler', environment);
    const { body } = await running.invoke(event('a'), 30_000);
    assert.deepEqual([body.good, body.failed], [2 * good, 2 - 2 * good]);
  }
});

test('probe function: a receiver that is down is said in the log, and the function answers in time', async () => {
  await using web = await httpServer();
  await using running = await start(web.url, 'http://127.0.0.1:1/');
  const { kind, body } = await running.invoke(event('a'), 2_000);
  assert.deepEqual([kind, body.delivered, body.undelivered], ['response', 0, body.samples]);
  const lines = running
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const [line] = lines;
  assert.equal(lines.length, 1);
  assert.equal(line.level, 'ERROR');
  // The alarm's metric is made of this number.
  assert.equal(line.message.undelivered, body.samples);
  assert.equal(line.message.msg, `${body.samples} samples not delivered to 127.0.0.1: ECONNREFUSED`);
});

test('probe function: connections that are cut while it is frozen, on both sides, cost nothing', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  await using running = await start(web.url, push.url);
  assert.equal((await running.invoke(event('a'), 10_000)).body.undelivered, 0);
  process.kill(running.pid, 'SIGSTOP');
  web.cut();
  push.cut();
  process.kill(running.pid, 'SIGCONT');
  const { body } = await running.invoke(event('b'), 10_000);
  assert.deepEqual([body.good, body.failed, body.void, body.undelivered], [1, 0, 0, 0]);
});

test('probe function: an execution that comes twice, a slot of ten minutes ago and a deadline in 300 ms probe nothing', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  await using running = await start(web.url, push.url);
  assert.equal((await running.invoke(event('a'), 10_000)).body.good, 1);
  const twice = await running.invoke(event('a'), 10_000);
  const old = { ...event('b'), slot: new Date(Date.now() - 600_000).toISOString() };
  const late = await running.invoke(old, 10_000);
  const short = await running.invoke(event('c'), 300);
  assert.deepEqual(
    [twice, late, short].map(({ kind, body }) => [kind, body.skipped, body.started]),
    [
      ['response', 'duplicate', 0],
      ['response', 'late', 0],
      ['response', 'no time', 0],
    ],
  );
  assert.equal(web.requests.length, 1);
  assert.equal((await running.invoke(event('d'), 10_000)).body.good, 1);
});

test('probe function: it answers in few bytes however much it probes, and writes nothing where its code is', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  const { task, environment } = await unpacked(web.url, push.url, 60);
  const before = readdirSync(task, { recursive: true });
  await using running = await runFunction(task, 'probe.handler', environment);
  const { body } = await running.invoke(event('a'), 50_000);
  assert.equal(body.good, 60);
  assert.ok(JSON.stringify(body).length < 1_000);
  assert.deepEqual(readdirSync(task, { recursive: true }), before);
});

test('probe function: a wrong event is an error with one sentence, and the next is answered', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  await using running = await start(web.url, push.url);
  const wrong = await running.invoke({ shard: 'x' }, 10_000);
  assert.deepEqual([wrong.kind, wrong.body.errorMessage], ['error', 'shard: write a whole number from 0 to 0']);
  assert.equal((await running.invoke(event('a'), 10_000)).body.good, 1);
});

test('probe function: what is wrong with its list or vantage is said at init', async () => {
  await using push = await receiver();
  const { task, environment: good } = await unpacked('http://127.0.0.1:1/', push.url);
  const bad = join(folder, 'bad.json');
  await writeFile(bad, '{"format":99}');
  const of = (unpackedTo: string) => join(unpackedTo, 'lists', 'eu-west-1.json');
  const initError = async (environment: Record<string, string>) => {
    await using running = await runFunction(task, 'probe.handler', environment);
    await assert.rejects(running.ready());
    return String(running.initErrors[0]?.errorMessage);
  };
  assert.match(await initError({ ...good, BOTHWAYS_LIST: '/nonexistent.json' }), /ENOENT.*nonexistent/);
  assert.match(
    await initError({ ...good, BOTHWAYS_LIST: bad }),
    /bad\.json has format 99, and this version reads format 2/,
  );
  assert.match(
    await initError({ ...good, BOTHWAYS_LIST: of(task), BOTHWAYS_VANTAGE: 'mars' }),
    /the list has no vantage mars/,
  );
  assert.match(
    await initError({ BOTHWAYS_LIST: of(task), AWS_REGION: 'ap-south-1' }),
    /set BOTHWAYS_VANTAGE to one of eu-west-1/,
  );
});

test('probe function: the vantage is named, or the only one of the region', () => {
  const of = (name: string, region: string) => ({ name, kind: 'lambda', region, labels: {} }) as const;
  const vantages = [of('a', 'eu-west-1'), of('b', 'us-east-1'), of('c', 'us-east-1')];
  assert.equal(vantageHere(vantages, { AWS_REGION: 'eu-west-1' }), 'a');
  assert.equal(vantageHere(vantages, { AWS_REGION: 'us-east-1', BOTHWAYS_VANTAGE: 'c' }), 'c');
  assert.throws(() => vantageHere(vantages, { AWS_REGION: 'us-east-1' }), /2 vantages/);
});

for (const megabytes of [128, 256, 512, 1_769])
  test(`probe function: at the CPU share of ${megabytes} MB all is run and delivered within its time`, async (t) => {
    const quota = await cpuQuota(megabytes / 1_769);
    if (typeof quota === 'string') return t.skip(quota);
    await using group = quota;
    await using web = await httpServer();
    await using push = await receiver();
    const size = { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(megabytes) };
    await using running = await start(web.url, push.url, 20, size);
    await group.take(running.pid);
    const { kind, body } = await running.invoke(event('a'), 50_000);
    assert.equal(kind, 'response', JSON.stringify(body));
    assert.deepEqual([body.assigned, body.started, body.good, body.void, body.undelivered], [20, 20, 20, 0, 0]);
    assert.ok(Number(body.ms) < 50_000);
    const share = push.pushes
      .flatMap(({ series }) => series)
      .find(({ labels }) => labels.__name__ === 'bothways_run_cpu_share_ratio')?.value;
    assert.ok(Math.abs((share ?? 0) - megabytes / 1_769) < 0.01, `${share}`);
    // What the process's own slowness did to its times is said, run by run.
    const doubts = push.pushes
      .flatMap(({ series }) => series)
      .filter(({ labels }) => labels.__name__ === 'bothways_timing_doubt_seconds');
    assert.equal(doubts.length, 20);
    assert.equal(doubts.filter(({ value }) => value > 0.006).length, body.doubtful);
  });
