import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTexts } from '../../src/config/load.ts';
import { isPlaintext, plaintextSources } from '../../src/config/plaintext.ts';
import { plaintextSecretsIn } from '../../src/config/plaintext-secrets.ts';
import { problemText } from '../../src/config/problem.ts';
import { flatSettings } from '../../src/generate/flat-settings.ts';
import { http } from '../../src/probers/http/http.ts';
import { probers } from '../../src/probers/index.ts';
import { withReferences } from './lists.ts';

const agent = 'vantages: { a: { kind: agent } }\n';
/** Loads a list for the probers that there are. */
const load = (text: string) => loadTexts([{ file: 'list.yaml', text }], { probers });
const good = (text: string) => {
  const loaded = load(text);
  if (!loaded.ok) assert.fail(loaded.problems.map(problemText).join('\n'));
  return loaded;
};
const problemsOf = (text: string): readonly string[] => {
  const loaded = load(text);
  return loaded.ok ? [] : loaded.problems.map(problemText);
};

const warningsOf = (text: string): readonly string[] => good(agent + text).warnings.map(problemText);
const target = 'targets: [{ name: t, target: "http://x.svc", module: m }]\n';
const canary = 'canary-7f3a-1234';

test('plaintext: each place where a secret may be written out has a warning that says what to write, and does not repeat it', () => {
  const reference = withReferences('"{{env:NAME}}"');
  for (const [block, place, advice] of [
    [
      `http: { headers: { Authorization: "Bearer ${canary}" } }`,
      'headers.Authorization',
      `write a reference, for example ${reference}`,
    ],
    [`http: { headers: { X-Api-Key: ${canary} } }`, 'headers.X-Api-Key', `write a reference, for example ${reference}`],
    [
      `http: { headers: { Cookie: "session=${canary}" } }`,
      'headers.Cookie',
      `write a reference, for example ${reference}`,
    ],
    [
      `http: { headers: { X-Other: "Bearer ${canary}" } }`,
      'headers.X-Other',
      `write a reference, for example ${reference}`,
    ],
    [
      `http: { http_headers: { X-Auth-Token: { values: [a, ${canary}] } } }`,
      'http_headers.X-Auth-Token.values[0]',
      `write it under \`secrets\` as a reference, for example ${reference}`,
    ],
    [
      `http: { body: "user=a&password=${canary}" }`,
      'body',
      `write the whole body as a reference, for example ${reference}`,
    ],
    [
      `tcp: { query_response: [{ send: "USER a" }, { send: "PASS ${canary}" }] }`,
      'query_response[1].send',
      `write the whole line as a reference, for example ${reference}`,
    ],
  ] as const) {
    const prober = block.startsWith('tcp') ? 'tcp' : 'http';
    const own = target.replace('http://x.svc', prober === 'tcp' ? 'tcp://x.svc:1' : 'http://x.svc');
    const [first = ''] = warningsOf(`modules: { m: { prober: ${prober}, ${block} } }\n${own}`);
    assert.match(first, /reads like a secret in plaintext; /);
    assert.ok(first.startsWith(`list.yaml:2 modules.m.${prober}.${place}: `), first);
    assert.ok(first.endsWith(advice), first);
    assert.ok(!first.includes(canary));
    const [overlaid = ''] = warningsOf(`targets: [{ name: t, target: "${prober}://x.svc:1", ${block} }]`);
    assert.ok(overlaid.startsWith(`list.yaml:2 targets[0].${prober}.${place}: `), overlaid);
  }
  assert.match(
    warningsOf(`remote_write: [{ url: "https://p/push", headers: { X-Api-Key: ${canary} } }]`)[0] ?? '',
    /remote_write\[0\]\.headers\.X-Api-Key: reads like a secret in plaintext/,
  );
});

test('plaintext: a reference, and what holds no secret, has no warning', () => {
  for (const block of [
    'headers: { Authorization: "{{env:A}}", X-Probe: waf, Accept: "text/html" }',
    'http_headers: { X-Auth-Token: { secrets: ["{{env:A}}"] }, X-Tag: { values: [a] } }',
    'body: "{{env:A}}"',
    'body: "hello"',
  ])
    assert.deepEqual(
      warningsOf(withReferences(`modules: { m: { prober: http, http: { ${block} } } }\n${target}`)),
      [],
      block,
    );
  assert.deepEqual(
    warningsOf(
      'targets: [{ name: t, target: "tcp://x.svc:1", tcp: { query_response: [{ expect: "^PING (.*)", send: "PONG {{1}}" }, { send: "AUTH TLS" }] } }]'.replace(
        '{{1}}',
        '\u0024{1}',
      ),
    ),
    [],
  );
});

test('plaintext: what was written out stands in no comparison of lists', () => {
  const settings = http.settings.parse({
    headers: { 'X-Api-Key': canary, Accept: 'text/html' },
    http_headers: { 'X-Auth-Token': { values: [canary] } },
    body: `password=${canary}`,
  });
  const flat = flatSettings({ http: settings });
  assert.doesNotMatch([...flat.values()].map(({ text }) => text).join('\n'), /canary/);
  assert.equal(flat.get('http.headers.X-Api-Key')?.text, '(a secret in the open)');
  assert.equal(flat.get('http.headers.Accept')?.text, 'text/html');
  assert.equal(plaintextSecretsIn(settings).length, 3);
});

test('plaintext: a secret in the query of a target is masked in its label, its name and its messages, and has a warning', () => {
  const text = `targets:
  - "https://x.example/health?apikey=${canary}&page=2"
  - { name: two, target: "https://x.example/health?apikey=other-${canary}&page=2", also: ["https://x.example/a?token=${canary}"] }
  - { name: three, target: "http://y.svc", instance: "http://y.svc?sig=${canary}" }
`;
  const { compiled, warnings } = good(agent + text);
  const shown = JSON.stringify([warnings, compiled.checks.map(({ id, instance, labels }) => [id, instance, labels])]);
  assert.doesNotMatch(shown, /canary/);
  assert.deepEqual(
    compiled.checks.map(({ id, instance }) => [id, instance]),
    [
      ['x.example/health@a', 'https://x.example/health?apikey=***&page=2'],
      ['two@a', 'https://x.example/health?apikey=***&page=2'],
      ['two@a+1', 'https://x.example/a?token=***'],
      ['three@a', 'http://y.svc?sig=***'],
    ],
  );
  assert.equal(compiled.checks[0]?.target.address.includes(canary), true);
  assert.deepEqual(
    warnings.map(problemText).map((one) => one.split(': ')[0]),
    ['list.yaml:3 targets[0]', 'list.yaml:4 targets[1].target', 'list.yaml:4 targets[1].also[0]'],
  );
  // Two checks of one target that differ by the secret alone would be one series: they are refused.
  assert.match(
    problemsOf(
      `${agent}targets: [{ name: t, target: "https://x/?key=${canary}", also: ["https://x/?key=other-${canary}"] }]`,
    ).join(),
    /a second check with the instance "https:\/\/x\/\?key=\*\*\*"; write another `instance:`/,
  );
  assert.doesNotMatch(problemsOf(`${agent}targets: ["x://x/?key=${canary}", "x?key=${canary}"]`).join(), /canary/);
  assert.equal(
    good(`${agent}targets: ["https://x.example/?page=2"]`).compiled.checks[0]?.instance,
    'https://x.example/?page=2',
  );
});

test('plaintext: credentials over http to another machine have a warning, to this one not', () => {
  const over = /remote_write\[0\]\.url: credentials go over plain http, where others can read them; write https:\/\//;
  const basic = 'basic_auth: { username: u, password: "{{env:P}}" }';
  for (const [url, more, warns] of [
    ['http://p.example/push', basic, true],
    ['http://p.example/push', 'bearer_token_file: /dev/null', true],
    ['http://p.example/push', 'headers: { X-Any: "{{env:P}}" }', true],
    ['http://p.example/push', 'headers: { X-Api-Key: plain }', true],
    ['http://p.example/push?token=a', 'headers: {}', true],
    ['http://p.example/push', 'headers: { X-Scope-OrgID: a }', false],
    ['https://p.example/push', basic, false],
    ['http://127.0.0.1:9090/push', basic, false],
    ['http://localhost:9090/push', basic, false],
    ['http://[::1]:9090/push', basic, false],
  ] as const)
    assert.equal(
      warningsOf(withReferences(`remote_write: [{ url: "${url}", ${more} }]\ntargets: ["http://x.svc"]`)).some((one) =>
        over.test(one),
      ),
      warns,
      `${url} ${more}`,
    );
  const discover = (server: string, more: string) =>
    warningsOf(`discover: { kubernetes: [{ kinds: [pod], server: "${server}"${more} }] }`).join();
  assert.match(
    discover('http://10.0.0.1', ', token_file: /dev/null'),
    /discover\.kubernetes\[0\]\.server: the token goes over plain http/,
  );
  assert.doesNotMatch(discover('http://10.0.0.1', ''), /plain http/);
  assert.doesNotMatch(discover('http://127.0.0.1:8001', ', token_file: /dev/null'), /plain http/);
});

test('plaintext: a list over http, or in a bucket at an endpoint over http, has a warning', () => {
  for (const [path, environment, warns] of [
    ['http://lists.example/a.yml', {}, true],
    ['https://lists.example/a.yml', {}, false],
    ['http://127.0.0.1/a.yml', {}, false],
    ['/etc/bothways', {}, false],
    ['s3://bucket/a.yml', {}, false],
    ['s3://bucket/a.yml', { AWS_ENDPOINT_URL: 'http://minio.svc:9000' }, true],
    ['s3://bucket/a.yml', { AWS_ENDPOINT_URL_S3: 'http://minio.svc:9000' }, true],
    ['s3://bucket/a.yml', { AWS_ENDPOINT_URL_S3: 'https://minio.svc', AWS_ENDPOINT_URL: 'http://x' }, false],
    ['s3://bucket/a.yml', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9000' }, false],
  ] as const)
    assert.equal(plaintextSources([path], environment).length > 0, warns, `${path} ${JSON.stringify(environment)}`);
  assert.equal(isPlaintext('http://localhost.evil.example/'), true);
  assert.equal(isPlaintext('http://127.0.0.1.evil.example/'), true);
});
