import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli } from './console.ts';
import { listFile, site } from './world.ts';

test('probe: a good target gives its verdict, its phases and its address, and exit code 0', async () => {
  await using web = await site();
  const { code, stdout, stderr } = await cli(['probe', `${web.url}/good`]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^✓ http:\/\/127\.0\.0\.1:\d+\/good [\d.]+ ms, http_2xx\n/);
  assert.match(stdout, /^ {2}processing +[\d.]+ ms .*█/m);
  assert.match(stdout, /^ {2}address +127\.0\.0\.1$/m);
});

test('probe: a failed target says what was seen, what it means and where to look, and exit code 1', async () => {
  await using web = await site();
  const { code, stdout } = await cli(['probe', `${web.url}/bad`]);
  assert.equal(code, 1);
  assert.match(stdout, /^✗ .*\n {2}http_status \(check\)\n {4}.*500.*\n {4}The status code is not one/);
  assert.match(stdout, /Look at: The server's error/);
});

test("probe: --metrics prints Prometheus's text format with the metrics' own labels", async () => {
  await using web = await site();
  const { code, stdout } = await cli(['probe', `${web.url}/good`, '--metrics']);
  assert.equal(code, 0);
  assert.match(stdout, /^# HELP probe_success .*\n# TYPE probe_success gauge\nprobe_success 1$/m);
  assert.match(stdout, /^probe_http_duration_seconds\{phase="connect"\} [\d.e-]+$/m);
  assert.match(stdout, /^probe_http_status_code 200$/m);
});

test('probe: --json prints one object with the verdict and the metrics, --debug adds the trace', async () => {
  await using web = await site();
  const plain = JSON.parse((await cli(['probe', `${web.url}/bad`, '--json'])).stdout);
  assert.equal(plain.verdict, 'failed');
  assert.equal(plain.failures[0].reason, 'http_status');
  assert.ok(
    plain.metrics.some(
      ({ name, value }: { name: string; value: number }) => name === 'probe_http_status_code' && value === 500,
    ),
  );
  assert.equal(plain.trace, undefined);
  const debug = JSON.parse((await cli(['probe', `${web.url}/bad`, '--json', '--debug'])).stdout);
  assert.ok(debug.trace.some(({ what }: { what: string }) => what === 'connected'));
  assert.match((await cli(['probe', `${web.url}/bad`, '--debug'])).stdout, /^ +[\d.]+ ms {2}connected$/m);
  assert.match(
    (await cli(['probe', `${web.url}/bad`, '--debug', '--metrics'])).stdout,
    /^# \{"at":.*"what":"connected"/m,
  );
});

test('probe: a link-local address is refused with the switch to write, and a metadata service with none', async () => {
  const refused = await cli(['probe', 'tcp://169.254.1.1:80']);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /is a link-local address; write --link-local if it is meant/);
  const never = await cli(['probe', 'tcp://[64:ff9b::a9fe:a9fe]:80', '--link-local']);
  assert.equal(never.code, 2);
  assert.match(never.stderr, /is a metadata service; those are never probed/);
});

test('probe: --timeout is the time limit', async () => {
  await using web = await site();
  const { code, stdout } = await cli(['probe', `${web.url}/slow`, '--timeout', '100ms']);
  assert.equal(code, 1);
  assert.match(stdout, /timeout \(processing\)/);
});

test('probe: modules and targets come from a list, also with secrets in them', async () => {
  await using web = await site();
  await using file = await listFile(`
vantages: { laptop: { kind: agent }, server: { kind: agent } }
modules:
  any_status: { prober: http, http: { valid_status_codes: [500], basic_auth: { username: u, password: canary } } }
targets:
  - { name: shop, target: "${web.url}/bad", module: any_status }
`);
  const byModule = await cli(['probe', `${web.url}/bad`, '--config', file.path, '--module', 'any_status']);
  assert.equal(byModule.code, 0, byModule.stderr + byModule.stdout);
  const byName = await cli(['probe', 'shop', '--config', file.path, '--debug']);
  assert.equal(byName.code, 0, byName.stdout);
  assert.equal(byName.stdout.match(/^✓/gm)?.length, 1, 'once, although two vantages probe it');
  for (const { stdout, stderr } of [byModule, byName]) assert.ok(!`${stdout}${stderr}`.includes('canary'));
});

test('probe: wrong usage gives exit code 2 and says what to write', async () => {
  await using file = await listFile(
    '{ vantages: { a: { kind: agent } }, targets: [{ name: shop, target: "http://x.example" }] }',
  );
  const table: [words: string[], line: RegExp][] = [
    [[], /probe needs a TARGET: bothways probe TARGET/],
    [['ftp://example.com'], /no prober for ftp:\/\/; known are .*https:\/\//],
    [['example.com'], /needs a module; write .*https:\/\/.* before it, or --module;/],
    [['http://example.com', '--module', 'http_2xy'], /--module: .*"http_2xy"; did you mean "?http_2xx"?/],
    [['http://example.com', '--timeout', '0'], /--timeout: must be more than 0/],
    [['http://example.com', '--timeout', 'x'], /--timeout: not a duration/],
    [['http://example.com', '--metrics', '--json'], /write one/],
    [['shop', '--config', file.path, '--timeout', '1s'], /--timeout cannot change a target of the list/],
    [['http://169.254.169.254/'], /metadata/],
    [['http://u:secret@example.com/'], /basic_auth/],
  ];
  for (const [words, line] of table) {
    const { code, stdout, stderr } = await cli(['probe', ...words]);
    assert.deepEqual([code, stdout], [2, ''], `${words.join(' ')}\n${stdout}`);
    assert.match(stderr, line);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.ok(!stderr.includes('secret@'), stderr);
  }
});
