import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookieJar } from '../../src/protocol/cookie-jar.ts';
import { locationOf, ownOriginAfter } from '../../src/protocol/redirect.ts';

test('redirect: credentials stay with scheme, host and port, or go to the https form of the origin', () => {
  for (const [from, to, own] of [
    ['http://a/', 'http://a/x', 'http://a'],
    ['http://a/', 'http://A:80/', 'http://a'],
    ['http://a/', 'https://a/', 'https://a'],
    ['http://a:80/', 'https://a:443/', 'https://a'],
    ['http://a:8080/', 'https://a:8080/', 'https://a:8080'],
    ['http://a:8080/', 'https://a/', undefined],
    ['http://a/', 'https://a:8443/', undefined],
    ['http://a/', 'http://a:81/', undefined],
    ['https://a/', 'http://a/', undefined],
    ['https://a/', 'https://a:444/', undefined],
    ['https://a/', 'https://www.a/', undefined],
    ['https://www.a/', 'https://a/', undefined],
    ['https://a/', 'https://a./', undefined],
    ['http://127.0.0.1/', 'http://localhost/', undefined],
    ['http://[::1]/', 'http://[0:0::1]/', 'http://[::1]'],
  ] as const)
    assert.equal(ownOriginAfter(new URL(from).origin, new URL(to)), own, `${from} ${to}`);
  assert.equal(ownOriginAfter(undefined, new URL('http://a/')), undefined);
});

test('redirect: user info of a Location is dropped, and what is neither http nor https leads nowhere', () => {
  const from = new URL('https://a/b?c');
  assert.equal(locationOf('//eve:secret@x/y', from)?.href, 'https://x/y');
  assert.equal(locationOf('d', from)?.href, 'https://a/d');
  for (const wrong of ['ftp://x/', 'data:,x', 'http://', 'blob:https://a/x', undefined])
    assert.equal(locationOf(wrong, from), undefined);
});

const sent = (from: string, setCookie: string, to: string): string => {
  const jar = cookieJar(() => 0);
  jar.keep(new URL(from), [setCookie]);
  return jar.header(new URL(to));
};

test('cookie jar: a cookie goes to its host, its domain, its path and its scheme alone', () => {
  for (const [from, setCookie, to, expected] of [
    ['http://a.test/', 'x=1', 'http://a.test:81/', 'x=1'],
    ['http://a.test/', 'x=1', 'http://sub.a.test/', ''],
    ['http://sub.a.test/', 'x=1; Domain=a.test', 'http://other.a.test/', 'x=1'],
    ['http://a.test/', 'x=1; Domain=b.test', 'http://b.test/', ''],
    ['http://a.test/', 'x=1; Domain=test', 'http://b.test/', ''],
    ['http://127.0.0.1/', 'x=1; Domain=0.0.1', 'http://10.0.0.1/', ''],
    ['http://127.0.0.1/', 'x=1; Domain=0.0.1', 'http://127.0.0.1/', ''],
    ['http://127.0.0.1/', 'x=1; Domain=127.0.0.1', 'http://127.0.0.1/', 'x=1'],
    ['https://a.test/', 'x=1; Secure', 'http://a.test/', ''],
    ['https://a.test/', 'x=1; Secure', 'https://a.test/', 'x=1'],
    ['http://a.test/', 'x=1; Secure', 'https://a.test/', ''],
    ['https://a.test/', '__Host-x=1; Secure; Path=/', 'https://a.test/', '__Host-x=1'],
    ['https://a.test/', '__Host-x=1; Secure; Path=/; Domain=a.test', 'https://a.test/', ''],
    ['https://a.test/', '__Secure-x=1', 'https://a.test/', ''],
    ['http://a.test/b/c', 'x=1', 'http://a.test/d', ''],
  ] as const)
    assert.equal(sent(from, setCookie, to), expected, `${from} ${setCookie} ${to}`);
});
