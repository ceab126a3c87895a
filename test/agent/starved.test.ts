import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { listFile } from '../cli/world.ts';
import { chain } from '../servers/certificates.ts';
import { cpuQuota } from '../servers/cpu-quota.ts';
import { answer, httpServer, httpsServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';

const launcher = fileURLToPath(new URL('../../bin/bothways', import.meta.url));
const targets = 120;

/** An agent for so many targets, a quarter of them over TLS; all are good and answer at once. */
const list = (plain: string, secure: string, push: string, ca: string) =>
  JSON.stringify({
    vantages: { laptop: { kind: 'agent' } },
    remote_write: [{ url: push, queue_config: { batch_send_deadline: '200ms' } }],
    modules: {
      it: { prober: 'http', http: { preferred_ip_protocol: 'ip4', enable_http2: false, tls_config: { ca } } },
    },
    defaults: { inside: { interval: '4s', timeout: '1s', module: 'it' } },
    targets: Array.from({ length: targets }, (_, index) => ({
      name: `t${index}`,
      side: 'inside',
      target: `${index % 4 === 0 ? secure : plain}/${index}`,
    })),
  });

const start = async (path: string) => {
  const words = [launcher, 'agent', '--config', path, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ready = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/the page is at/.test(line)) ready.resolve(/http[^\s"]+/.exec(line)?.[0] ?? '');
  });
  child.once('exit', (code) => ready.reject(new Error(`ended with ${code}`)));
  const url = await ready.promise;
  return {
    pid: child.pid ?? 0,
    /** One of its own metrics; sums over labels. */
    own: async (name: string) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
      return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

test('agent: kept from its CPU it blames no target, says so itself, and recovers', async (t) => {
  const quota = await cpuQuota(0.03);
  if (typeof quota === 'string') return t.skip(quota);
  await using group = quota;
  const { root } = await chain();
  await using plain = await httpServer(() => answer(200));
  await using secure = await httpsServer(() => answer(200));
  await using push = await receiver();
  await using file = await listFile(
    list(plain.url.replace(/\/$/, ''), secure.url.replace(/\/$/, ''), push.url, root.cert),
  );
  await using agent = await start(file.path);
  const outcomes = (from = 0) => {
    const samples = push.pushes.slice(from).flatMap(({ series }) => series);
    const values = samples.filter(({ labels }) => labels.__name__ === 'probe_success').map(({ value }) => value);
    const reasons = samples
      .filter(({ labels }) => labels.__name__ === 'probe_failure_info')
      .map(({ labels }) => `${labels.phase} ${labels.reason}`);
    return { values, reasons };
  };
  for (let tries = 0; tries < 200 && outcomes().values.length < targets; tries += 1) await wait(50);
  assert.deepEqual([outcomes().values.length >= targets, outcomes().reasons], [true, []]);
  const before = { doubtful: await agent.own('bothways_runs_doubtful_total') };

  const free = await group.take(agent.pid).then(() => () => group.release(agent.pid));
  await wait(12_000);
  await free();

  // What was begun while it starved ends; then all is as it was.
  await wait(2_000);
  const after = push.pushes.length;
  for (let tries = 0; tries < 200 && outcomes(after).values.length < targets; tries += 1) await wait(50);
  const { values, reasons } = outcomes();
  assert.deepEqual(reasons, []);
  assert.deepEqual([...new Set(values)], [1]);
  assert.ok(outcomes(after).values.length >= targets, 'it does not probe as before');
  const trouble = {
    doubtful: (await agent.own('bothways_runs_doubtful_total')) - before.doubtful,
    skipped: await agent.own('bothways_runs_skipped_total'),
    lag: await agent.own('bothways_runs_start_lag_max_seconds'),
  };
  t.diagnostic(JSON.stringify(trouble));
  assert.ok(trouble.doubtful + trouble.skipped > targets / 4, JSON.stringify(trouble));
  assert.ok(trouble.lag > 0.1, JSON.stringify(trouble));
});
