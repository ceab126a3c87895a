import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cli } from './console.ts';
import { listFile } from './world.ts';

const good = `
vantages: { laptop: { kind: agent }, eu-west-1: { kind: lambda } }
remote_write: [{ url: "http://127.0.0.1:1/write", from: [laptop] }]
targets:
  - https://www.example.com
  - { name: inner, target: "http://inner.svc/", interval: 15s, timeout: 5s }
`;

test('check: a sound list is summed up, with its warnings on stderr', async () => {
  await using file = await listFile(good);
  const { code, stdout, stderr } = await cli(['check', '--config', file.path]);
  assert.equal(code, 0);
  assert.match(stdout, /^ {2}laptop +agent +1 check +http 1 +interval from 15s +1 receiver$/m);
  assert.match(stdout, /^ {2}eu-west-1 +lambda +1 check +http 1 +interval from 1m +0 receivers$/m);
  assert.match(stdout, /^The list can be used, with 1 warning: 2 targets, 2 checks, 1 receiver\.$/m);
  assert.match(stderr, /^warning: .*targets\.yaml:2 .*eu-west-1.*\n$/);
});

test('check: every problem of a bad list is one line with file, line and path, and the exit code is 2', async () => {
  await using file = await listFile(
    good.replace('interval: 15s', 'intervall: 15s').replace('kind: agent', 'kind: agnet'),
  );
  const { code, stdout, stderr } = await cli(['check', '--config', file.path]);
  assert.deepEqual([code, stdout], [2, '']);
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /targets\.yaml:2 vantages\.laptop\.kind: /);
  assert.match(lines[1] ?? '', /targets\.yaml:6 targets\[1\]\.intervall: unknown key; did you mean "interval"\?/);
});

test('check: --json prints one object, good or bad', async () => {
  await using file = await listFile(good);
  const sound = await cli(['check', '--config', file.path, '--json']);
  const data = JSON.parse(sound.stdout);
  assert.deepEqual(
    [sound.code, data.ok, data.warnings.length, data.checks],
    [0, true, 1, { laptop: 1, 'eu-west-1': 1 }],
  );
  await using bad = await listFile('targts: []');
  const broken = await cli(['check', '--config', bad.path, '--json']);
  const problems = JSON.parse(broken.stdout);
  assert.deepEqual([broken.code, problems.ok, problems.problems.length], [2, false, 1]);
  assert.match(problems.problems[0].text, /targts: unknown key; did you mean "targets"\?/);
});

test('check: what no stage can be deployed with is one line too, as plan and deploy have it', async () => {
  const push = 'remote_write: [{ url: "https://push.example.com/" }]';
  const named = `
vantages: { ${'v'.repeat(31)}: { kind: lambda, region: ap-southeast-1 } }
${push}
targets: ["https://www.example.com"]
`;
  const targets = Array.from({ length: 45_001 }, (_, index) => `  - https://w${index}.example.com`).join('\n');
  for (const [text, message] of [
    [named, /the name bothways-x-v+-schedule-ap-southeast-1 has 66 letters, and AWS takes 64/],
    [
      `vantages: { eu-west-1: { kind: lambda } }\n${push}\ntargets:\n${targets}`,
      /eu-west-1 has 45001 checks, and one stack/,
    ],
  ] as const) {
    await using file = await listFile(text);
    const { code, stdout, stderr } = await cli(['check', '--config', file.path]);
    assert.deepEqual([code, stdout, stderr.trimEnd().split('\n').length], [2, '', 1]);
    assert.match(stderr, message);
    const json = await cli(['check', '--config', file.path, '--json']);
    const { ok, problems } = JSON.parse(json.stdout);
    assert.deepEqual([json.code, ok, problems.length], [2, false, 1]);
    assert.match(problems[0].text, message);
  }
});

test('schema: prints a JSON Schema that knows the probers', async () => {
  const { code, stdout } = await cli(['schema']);
  assert.equal(code, 0);
  const schema = JSON.parse(stdout);
  assert.match(schema.$schema, /json-schema/);
  assert.ok(stdout.includes('valid_status_codes'));
});

test('check: an expression that may take longer than a run has on the bodies of its module is a warning, once for each module', async () => {
  const listOf = (http: string) => `
vantages: { laptop: { kind: agent } }
modules: { page: { prober: http, http: ${http} } }
targets:
  - { target: "https://a.example.com", module: page }
  - { target: "https://b.example.com", module: page }
`;
  for (const [http, warned] of [
    ["{ fail_if_body_not_matches_regexp: ['ok.{0,50}ready'] }", true],
    ["{ fail_if_body_matches_regexp: ['1[01]{1000}2'], body_size_limit: 1MB }", true],
    ["{ fail_if_body_not_matches_regexp: ['ok.{0,50}ready'], body_size_limit: 1MB }", false],
    ["{ fail_if_body_not_matches_regexp: ['ok.{0,50}ready'], body_match_limit: 64KB }", false],
    ['{ fail_if_body_not_matches_regexp: [\'"status":\\s*"(?:ok|up)"\', \'ready\'] }', false],
  ] as const) {
    await using file = await listFile(listOf(http));
    const { code, stderr } = await cli(['check', '--config', file.path]);
    assert.equal(code, 0, stderr);
    const lines = stderr.split('\n').filter((line) => line.includes('may take longer than a run has'));
    assert.equal(lines.length, warned ? 1 : 0, stderr);
    if (warned)
      assert.match(
        lines[0] ?? '',
        /^warning: .*targets\.yaml:5 .*the expression ".*" may take longer .* body of \d+ bytes; write /,
      );
  }
});

test('check: an expression that is too large is refused with its size, and costs no time', async () => {
  await using file = await listFile(`
vantages: { laptop: { kind: agent } }
modules: { page: { prober: http, http: { fail_if_body_matches_regexp: ["${'[a-z]{1000}'.repeat(800)}"] } } }
targets: [{ target: "https://a.example.com", module: page }]
`);
  const { code, stderr } = await cli(['check', '--config', file.path]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /the regular expression is too large: a program of about \d+ instructions, at most 5000; write /,
  );
});
