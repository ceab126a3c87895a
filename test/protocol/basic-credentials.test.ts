import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { basicCredentials } from '../../src/protocol/basic-credentials.ts';

const pairOf = (url: string) =>
  Buffer.from(basicCredentials(new URL(url))?.replace(/^Basic /, '') ?? '', 'base64').toString('utf8');

test('basic-credentials: the example of RFC 7617 is as it stands there', () => {
  assert.equal(
    basicCredentials({ username: 'Aladdin', password: 'open%20sesame' }),
    'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==',
  );
});

test('basic-credentials: codes are resolved, a % that begins none stands for itself, and nothing gives nothing', () => {
  assert.equal(pairOf('http://ann:p%40ss@proxy'), 'ann:p@ss');
  assert.equal(pairOf('http://a%n:100%@proxy'), 'a%n:100%');
  assert.equal(pairOf('http://a%n:p%40ss@proxy'), 'a%n:p@ss');
  assert.equal(pairOf('http://ann@proxy'), 'ann:');
  assert.equal(pairOf('http://:token@proxy'), ':token');
  assert.equal(basicCredentials(new URL('http://proxy')), undefined);
});

test('basic-credentials: what was encoded comes back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (password) => {
      const there = basicCredentials({ username: 'a', password: encodeURIComponent(password) });
      assert.equal(there, `Basic ${Buffer.from(`a:${password}`).toString('base64')}`);
    }),
  );
});
