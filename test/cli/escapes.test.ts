import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { answer, httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';
import { launcher, startAgentWith, until } from './running-agent.ts';
import { listFile } from './world.ts';

/**
 * Loaded into the program before it starts: connections to one port throw when data comes, SIGUSR2 throws in a timer of no run,
 * and the process takes itself for an hour old.
 */
const faults = (port: number) => {
  const source = `
    import net from 'node:net';
    const { connect } = net;
    net.connect = (options, ...rest) => {
      const socket = connect(options, ...rest);
      if (options.port === ${port}) socket.once('data', () => { throw new TypeError('canary-password'); });
      return socket;
    };
    const { now } = performance;
    performance.now = () => now.call(performance) + 3_600_000;
    process.on('SIGUSR2', () => setTimeout(() => { throw new Error('canary-password'); }));`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(source)}` };
};

const world = async () => {
  const hostile = await httpServer();
  const good = await httpServer(() => answer(200));
  const sink = await receiver();
  const file = await listFile(
    JSON.stringify({
      vantages: { laptop: { kind: 'agent' } },
      remote_write: [{ url: sink.url, queue_config: { batch_send_deadline: '5m' } }],
      defaults: { inside: { interval: '1s', timeout: '1s' } },
      targets: [
        { name: 'hostile', side: 'inside', target: hostile.url },
        { name: 'good', side: 'inside', target: good.url },
      ],
    }),
  );
  const values = (metric: string, name: string) =>
    sink.pushes
      .flatMap(({ series }) => series)
      .filter(({ labels }) => labels.__name__ === metric && labels.name === name)
      .map(({ value }) => value);
  return {
    hostile,
    good,
    sink,
    path: file.path,
    values,
    [Symbol.asyncDispose]: async () => {
      for (const one of [hostile, good, sink, file]) await one[Symbol.asyncDispose]();
    },
  };
};

test('agent: an error that escapes ends its run as unexpected and nothing else, is counted, and is logged once with its check', async () => {
  await using there = await world();
  await using agent = await startAgentWith(faults(there.hostile.port), there.path);
  const count = async (from: string) =>
    Number(
      new RegExp(`^bothways_escaped_errors_total\\{from="${from}"\\} (\\d+)$`, 'm').exec(
        await agent.get('/metrics'),
      )?.[1],
    );
  await until(async () => (await count('check')) >= 4 && there.good.requests.length >= 4, 'too few runs');
  assert.equal(await count('process'), 0);
  assert.equal(await agent.stop(), 0);
  await there.hostile.allClosed();
  assert.ok(there.values('probe_success', 'good').length >= 4);
  assert.ok(there.values('probe_success', 'good').every((value) => value === 1 || Number.isNaN(value)));
  const reasons = there.sink.pushes
    .flatMap(({ series }) => series)
    .filter(({ labels }) => labels.__name__ === 'probe_failure_info')
    .map(({ labels }) => `${labels.name} ${labels.reason}`);
  assert.deepEqual([...new Set(reasons)], ['hostile unexpected']);
  const remarks = agent.lines.filter((line) => /an error escaped/.test(line) && !/ fails: /.test(line));
  assert.equal(remarks.length, 1, remarks.join('\n'));
  assert.match(remarks[0] ?? '', /hostile \(http.*\): an error escaped: TypeError/);
  assert.ok(!agent.lines.some((line) => line.includes('canary-password')));
});

test('agent: after several errors of no run it ends in order with exit code 70, with all that waited delivered', async () => {
  await using there = await world();
  await using agent = await startAgentWith(faults(0), there.path);
  await until(() => there.good.requests.length >= 3, 'no runs');
  assert.equal(there.sink.pushes.length, 0);
  for (let count = 1; count <= 4; count += 1) {
    agent.child.kill('SIGUSR2');
    const total = new RegExp(`^bothways_escaped_errors_total\\{from="process"\\} ${count}$`, 'm');
    await until(async () => total.test(await agent.get('/metrics')), `error ${count} is not counted`);
  }
  const exited = new Promise((resolve) => agent.child.once('exit', resolve));
  agent.child.kill('SIGUSR2');
  assert.equal(await exited, 70);
  assert.ok(agent.lines.some((line) => /the process ends in order, to be started again/.test(line)));
  assert.ok(!agent.lines.some((line) => /not delivered|canary-password/.test(line)));
  const values = there.values('probe_success', 'good');
  assert.ok(values.length > there.good.requests.length, 'each run and a stale marker');
});

test('probe: an error that escapes gives reason unexpected, and the program ends as it should', async () => {
  await using hostile = await httpServer();
  const ended = await new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const run = spawn(process.execPath, [launcher, 'probe', hostile.url, '--json'], {
      env: { ...process.env, ...faults(hostile.port) },
    });
    let stdout = '';
    let stderr = '';
    run.stdout.on('data', (text) => (stdout += text));
    run.stderr.on('data', (text) => (stderr += text));
    run.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  assert.equal(ended.code, 1);
  assert.equal(JSON.parse(ended.stdout).failures[0].reason, 'unexpected');
  assert.match(ended.stderr, /^bothways: http:\/\/127\.0\.0\.1.*: an error escaped: TypeError.*; please report it\n$/);
  await hostile.allClosed();
});

test('agent: an error of its start ends it as it would end any program', async () => {
  await using there = await world();
  // Thrown in the turn after the agent begins to watch for what escapes, long before its list is in use.
  const source = `process.on('newListener', (event) => {
    if (event === 'uncaughtException') setImmediate(() => { throw new Error('broken program'); });
  });`;
  const env = { ...process.env, NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(source)}` };
  const words = [launcher, 'agent', '--config', there.path, '--listen', 'none'];
  const { status, stderr } = spawnSync(process.execPath, words, { env, timeout: 60_000 });
  assert.equal(status, 1);
  assert.match(String(stderr), /Error: broken program\n +at /);
});
