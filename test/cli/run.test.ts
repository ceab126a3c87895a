import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli } from './console.ts';
import { listFile, receiver, serve, site } from './world.ts';

const list = (site: string, receivers: readonly string[], targets = ['good', 'bad']) => `
vantages:
  laptop: { kind: agent }
  server: { kind: agent }
remote_write:
${receivers.map((url, index) => `  - { name: r${index}, url: "${url}/write?token=canary", queue_config: { min_backoff: 1ms, max_backoff: 5ms } }`).join('\n')}
  - { name: elsewhere, url: "http://127.0.0.1:1/write", from: [server] }
targets:
${targets.map((name) => `  - { name: ${name}, target: "${site}/${name}", from: [laptop], timeout: 2s }`).join('\n')}
  - { name: other, target: "${site}/good", from: [server] }
`;
const run = (path: string, ...more: string[]) =>
  cli(['run', '--once', '--config', path, '--vantage', 'laptop', ...more]);

test('run: probes the targets of the vantage, pushes their samples and says what came of both', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, [push.url]));
  const { code, stdout, stderr } = await run(file.path);
  assert.equal(code, 1, 'one of the targets is bad');
  assert.match(stdout, /^✓ good +[\d.]+ ms {2}resolve/m);
  assert.match(stdout, /^✗ bad .* http_status {2}resolve .*\n {4}check: .*500/m);
  assert.ok(!stdout.includes('other'));
  assert.match(
    stderr,
    /^2 checks at laptop: 1 good, 1 failed; \d+ samples\.\n✓ http:\S+\/write took \d+ samples\.\n$/m,
  );
  const of = (name: string) => push.series.filter((series) => series.name === name).map((series) => series.__name__);
  assert.ok(of('good').includes('probe_success') && of('bad').includes('probe_failure_info'));
  assert.ok(!of('good').includes('probe_failure_info'));
  assert.ok(!`${stdout}${stderr}`.includes('canary'));
});

test('run: with good targets and a receiver that takes all, the exit code is 0', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, [push.url], ['good']));
  const { code, stderr } = await run(file.path);
  assert.equal(code, 0, stderr);
});

test('run: samples that are refused are counted with the reason, and give exit code 1', async () => {
  await using web = await site();
  await using good = await receiver();
  await using bad = await receiver(400);
  await using file = await listFile(list(web.url, [good.url, bad.url], ['good']));
  const { code, stdout, stderr } = await run(file.path);
  assert.equal(code, 1);
  assert.match(stdout, /^✓ good/);
  assert.match(stderr, /^✓ http:\S+ took \d+ samples\.$/m);
  assert.match(
    stderr,
    /^✗ http:\S+ took 0 of \d+ samples: \d+ refused with status 400; it last said: .*no, thank you/m,
  );
});

test('run: a receiver that is not there is given up after --timeout, and its samples are counted', async () => {
  await using web = await site();
  await using file = await listFile(list(web.url, ['http://127.0.0.1:1'], ['good']));
  const { code, stderr } = await run(file.path, '--timeout', '50ms');
  assert.equal(code, 1);
  assert.match(stderr, /took 0 of \d+ samples: \d+ not taken in time; it last said: .*ECONNREFUSED/);
});

test('run: --json prints an object per run and a summary, and nothing else', async () => {
  await using web = await site();
  await using push = await receiver();
  await using file = await listFile(list(web.url, [push.url]));
  const { stdout, stderr } = await run(file.path, '--json');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines
      .map(({ name, verdict }) => [name, verdict])
      .slice(0, 2)
      .sort(),
    [
      ['bad', 'failed'],
      ['good', 'good'],
    ],
  );
  const { summary } = lines[2];
  assert.deepEqual([lines.length, summary.checks, summary.good, summary.failed], [3, 2, 1, 1]);
  assert.equal(summary.receivers[0].accepted, summary.samples);
  // Of the token in the receiver's URL.
  assert.match(stderr, /^warning: .* remote_write\[0\]\.url: the query holds a secret: .*\n$/);
});

test('run: --dry-run says what would be done and does nothing', async () => {
  await using push = await receiver();
  await using file = await listFile(list('http://127.0.0.1:1', [push.url]));
  const { code, stdout } = await run(file.path, '--dry-run');
  assert.equal(code, 0);
  assert.match(stdout, /^2 checks at laptop:\n {2}good {2}http:\/\/127\.0\.0\.1:1\/good {2}http_2xx {2}every 30s/);
  assert.match(stdout, /Samples go to:\n {2}http:\S+\/write\n$/);
  const plan = JSON.parse((await run(file.path, '--dry-run', '--json')).stdout);
  assert.deepEqual([plan.checks.length, plan.endpoints.length, push.series.length], [2, 1, 0]);
  assert.ok(!JSON.stringify(plan).includes('canary'));
});

test('run: wrong usage gives exit code 2 and says what to write', async () => {
  await using file = await listFile(list('http://127.0.0.1:1', []));
  const table: [words: string[], line: RegExp][] = [
    [['--config', file.path, '--vantage', 'laptop'], /run needs --once/],
    [['--once', '--config', file.path], /write --vantage laptop or --vantage server/],
    [['--once', '--config', file.path, '--vantage', 'latpop'], /no vantage "latpop"; did you mean laptop\?/],
    [['--once', '--config', file.path, '--vantage', 'moon'], /no vantage "moon"; write one of laptop, server/],
    [['--once', '--config', `${file.path}.nix`, '--vantage', 'laptop'], /there is no such file/],
  ];
  for (const [words, line] of table) {
    const { code, stdout, stderr } = await cli(['run', ...words]);
    assert.deepEqual([code, stdout], [2, ''], words.join(' '));
    assert.match(stderr, line);
  }
});

test('run: when somebody stops it, running probes are void, what is there is delivered, and the exit code is 130', async () => {
  const stop = new AbortController();
  await using web = await serve((request, response) => {
    if (request.url === '/slow') stop.abort();
    else response.end('ok');
  });
  await using push = await receiver();
  await using file = await listFile(list(web.url, [push.url], ['good', 'slow', 'late']));
  const words = ['run', '--once', '--config', file.path, '--vantage', 'laptop', '--json'];
  const { code, stdout } = await cli(words, { signal: stop.signal });
  assert.equal(code, 130);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const verdicts = new Map(lines.map(({ name, verdict }) => [name, verdict]));
  assert.equal(verdicts.get('slow'), 'void');
  assert.ok(verdicts.get('late') !== 'failed');
  const names = new Set(push.series.map(({ name }) => name));
  assert.ok(!names.has('slow'));
  assert.equal(lines.at(-1).summary.receivers[0].accepted, lines.at(-1).summary.samples);
});

test('run: a terminal shows progress on stderr, and colours unless NO_COLOR says no', async () => {
  await using web = await site();
  await using file = await listFile(list(web.url, [], ['good', 'bad']));
  const words = ['run', '--once', '--config', file.path, '--vantage', 'laptop'];
  const colourful = await cli(words, { isTerminal: true });
  assert.ok(colourful.stdout.includes('\u001b[32m✓\u001b[39m good'));
  assert.ok(colourful.stderr.includes('0 of 2 probed, 0 failed'));
  const plain = await cli(words, { isTerminal: true, environment: { NO_COLOR: '1' } });
  assert.ok(!plain.stdout.includes('\u001b'));
});
