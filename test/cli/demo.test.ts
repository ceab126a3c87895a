import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { receiver } from './world.ts';

const launcher = fileURLToPath(new URL('../../bin/bothways', import.meta.url));

const run = async (...flags: string[]) => {
  const child = spawn(process.execPath, [launcher, 'demo', ...flags]);
  const [[code], stdout, stderr] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
  return { code, stdout, stderr };
};

test('demo: it ends by itself with a summary of both sides, and sends the same to another receiver', async () => {
  await using prometheus = await receiver();
  const { code, stdout, stderr } = await run(
    '--listen',
    '127.0.0.1:0',
    '--for',
    '7s',
    '--remote-write',
    `${prometheus.url}/api/v1/write`,
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /What users see\n[\s\S]*What workloads depend on\n/);
  assert.match(stdout, /✓ shop +eu-west-1 +[1-9]\d* of /);
  assert.match(stdout, /✗ legacy +us-east-1 .*tls_expired \(tls\)/);
  assert.match(stdout, /✓ names +cluster-a /);
  assert.match(stdout, /\d+ samples delivered, 0 not\./);
  const list = /The list: +(\S+)/.exec(stderr)?.[1] ?? '';
  assert.ok(!existsSync(list), `${list} is left`);
  const from = new Set(prometheus.series.map(({ vantage }) => vantage));
  assert.deepEqual([...from].sort(), ['cluster-a', 'eu-west-1', 'us-east-1']);
});

test('demo: wrong usage is one line', async () => {
  const wrong = async (...flags: string[]) => {
    const { code, stderr } = await run(...flags);
    assert.equal(code, 2, stderr);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    return stderr;
  };
  assert.match(await wrong('--for', 'soon'), /--for/);
  assert.match(await wrong('--remote-write', 'prometheus'), /write a URL/);
  assert.match(await wrong('--listen', '9115'), /write HOST:PORT/);
  assert.match(await wrong('--listen', '192.0.2.1:9115'), /cannot listen at 192\.0\.2\.1:9115 \(EADDRNOTAVAIL\)/);
});
