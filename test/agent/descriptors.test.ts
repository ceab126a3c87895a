import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { launcher, until } from '../cli/running-agent.ts';
import { listFile } from '../cli/world.ts';
import { blackHole } from '../servers/black-hole.ts';
import { httpServer } from '../servers/http.ts';
import { receiver } from '../servers/receiver.ts';

const descriptors = 256;
const holes = 600;

/** The agent under a limit of open files. */
const limitedAgent = async (path: string) => {
  const words = [process.execPath, launcher, 'agent', '--config', path, '--listen', '127.0.0.1:0'];
  const child = spawn('sh', ['-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  const ready = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    if (/the page is at/.test(line)) ready.resolve(/http[^\s"]+/.exec(line)?.[0] ?? '');
  });
  child.once('exit', (code) => ready.reject(new Error(`ended with ${code}: ${lines.join('\n')}`)));
  return {
    child,
    lines,
    url: await ready.promise,
    open: async () => (await readdir(`/proc/${child.pid}/fd`)).length,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
};

for (const [what, timeout, expected] of [
  ['more black holes than descriptors', '30s', 'local_resources'],
  ['many black holes that time out all the time', '1s', 'connect_timeout'],
] as const) {
  test(`agent: with ${what} it probes, reports and delivers on, and blames nobody falsely`, async () => {
    await using hole = await blackHole();
    await using good = await httpServer();
    await using push = await receiver();
    await using file = await listFile(
      JSON.stringify({
        vantages: { laptop: { kind: 'agent' } },
        remote_write: [{ url: push.url, queue_config: { batch_send_deadline: '200ms' } }],
        modules: { connect: { prober: 'tcp', tcp: { preferred_ip_protocol: 'ip4' } } },
        targets: [
          { name: 'good', side: 'inside', target: good.url, interval: '1s', timeout: '1s' },
          ...Array.from({ length: holes }, (_, index) => ({
            name: `hole-${index}`,
            side: 'inside',
            target: `127.0.0.1:${hole.port}`,
            module: 'connect',
            interval: timeout === '1s' ? '2s' : '30s',
            timeout,
          })),
        ],
      }),
    );
    await using agent = await limitedAgent(file.path);
    const samples = (metric: string) =>
      push.pushes.flatMap(({ series }) => series).filter(({ labels }) => labels.__name__ === metric);
    const reasonsOf = (name: RegExp) =>
      new Set(
        samples('probe_failure_info')
          .filter(({ labels }) => name.test(labels.name ?? ''))
          .map(({ labels }) => labels.reason),
      );
    const isFull = () => reasonsOf(/^hole/).has(expected);
    await untilLong(isFull, 'no hole has been found');
    const before = samples('process_resident_memory_bytes').length;
    await untilLong(
      () => samples('process_resident_memory_bytes').length > before,
      'nothing is said of the agent itself',
    );
    assert.ok((await agent.open()) < descriptors);
    const health = await fetch(`${agent.url}/-/healthy`);
    assert.equal(health.status, 200);
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    assert.match(metrics, /^process_resident_memory_bytes [\d.]+e\+0[78]$/m);
    assert.match(metrics, /^bothways_escaped_errors_total\{from="process"\} 0$/m);
    assert.match(metrics, /^bothways_escaped_errors_total\{from="check"\} 0$/m);
    for (const reason of reasonsOf(/^hole/))
      assert.ok(reason === 'local_resources' || reason === 'connect_timeout', `${reason}`);
    for (const reason of reasonsOf(/^good/)) assert.equal(reason, 'local_resources');
    assert.equal(agent.child.exitCode, null);
    agent.child.kill('SIGTERM');
    const [code] = await once(agent.child, 'exit');
    assert.equal(code, 0, agent.lines.join('\n'));
  });
}

const untilLong = async (holds: () => boolean, what: string) => {
  for (let tries = 0; tries < 8 && !holds(); tries += 1) await until(holds, what).catch(() => {});
  assert.ok(holds(), what);
};
