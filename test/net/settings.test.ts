import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationText, patternText, secretText, tlsSettings } from '../../src/net/settings.ts';

test('settings: a bad duration and a bad expression are refused with what to write', () => {
  assert.match(durationText.safeParse('5').error?.issues[0]?.message ?? '', /for example 30s/);
  assert.match(patternText.safeParse('(?=x)').error?.issues[0]?.message ?? '', /RE2/);
  assert.equal(durationText.parse('1m'), '1m');
});

test('settings: a secret is a text or a reference', () => {
  assert.equal(secretText.parse('x'), 'x');
  assert.deepEqual(secretText.parse({ secret: 'env:X' }), { secret: 'env:X' });
  assert.equal(secretText.safeParse({ secret: 'env:X', more: 1 }).success, false);
});

test('settings: tls_config refuses two sources of one thing, half a client certificate, and versions upside down', () => {
  const why = (value: unknown) =>
    tlsSettings.safeParse(value).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
  assert.deepEqual(why({}), []);
  assert.deepEqual(why({ ca: 'a', ca_file: 'b' }), ['ca_file: at most one of ca and ca_file']);
  assert.deepEqual(why({ cert_file: 'a' }), ['cert: a client certificate needs both a certificate and a key']);
  assert.deepEqual(why({ cert_file: 'a', key_file: 'b', key: 'c' }), ['key_file: at most one of key and key_file']);
  assert.deepEqual(why({ min_version: 'TLS13', max_version: 'TLS12' }), [
    'max_version: max_version is below min_version',
  ]);
  assert.equal(why({ min_version: 'TLS14' }).length, 1);
});

test('settings: parsing twice gives what parsing once gives', () => {
  const once = tlsSettings.parse({ ca_file: '/ca.pem' });
  assert.deepEqual(tlsSettings.parse(once), once);
});
