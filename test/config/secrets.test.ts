import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listText } from '../../src/config/list-text.ts';
import { loadTexts, loadValue } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { readSecret } from '../../src/config/secrets.ts';
import { good, loadText, problemsOf, withReferences } from './lists.ts';
import { probers } from './probers.ts';

const agent = 'vantages: { a: { kind: agent } }\n';
const settingsOf = (text: string): string => JSON.stringify(good(text).compiled.checks[0]?.module.settings);

test('secrets: a reference becomes data that no template language touches', () => {
  for (const [text, secret] of [
    ['{{env:X_1}}', 'env:X_1'],
    ['{{file:/run/secrets/x y}}', 'file:/run/secrets/x y'],
    ['{{ssm:/bothways/waf}}', 'ssm:/bothways/waf'],
    ['{{ssm:eu-west-1:/bothways/waf}}', 'ssm:eu-west-1:/bothways/waf'],
    ['{{secretsmanager:us-gov-west-1:waf-AbCdEf}}', 'secretsmanager:us-gov-west-1:waf-AbCdEf'],
  ] as const) {
    assert.deepEqual(readSecret(withReferences(text)), { kind: 'reference', ref: { secret } }, text);
  }
});

test('secrets: what is nearly a reference is refused, what is none is a literal', () => {
  for (const text of [
    'Bearer {{env:X}}',
    '{{env:X}}{{env:Y}}',
    '{{env:}}',
    '{{env:A-B}}',
    '{{file:relative}}',
    '{{vault:x}}',
  ])
    assert.equal(readSecret(withReferences(text)).kind, 'wrong', text);
  for (const text of ['hunter2', '{{1}}', '{{}}', 'a $ b', '{env:X}', '{{name}}'])
    assert.equal(readSecret(withReferences(text)).kind, 'literal', text);
});

test('secrets: after load the list and its checks hold references only', () => {
  const { list, compiled } = good(`${agent}
remote_write: [{ url: "http://p/push", basic_auth: { username: "{{env:U}}", password: "{{file:/p}}" } }]
modules: { api: { prober: http, http: { bearer_token: "{{ssm:/a}}", headers: { X: "{{env:H}}" } } } }
targets: [{ target: "http://x", module: api, http: { http_headers: { Y: { secrets: ["{{env:S}}"] } } } }]
`);
  const settings = JSON.parse(JSON.stringify(compiled.checks[0]?.module.settings));
  assert.deepEqual(settings.bearer_token, { secret: 'ssm:/a' });
  assert.deepEqual(settings.headers, { X: { secret: 'env:H' } });
  assert.deepEqual(settings.http_headers, { Y: { secrets: [{ secret: 'env:S' }] } });
  assert.deepEqual(compiled.endpoints[0]?.settings.basic_auth, {
    username: { secret: 'env:U' },
    password: { secret: 'file:/p' },
  });
  assert.equal(JSON.stringify([list, compiled]).includes('\u0024{'), false);
});

test('secrets: a literal is taken out of the list, with a warning at its line', () => {
  const text = `${agent}targets:\n  - target: http://x\n    http: { bearer_token: hunter2, basic_auth: null }\n`;
  const { literals, list, warnings } = good(text);
  assert.deepEqual([...literals.values()], ['hunter2']);
  assert.match([...literals.keys()].join(), /^literal:list\.yaml:targets\[0\]\.http\.bearer_token#[0-9a-f]{8}$/);
  assert.equal(JSON.stringify(list).includes('hunter2'), false);
  assert.deepEqual(warnings.map(problemText), [
    withReferences(
      'list.yaml:4 targets[0].http.bearer_token: a secret stands here in the open; write a reference, for example "{{env:NAME}}"',
    ),
  ]);
});

test('secrets: another literal at the same place has another name, and the same one has the same', () => {
  const keyOf = (token: string) =>
    [...good(`${agent}targets: [{ target: "http://x", http: { bearer_token: ${token} } }]`).literals.keys()].join();
  assert.notEqual(keyOf('hunter2'), keyOf('hunter3'));
  assert.equal(keyOf('hunter2'), keyOf('hunter2'));
});

test('secrets: a reference of a kind that every object has is refused like any other', () => {
  for (const kind of ['constructor', 'x'])
    assert.match(
      problemsOf(`${agent}targets: [{ target: "http://x", http: { bearer_token: "{{${kind}:x}}" } }]`).join(),
      /no such kind of reference; write one of /,
    );
});

test('secrets: a number is a literal secret as it was written', () => {
  const { literals, list } = good(`${agent}targets: [{ target: "http://x", http: { bearer_token: 0123456.70 } }]`);
  assert.deepEqual([...literals.values()], ['0123456.70']);
  assert.equal(JSON.stringify(list).includes('123456'), false);
});

test('secrets: where one may stand, a literal stays and is no warning', () => {
  const { literals, warnings } = good(`${agent}targets: [{ target: "http://x", http: { headers: { X: plain } } }]`);
  assert.deepEqual([literals.size, warnings.length], [0, 0]);
});

test('secrets: a label or header named secret is no reference', () => {
  const { list, compiled } = good(
    `${agent}targets: [{ target: "http://x", labels: { secret: blue }, http: { headers: { secret: open } } }]`,
  );
  assert.equal(compiled.checks[0]?.labels.secret, 'blue');
  const again = good(listText(list)).compiled.checks;
  assert.deepEqual(again, compiled.checks);
});

test('secrets: what looks like a reference where no secret stands is a text', () => {
  const text = `${agent}targets: [{ target: "tcp://x:1", tcp: { query_response: [{ expect: "(a)", send: "{{1}}" }] } }]`;
  assert.match(settingsOf(text), /"send":"\$\{1\}"/);
});

test('secrets: part of a text is refused, and the text is not repeated', () => {
  const [problem = ''] = problemsOf(
    `${agent}targets: [{ target: "http://x", http: { headers: { X: "hunter2 {{env:X}}" } } }]`,
  );
  assert.match(problem, /^list\.yaml:2 targets\[0\]\.http\.headers\.X: a reference must be the whole value; /);
  assert.equal(problem.includes('hunter2'), false);
});

test('secrets: a variable or file that is not there gives a warning, since the list may be for another machine', () => {
  const text = `${agent}targets: [{ target: "http://x", http: { bearer_token: "{{env:X}}" } }, { target: "http://y", http: { bearer_token: "{{file:/not/there}}" } }]`;
  const loaded = loadText(text, {});
  assert.equal(loaded.ok, true);
  assert.deepEqual(
    loaded.warnings.map(({ message }) => message),
    ['the environment variable X is not set here', 'there is no file /not/there here'],
  );
  const set = loadText(text.replace('/not/there', '/dev/null'), { X: 'hunter2' });
  assert.deepEqual(set.ok && set.warnings, []);
});

const canary = 'canary-7f3a';

/** Each has a canary where a secret belongs, or where a mistake puts one. */
const secretPlaces: readonly string[] = [
  `remote_write: [{ url: "http://p/push", basic_auth: { username: u, password: ${canary} } }]`,
  `remote_write: [{ url: "http://p/push", bearer_token: ${canary} }]`,
  `remote_write: [{ url: "http://p/push", bearer_token: [${canary}] }]`,
  `remote_write: [{ url: "http://p/push", basic_auth: ${canary} }]`,
  `remote_write: [{ url: "http://p/push", headers: { X: [${canary}] } }]`,
  `remote_write: [{ url: "http://p/push", headers: ${canary} }]`,
  `remote_write: [{ url: "http://u:${canary}@p/push" }]`,
  `remote_write: ["http://u:${canary}@p/push"]`,
  `remote_write: "http://u:${canary}@p/push"`,
  `remote_write: [{ url: "http://p/push", tls_config: { cert: x, key: ${canary} } }]`,
  `remote_write: [{ url: "http://p/push", tls_config: { key: ${canary} } }]`,
  `remote_write: [{ url: "http://p/push", passwort: ${canary} }]`,
  `modules: { m: { prober: http, http: { bearer_token: ${canary} } } }`,
  `modules: { m: { prober: http, http: { bearer_token: { token: ${canary} } } } }`,
  `modules: { m: { prober: http, http: { basic_auth: { username: x, password: "x {{env:${canary}}}" } } } }`,
  `modules: { m: { prober: http, http: { basic_auth: { username: x, pasword: ${canary} } } } }`,
  `modules: { m: { prober: http, http: { http_headers: { X: ${canary} } } } }`,
  `modules: { m: { prober: http, http: { http_headers: { X: { secrets: ${canary} } } } } }`,
  `modules: { m: { prober: http, http: ${canary} } }`,
  `modules: ${canary}`,
  `targets: [{ target: "http://x", http: { bearer_token: ${canary} } }]`,
  `targets: [{ target: "http://x", http: { bearer_token: { a: ${canary} } } }]`,
  `targets: [{ target: "http://x", http: { headers: { Authorization: ["${canary}"] } } }]`,
  `targets: [{ target: "http://x", http: { headers: "${canary}" } }]`,
  `targets: [{ target: "http://x", http: "${canary}" }]`,
  `targets: [{ target: "http://x", tcp: { bearer_token: "${canary}" } }]`,
  `targets: [{ target: "http://u:${canary}@x" }]`,
  `targets: ["http://u:${canary}@x"]`,
  `targets: ["htps://u:${canary}@x"]`,
  `targets: ["u:${canary}@x:80"]`,
  `targets: "http://u:${canary}@x"`,
  `targets: [{ target: "http://x", instance: "http://u:${canary}@x" }]`,
  `targets: [{ target: "http://x", also: ["http://u:${canary}@x"] }]`,
  `targets: [{ target: "http://x", also: ["u:${canary}@x"] }]`,
  `targets: [{ target: "http://x", also: [{ http: { bearer_token: ${canary} } }] }]`,
  `targets: [{ target: "http://x", module: nope, http: { bearer_token: ${canary} } }]`,
  `targets: [{ target: "http://x", http: { bearer_token: "${canary}`,
  `targets: [{ target: "http://x", http: { bearer_token: ${canary}: ${canary} } }]`,
  `targets: [{ target: "http://x", http: { bearer_token: {{env:${canary}}} } }]`,
  `targets: [{ target: "http://x", http: { bearer_token: @${canary} } }]`,
  `targets:\n  - target: http://x\n     http: { bearer_token: "${canary}" }`,
];

test('secrets: no problem, warning, list or check repeats a secret', () => {
  for (const place of secretPlaces) {
    const text = withReferences(`${agent}${place}\n`);
    const loaded = loadTexts([{ file: 'list.yaml', text }], { probers, environment: {} });
    const { literals: _, ...shown } = loaded.ok ? loaded : { ...loaded, literals: undefined };
    assert.equal(JSON.stringify(shown).includes(canary), false, `${place}\n${JSON.stringify(shown)}`);
  }
});

test('secrets: a list loads again from what it became, with the same references', () => {
  const { list, compiled, literals } = good(
    `${agent}targets: [{ target: "http://x", http: { bearer_token: hunter2, headers: { X: "{{env:X}}" } } }]`,
  );
  const again = loadValue(JSON.parse(JSON.stringify(list)), { probers });
  assert.equal(again.ok, true);
  assert.deepEqual(again.compiled.checks, compiled.checks);
  assert.equal(literals.size, 1);
  assert.equal(again.literals.size, 0);
});
