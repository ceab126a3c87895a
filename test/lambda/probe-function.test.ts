// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadValue } from '../../src/config/load.ts';
import { packList } from '../../src/config/packed.ts';
import { vantageHere } from '../../src/lambda/vantage-here.ts';
import { probers } from '../../src/probers/index.ts';
import { cpuQuota } from '../servers/cpu-quota.ts';
import { httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';
import { runFunction } from '../servers/runtime-api.ts';

// The bundle as it is deployed, in a process of its own, under a stand-in for the Runtime API.

const folder = mkdtempSync(join(tmpdir(), 'bothways-function-'));
after(() => rmSync(folder, { recursive: true }));
const root = fileURLToPath(new URL('../..', import.meta.url));
execFileSync(process.execPath, ['scripts/build-functions.ts', folder], { cwd: root });

const pack = async (url: string, push: string, count = 1) => {
  const loaded = loadValue(
    {
      version: 1,
      vantages: {
        'eu-west-1': { kind: 'lambda', private: 'allow', vpc: { subnet_ids: ['s'], security_group_ids: ['g'] } },
      },
      remote_write: [
        { url: push, authorization: { credentials: '${env:TOKEN}' }, queue_config: { min_backoff: '50ms' } },
      ],
      defaults: { outside: { timeout: count === 1 ? '500ms' : '5s', module: 'http_any' } },
      modules: { http_any: { prober: 'http', http: { preferred_ip_protocol: 'ip4' } } },
      targets: Array.from({ length: count }, (_, index) => ({
        name: `t${index}`,
        target: `${url}/${index}`,
        side: 'outside',
      })),
    },
    { probers },
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const path = join(folder, `list-${Math.random()}.json`);
  await writeFile(
    path,
    packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: loaded.list.external_labels }),
  );
  return { BOTHWAYS_LIST: path, AWS_REGION: 'eu-west-1', TOKEN: 'canary-token' };
};

const event = (id: string) => ({ shard: 0, of: 1, slot: new Date(Date.now()).toISOString(), window: 60, id });

test('probe function: the bundle is at most 800 KB', () => {
  const size = readdirSync(folder)
    .filter((name) => name.endsWith('.mjs'))
    .reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  assert.ok(size <= 800_000, `${size} bytes`);
});

test('probe function: it probes, delivers and answers; a frozen one goes on as if nothing had been', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  await using running = await runFunction(folder, 'probe.handler', await pack(web.url, push.url));
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

test('probe function: a receiver that is down is said in the log, and the function answers in time', async () => {
  await using web = await httpServer();
  await using running = await runFunction(folder, 'probe.handler', await pack(web.url, 'http://127.0.0.1:1/'));
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

test('probe function: a wrong event is an error with one sentence, and the next is answered', async () => {
  await using web = await httpServer();
  await using push = await receiver();
  await using running = await runFunction(folder, 'probe.handler', await pack(web.url, push.url));
  const wrong = await running.invoke({ shard: 'x' }, 10_000);
  assert.deepEqual([wrong.kind, wrong.body.errorMessage], ['error', 'shard: write a whole number from 0 to 0']);
  assert.equal((await running.invoke(event('a'), 10_000)).body.good, 1);
});

test('probe function: what is wrong with its list or vantage is said at init', async () => {
  await using push = await receiver();
  const good = await pack('http://127.0.0.1:1/', push.url);
  const bad = join(folder, 'bad.json');
  await writeFile(bad, '{"format":99}');
  const initError = async (environment: Record<string, string>) => {
    await using running = await runFunction(folder, 'probe.handler', environment);
    await assert.rejects(running.ready());
    return String(running.initErrors[0]?.errorMessage);
  };
  assert.match(await initError({ ...good, BOTHWAYS_LIST: '/nonexistent.json' }), /ENOENT.*nonexistent/);
  assert.match(
    await initError({ ...good, BOTHWAYS_LIST: bad }),
    /bad\.json has format 99, and this version reads format 2/,
  );
  assert.match(await initError({ ...good, BOTHWAYS_VANTAGE: 'mars' }), /the list has no vantage mars/);
  assert.match(await initError({ ...good, AWS_REGION: 'ap-south-1' }), /set BOTHWAYS_VANTAGE to one of eu-west-1/);
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
    const environment = { ...(await pack(web.url, push.url, 20)), AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(megabytes) };
    await using running = await runFunction(folder, 'probe.handler', environment);
    await group.take(running.pid);
    const { kind, body } = await running.invoke(event('a'), 50_000);
    assert.equal(kind, 'response', JSON.stringify(body));
    assert.deepEqual([body.assigned, body.started, body.good, body.void, body.undelivered], [20, 20, 20, 0, 0]);
    assert.ok(Number(body.ms) < 50_000);
    // What the process's own slowness did to its times is said, run by run.
    const doubts = push.pushes
      .flatMap(({ series }) => series)
      .filter(({ labels }) => labels.__name__ === 'bothways_timing_doubt_seconds');
    assert.equal(doubts.length, 20);
    assert.equal(doubts.filter(({ value }) => value > 0.006).length, body.doubtful);
  });
