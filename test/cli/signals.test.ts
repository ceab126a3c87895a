import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listFile, receiver, serve } from './world.ts';

const launcher = fileURLToPath(new URL('../../bin/bothways', import.meta.url));

const start = (path: string) => {
  const child = spawn(process.execPath, [launcher, 'run', '--once', '--config', path, '--json']);
  const ended = Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code, stdout, stderr }),
  );
  return { child, ended };
};

const list = (site: string, push: string) => `
vantages: { laptop: { kind: agent } }
remote_write: [{ url: "${push}" }]
targets:
  - { name: good, target: "${site}/good", timeout: 60s, interval: 60s }
  - { name: slow, target: "${site}/slow", timeout: 60s, interval: 60s }
`;

/** A site whose `/slow` says that it was asked, and never answers. */
const slowSite = async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = await serve((request, response) => (request.url === '/slow' ? resolve() : void response.end('ok')));
  return { ...server, asked };
};

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`signals: ${signal} ends a run in order: what is there is delivered, the exit code is 130`, async () => {
    await using web = await slowSite();
    await using push = await receiver();
    await using file = await listFile(list(web.url, push.url));
    const { child, ended } = start(file.path);
    await web.asked;
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 130, stderr);
    const { summary } = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
    assert.deepEqual([summary.good, summary.void, summary.failed], [1, 1, 0]);
    assert.equal(push.series.length, summary.samples);
  });

test('signals: a second Ctrl-C does not wait for the receiver', async () => {
  await using web = await slowSite();
  const { promise: pushed, resolve } = Promise.withResolvers<void>();
  await using silent = await serve(() => resolve());
  await using file = await listFile(list(web.url, silent.url));
  const { child, ended } = start(file.path);
  await web.asked;
  child.kill('SIGINT');
  await pushed;
  // Signals that come together count as one, so this goes on until it is heard.
  const again = setInterval(() => child.kill('SIGINT'), 50);
  const { code, stdout } = await ended;
  clearInterval(again);
  assert.equal(code, 130);
  assert.ok(!stdout.includes('summary'));
});
