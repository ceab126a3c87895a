import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretHeader, secretsInDialogue, secretsInText } from '../../src/protocol/literal-secrets.ts';
import { querySecrets, withoutQuerySecrets } from '../../src/protocol/query-secrets.ts';
import { isSecretName, secretNames } from '../../src/protocol/secret-names.ts';

test('secret names: each row of the table has its examples, in every spelling', () => {
  for (const { examples } of secretNames)
    for (const name of examples)
      for (const spelling of [name, name.toLowerCase(), name.replaceAll('-', '_')])
        assert.equal(isSecretName(spelling, 'a-value-of-20-characters'), true, spelling);
});

test('secret names: what only reads like one is none, nor is an empty value', () => {
  for (const name of [
    'Accept',
    'Author',
    'X-Authority',
    'Idempotency-Key',
    'Sec-WebSocket-Key',
    'max_tokens',
    'auth_type',
    'X-Scope-OrgID',
    'monkey',
    'keyboard',
    'page',
    'design',
    'compass',
    'X-Probe',
  ])
    assert.equal(isSecretName(name, 'a-value-of-20-characters'), false, name);
  assert.equal(isSecretName('password', ''), false);
  assert.equal(isSecretName('code', 'de'), false);
});

test('literal secrets: a header is one by its name or by the form of its value', () => {
  for (const [name, value] of [
    ['Authorization', 'Basic eA=='],
    ['X-Forwarded', 'Bearer abcdefgh123'],
    ['X-Any', 'ghp_abcdefghijklmnop'],
    ['Cookie', 'a=b'],
  ] as const)
    assert.equal(isSecretHeader(name, value), true, name);
  assert.equal(isSecretHeader('Accept', 'text/html, application/json'), false);
});

test('literal secrets: bodies give theirs away by names, forms and elements', () => {
  for (const [text, expected] of [
    ['user=ann&password=hunter2&x=1', ['hunter2']],
    ['{"user": "ann", "Password": "hun ter2"}', ['hun ter2']],
    ["{apiKey: 'k-1234'}", ['k-1234']],
    ['<u>ann</u><password type="text">hunter2</password>', ['hunter2']],
    [
      'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic aHVudGVy\r\nCookie: a=b111; c=d222\r\n\r\n',
      ['aHVudGVy', 'b111', 'd222'],
    ],
    ['{"query": "{ me { name } }", "token": "${1}"}', []],
    ['hello', []],
    ['', []],
  ] as const)
    assert.deepEqual([...secretsInText(text)].sort(), [...expected].sort(), text);
});

test('literal secrets: dialogues give theirs away by the commands that log in', () => {
  for (const [lines, expected] of [
    [
      ['USER ann', 'PASS hunter2'],
      [[], ['hunter2']],
    ],
    [
      ['EHLO x', 'AUTH PLAIN AGFubgBodW50ZXIy', 'QUIT'],
      [[], ['AGFubgBodW50ZXIy'], []],
    ],
    [
      ['AUTH LOGIN', 'YW5u', 'aHVudGVyMg==', 'QUIT'],
      [[], ['YW5u'], ['aHVudGVyMg=='], []],
    ],
    [
      ['AUTH hunter2', 'PING'],
      [['hunter2'], []],
    ],
    [['AUTH ann hunter2'], [['ann hunter2']]],
    [['a1 LOGIN ann hunter2'], [['hunter2']]],
    [
      ['PASS ${1}', 'AUTH TLS'],
      [[], []],
    ],
    [
      ['NICK prober', 'USER prober prober prober :prober', 'PING ${1}'],
      [[], [], []],
    ],
  ] as const)
    assert.deepEqual(secretsInDialogue(lines), expected, lines.join());
});

test('query secrets: the value is masked and the rest stays as it was written', () => {
  for (const [url, shown] of [
    ['https://x.example/a?apikey=k&page=2', 'https://x.example/a?apikey=***&page=2'],
    ['https://x/?a=1;token=%41b#access_token=z', 'https://x/?a=1;token=***#access_token=***'],
    ['https://x/?api%5Fkey=1', 'https://x/?api%5Fkey=***'],
    [
      'https://x/?X-Amz-Credential=c&X-Amz-Date=d&X-Amz-Signature=s',
      'https://x/?X-Amz-Credential=***&X-Amz-Date=d&X-Amz-Signature=***',
    ],
    ['https://x/?next=https%3A%2F%2Fy%2F%3Ftoken%3Dt', 'https://x/?next=***'],
    ['https://x/?q=ghp_abcdefghijklmnop', 'https://x/?q=***'],
    ['https://x/?page=2&sort=name', 'https://x/?page=2&sort=name'],
    ['https://x/?password=', 'https://x/?password='],
    ['https://x/?%zz=1&sig=%zz', 'https://x/?%zz=1&sig=***'],
    ['tcp://x:1', 'tcp://x:1'],
  ] as const) {
    assert.equal(withoutQuerySecrets(url), shown);
    assert.equal(withoutQuerySecrets(shown), shown);
    assert.equal(querySecrets(url).length > 0, url !== shown);
  }
});
