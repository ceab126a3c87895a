import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { receiver } from '../servers/receiver.ts';
import { launcher, startAgent, until } from './running-agent.ts';
import { listFile, serve, site } from './world.ts';

const list = (url: string, push: string, names: readonly string[]) => `
vantages: { laptop: { kind: agent } }
remote_write: [{ url: "${push}", queue_config: { batch_send_deadline: 100ms } }]
defaults: { inside: { interval: 1s, timeout: 1s, from: [laptop] } }
targets:
${names.map((name) => `  - { name: ${name}, side: inside, target: "${url}/${name}" }`).join('\n')}
`;

test('agent: 1,000 idle connections and six clients that ask on and on silence neither health nor checks', async () => {
  await using web = await site();
  await using push = await receiver();
  const names = Array.from({ length: 100 }, (_, number) => `good-${number}`);
  await using file = await listFile(list(web.url, push.url, names));
  await using agent = await startAgent(file.path);
  const port = Number(new URL(agent.url).port);
  const sockets = Array.from({ length: 1_000 }, () => net.connect(port, '127.0.0.1').on('error', () => {}));
  const stop = new AbortController();
  const made = new Set<number>();
  const began = performance.now();
  let answers = 0;
  const askOn = async () => {
    while (!stop.signal.aborted) {
      made.add(JSON.parse(await agent.get('/api/status')).now);
      answers += 1;
    }
  };
  const clients = Array.from({ length: 6 }, askOn);
  try {
    for (let number = 0; number < 75; number += 1) {
      const { status } = await fetch(`${agent.url}/-/healthy`, { headers: { connection: 'close' } });
      assert.equal(status, 200);
    }
    await until(() => answers > 200, 'too few answers');
    // The checks go on: one of them runs again and again.
    const runs = () =>
      push.pushes.flatMap(({ series }) => series).filter(({ labels }) => labels.__name__ === 'probe_success').length;
    const before = runs();
    await until(() => runs() > before + 100, 'no more checks ran');
  } finally {
    stop.abort();
    await Promise.all(clients);
    for (const socket of sockets) socket.destroy();
  }
  const seconds = (performance.now() - began) / 1_000;
  assert.ok(made.size <= seconds + 1, `status was made ${made.size} times in ${seconds} s for ${answers} answers`);
  assert.equal(await agent.stop(), 0);
});

test('agent: twenty reloads at once ask for a list elsewhere at most twice', async () => {
  await using push = await receiver();
  let asked = 0;
  await using elsewhere = await serve((_request, response) => {
    asked += 1;
    response.end(list('http://127.0.0.1:1', push.url, ['good']));
  });
  await using agent = await startAgent(`${elsewhere.url}/targets.yaml`, '--reload-interval', '1h');
  const before = asked;
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => fetch(`${agent.url}/-/reload`, { method: 'POST' }).then(({ status }) => status)),
  );
  assert.deepEqual(new Set(answers), new Set([200]));
  assert.ok(asked > before && asked <= before + 2, `${asked - before}`);
  assert.equal(await agent.stop(), 0);
});

test('agent: changed credentials are used while it runs, and its metrics tell of bad ones', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, push.url, ['good']));
  const locks = `${file.path}.locks`;
  const users = (password: string) => `basic_auth_users: { ops: "${hashSync(password, 4)}" }\n`;
  await writeFile(locks, users('canary-1'));
  await using agent = await startAgent(file.path, '--web-config', locks, '--reload-interval', '100ms');
  const metrics = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`ops:${password}`).toString('base64')}`;
    const answer = await fetch(`${agent.url}/metrics`, { headers: { authorization } });
    return answer.status === 200 ? answer.text() : `${answer.status}`;
  };
  const successful = /^bothways_web_config_last_reload_successful (\d)$/m;
  assert.equal(successful.exec(await metrics('canary-1'))?.[1], '1');
  await writeFile(locks, users('canary-2'));
  await until(async () => (await metrics('canary-1')) === '401', 'the old password is still good');
  assert.match(await metrics('canary-2'), successful);
  await writeFile(locks, 'basic_auth_users: 5');
  await until(async () => successful.exec(await metrics('canary-2'))?.[1] === '0', 'the bad file is not told of');
  assert.match(await agent.said(/web configuration before/), /basic_auth_users/);
  assert.doesNotMatch(agent.lines.join('\n'), /canary/);
  assert.equal(await agent.stop(), 0);
});

test('agent: with 128 descriptors and 500 idle connections it answers health checks and does not end', async () => {
  await using push = await receiver();
  await using file = await listFile(list('http://127.0.0.1:1', push.url, ['good']));
  const flags = ['agent', '--config', file.path, '--listen', '127.0.0.1:0'];
  const child = spawn('sh', ['-c', 'ulimit -n 128 && exec "$0" "$@"', process.execPath, launcher, ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    await until(() => /the page is at http/.test(text), 'it did not start');
    const url = /the page is at (http:[^"\s]+)/.exec(text)?.[1] ?? '';
    const sockets = Array.from({ length: 500 }, () =>
      net.connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {}),
    );
    for (let number = 0; number < 75; number += 1) {
      const { status } = await fetch(`${url}/-/healthy`, { headers: { connection: 'close' } });
      assert.equal(status, 200);
    }
    for (const socket of sockets) socket.destroy();
    assert.equal(child.exitCode, null);
  } finally {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});
