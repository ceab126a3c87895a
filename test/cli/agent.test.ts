// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these references are not JavaScript's
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { needs } from '../servers/peers.ts';
import { freePort } from '../servers/program.ts';
import { prometheus } from '../servers/prometheus.ts';
import { receiver } from '../servers/receiver.ts';
import { launcher, spawnAgent, startAgent, until } from './running-agent.ts';
import { listFile, serve, site } from './world.ts';

const list = (url: string, push: string, targets: readonly string[]) => `
external_labels: { env: test }
vantages: { laptop: { kind: agent, labels: { vantage_rack: r1 } } }
remote_write: [{ url: "${push}", queue_config: { batch_send_deadline: 100ms } }]
defaults: { inside: { interval: 1s, timeout: 1s, from: [laptop] } }
targets:
${targets.map((name) => `  - { name: ${name}, side: inside, target: "${url}/${name}" }`).join('\n')}
`;

const staleBits = (value: number) => Number.isNaN(value);

test('agent: it probes on and on, pushes, shows itself, and ends with stale markers for all its series', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, push.url, ['good', 'bad']));
  await using agent = await startAgent(file.path);
  const runs = (name: string) =>
    push.pushes
      .flatMap(({ series }) => series)
      .filter(({ labels }) => labels.__name__ === 'probe_success' && labels.name === name);
  await until(() => runs('good').length >= 2 && runs('bad').length >= 2, 'no samples came');
  assert.deepEqual(runs('good')[0]?.labels, {
    __name__: 'probe_success',
    env: 'test',
    instance: `${web.url}/good`,
    job: 'bothways',
    name: 'good',
    vantage: 'laptop',
    vantage_kind: 'agent',
    vantage_rack: 'r1',
  });
  const status = JSON.parse(await agent.get('/api/status'));
  assert.equal(status.title, 'agent laptop');
  const shown = Object.fromEntries(status.checks.map((row: { name: string; up: boolean }) => [row.name, row.up]));
  assert.deepEqual(shown, { good: true, bad: false });
  assert.match(await agent.get('/metrics'), /^bothways_checks 2$/m);
  assert.equal(await agent.get('/-/healthy'), 'Healthy.\n');
  assert.equal(await agent.get('/-/ready'), 'Ready.\n');
  assert.match(await agent.said(/bad .* fails/), /http_status/);
  assert.equal(await agent.stop(), 0);
  const all = push.pushes.flatMap(({ series }) => series);
  const last = new Map(all.map((one) => [JSON.stringify(one.labels), one.value]));
  const ofTargets = [...last].filter(([labels]) => 'name' in JSON.parse(labels));
  assert.ok(ofTargets.length > 20);
  for (const [labels, value] of ofTargets) assert.ok(staleBits(value), `${labels} ends with ${value}`);
});

test('agent: a changed list is used, one that is bad is not and says so, and what left it ends', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, push.url, ['good', 'bad']));
  await using agent = await startAgent(file.path, '--reload-interval', '200ms');
  const values = (name: string) =>
    push.pushes
      .flatMap(({ series }) => series)
      .filter(({ labels }) => labels.__name__ === 'probe_success' && labels.name === name)
      .map(({ value }) => value);
  await until(() => values('bad').length > 0, 'no samples came');
  await writeFile(file.path, 'targets: [');
  await agent.said(/the list before stays in use/);
  // Metrics and status are made once a second.
  const shows = (text: RegExp) => async () => text.test(await agent.get('/metrics'));
  await until(shows(/^bothways_list_last_reload_successful 0$/m), 'the metrics say nothing of the bad list');
  const statusOf = async () => JSON.parse(await agent.get('/api/status'));
  await until(async () => /targets\.yaml:1/.test((await statusOf()).list.problem), 'the status says nothing of it');
  const before = values('good').length;
  await until(() => values('good').length > before, 'the last good list is not in use');
  await writeFile(`${file.path}.new`, list(web.url, push.url, ['good', 'other']));
  await rename(`${file.path}.new`, file.path);
  await until(() => values('other').length > 0, 'the new target is not probed');
  await until(() => staleBits(values('bad').at(-1) ?? 0), 'what left the list did not end');
  assert.ok(
    values('good').every((value) => value === 1),
    'what stayed was interrupted',
  );
  await until(shows(/^bothways_list_last_reload_successful 1$/m), 'the metrics say nothing of the good list');
  const names = async () => (await statusOf()).checks.map(({ name }: { name: string }) => name).join();
  await until(async () => (await names()) === 'good,other', 'the status has other checks');
  assert.equal(await agent.stop(), 0);
});

test('agent: SIGHUP and POST /-/reload read the list at once', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, push.url, ['good']));
  await using agent = await startAgent(file.path, '--reload-interval', '1h');
  const checks = async () => /^bothways_checks (\d+)$/m.exec(await agent.get('/metrics'))?.[1];
  await writeFile(file.path, list(web.url, push.url, ['good', 'bad']));
  agent.child.kill('SIGHUP');
  await until(async () => (await checks()) === '2', 'SIGHUP changed nothing');
  await writeFile(file.path, list(web.url, push.url, ['good', 'bad', 'more']));
  assert.equal(await agent.get('/-/reload', { method: 'POST' }), 'The list is in use.\n');
  await until(async () => (await checks()) === '3', 'POST changed nothing');
  await writeFile(file.path, 'targets: 5');
  assert.match(await agent.get('/-/reload', { method: 'POST' }), /targets/);
  assert.equal(await checks(), '3');
  assert.equal(await agent.stop(), 0);
});

test('agent: a receiver that is not there costs its samples at the end, and they are counted', async () => {
  await using web = await site();
  await using file = await listFile(list(web.url, 'http://127.0.0.1:1/api/v1/write', ['good']));
  await using agent = await startAgent(file.path, '--stop-timeout', '300ms');
  await until(async () => Number(/waiting\{[^}]*\} (\S+)/.exec(await agent.get('/metrics'))?.[1]) > 0, 'nothing waits');
  assert.equal(await agent.stop(), 1);
  assert.match(agent.lines.at(-1) ?? '', /samples not delivered/);
});

test('agent: shards share the targets between them', async () => {
  await using web = await site();
  await using push = await receiver();
  const names = Array.from({ length: 12 }, (_, index) => `good-${index}`);
  await using file = await listFile(list(web.url, push.url, names));
  await using first = await startAgent(file.path, '--shard', '0/2');
  await using second = await startAgent(file.path, '--shard', '1/2');
  const probed = async (agent: typeof first) =>
    JSON.parse(await agent.get('/api/status')).checks.map(({ name }: { name: string }) => name) as string[];
  const [one, two] = [await probed(first), await probed(second)];
  assert.deepEqual([...one, ...two].sort(), [...names].sort());
  assert.ok(one.length > 0 && two.length > 0);
  await Promise.all([first.stop(), second.stop()]);
});

test('agent: a locked door lets in who is admitted, and health checks', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, push.url, ['good']));
  const locks = `${file.path}.locks`;
  await writeFile(
    locks,
    'basic_auth: { username: ops, password: "${env:CANARY}" }\nauthorization: { credentials: token-1 }\n',
  );
  await using agent = await startAgent(file.path, '--web-config', locks);
  const status = (authorization?: string) =>
    fetch(`${agent.url}/api/status`, { headers: authorization === undefined ? {} : { authorization } }).then(
      (answer) => answer.status,
    );
  assert.equal(await status(), 401);
  assert.equal(await status(`Basic ${Buffer.from('ops:canary-password').toString('base64')}`), 200);
  assert.equal(await status('Bearer token-1'), 200);
  assert.equal(await status('Bearer token-2'), 401);
  assert.equal(await agent.get('/-/healthy'), 'Healthy.\n');
  assert.doesNotMatch(agent.lines.join('\n'), /canary|token-1/);
  await agent.stop();
});

/** What an agent that does not start says, and its exit code. */
const ended = async (...flags: string[]) => {
  const child = spawn(process.execPath, [launcher, 'agent', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  return { code, text };
};

test('agent: what it starts with and is not there yet ends it with 1, so that it is started again', async () => {
  await using file = await listFile(list('http://127.0.0.1:1', 'http://127.0.0.1:1', ['good']));
  const address = await ended('--config', file.path, '--listen', '192.0.2.1:9115');
  assert.match(address.text, /^bothways: cannot listen at 192\.0\.2\.1:9115 \(EADDRNOTAVAIL\)\n$/);
  const away = `http://127.0.0.1:${await freePort()}/list.yml`;
  const elsewhere = await ended('--config', away);
  assert.equal(elsewhere.text, `bothways: ${away}: cannot be read: ECONNREFUSED\n`);
  assert.deepEqual([address.code, elsewhere.code], [1, 1]);
  // A file that is wrong stays so, whatever else is away.
  await writeFile(file.path, 'targets: 5');
  const both = await ended('--config', `${file.path}.none`, '--config', away);
  assert.equal(both.code, 2, both.text);
});

test('agent: a SIGHUP while it starts does not end it, and the list is read once more when it is there', async () => {
  await using push = await receiver();
  await using web = await site();
  await using file = await listFile(list(web.url, push.url, ['good']));
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  // By the time that the list elsewhere is asked for the one in the file has been read.
  await using elsewhere = await serve(async (_request, response) => {
    asked.resolve();
    await answer.promise;
    response.end('targets: []\n');
  });
  const starting = spawnAgent(file.path, '--config', elsewhere.url, '--reload-interval', '1h');
  await asked.promise;
  await writeFile(file.path, list(web.url, push.url, ['good', 'bad']));
  starting.child.kill('SIGHUP');
  answer.resolve();
  await using agent = await starting.started();
  await agent.said(/is in use: 2 checks/);
  assert.equal(await agent.stop(), 0);
});

test('agent: wrong usage is said before anything starts', async () => {
  await using file = await listFile(list('http://127.0.0.1:1', 'http://127.0.0.1:1', ['good']));
  const wrong = async (...flags: string[]) => {
    const { code, text } = await ended('--config', file.path, ...flags);
    assert.equal(code, 2, text);
    assert.equal(text.trimEnd().split('\n').length, 1, text);
    return text;
  };
  assert.match(await wrong('--vantage', 'lapto'), /did you mean laptop/);
  assert.match(await wrong('--shard', '3/3'), /write i\/n/);
  assert.match(await wrong('--listen', '9115'), /write HOST:PORT/);
  assert.match(await wrong('--web-config', '/nonexistent'), /cannot be read/);
  assert.match(await wrong('--reload-interval', '0'), /must be at least 100ms/);
  assert.match(await wrong('--reload-interval', '30d'), /must be at most 24d/);
  assert.match(await wrong('--stop-timeout', '30d'), /must be at most 24d/);
  await writeFile(`${file.path}.locks`, 'basic_auth: { username: ops }\n');
  assert.match(await wrong('--web-config', `${file.path}.locks`), /write `password` or `password_file`/);
});

test('agent: in a real Prometheus its series are there while it runs, and end with it', async (t) => {
  const program = await needs(t, 'prometheus-3.5');
  if (program === undefined) return;
  await using there = await prometheus(program.path);
  await using web = await site();
  await using file = await listFile(list(web.url, there.writeUrl, ['good', 'bad']));
  await using agent = await startAgent(file.path);
  const values = async (promql: string) => (await there.query(promql)).map(({ value }) => value);
  await until(async () => (await values('probe_success{name="good"}'))[0] === 1, 'no sample came');
  const failing = 'probe_failure_info{name="bad",reason="http_status"}';
  await until(async () => (await values(failing))[0] === 1, 'no reason came');
  assert.deepEqual(await values('bothways_target_interval_seconds{name="good"}'), [1]);
  assert.deepEqual(await values('count(bothways_target_info{side="inside",quorum="each"})'), [2]);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(await values('probe_success'), []);
  assert.deepEqual(await values('probe_failure_info'), []);
  // The past stays.
  assert.ok((await values('count_over_time(probe_success{name="good"}[5m])')).every((count) => count >= 1));
});

test('agent: without --vantage it is the only agent of its list; of several it names them and ends with 2', async () => {
  await using web = await site();
  await using push = await receiver();
  const vantages = (more: string) => `
vantages: { eu-west-1: { kind: lambda }, us-east-1: { kind: lambda }, laptop: { kind: agent }${more} }
remote_write: [{ url: "${push.url}" }]
targets:
  - { name: public, target: "https://example.com" }
  - { name: good, side: inside, target: "${web.url}/good" }
`;
  await using file = await listFile(vantages(''));
  await using agent = await startAgent(file.path);
  assert.equal(JSON.parse(await agent.get('/api/status')).title, 'agent laptop');
  assert.equal(await agent.stop(), 0);
  await writeFile(file.path, vantages(', desk: { kind: agent }'));
  const child = spawn(process.execPath, [launcher, 'agent', '--config', file.path], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const [code] = await once(child, 'close');
  assert.equal(code, 2);
  assert.match(said.join(''), /several agents; write --vantage laptop or --vantage desk/);
});
