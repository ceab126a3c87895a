import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noProxy } from '../../src/protocol/no-proxy.ts';

/** Which entries mean a host, of those given. */
const meaning = (entries: readonly string[], host: string, port = '443') =>
  entries.filter((entry) => noProxy(entry, host, port));

test('no-proxy: a name means itself and what is below it, with a dot or a star before it too, in any case', () => {
  const entries = ['*', 'example.com', '.example.com', '*.example.com', 'x, a.example.com', 'EXAMPLE.COM', 'com.'];
  assert.deepEqual(meaning(entries, 'a.example.com'), entries);
  assert.deepEqual(meaning(entries, 'a.example.com.'), entries);
  assert.deepEqual(meaning(['example.com', '.example.com'], 'example.com'), ['example.com', '.example.com']);
  const others = ['ample.com', 'b.example.com', 'a.example.com.org', '.', '*.', '10.0.0.0/8', '', ' , '];
  assert.deepEqual(meaning(others, 'a.example.com'), []);
});

test('no-proxy: an entry with a port means that port only', () => {
  const entries = ['example.com', 'example.com:443', '.example.com:8443', 'example.com:0', 'example.com:x'];
  assert.deepEqual(meaning(entries, 'example.com'), ['example.com', 'example.com:443']);
  assert.deepEqual(meaning(entries, 'example.com', '8443'), ['example.com', '.example.com:8443']);
  assert.deepEqual(meaning(['192.0.2.1:443', '192.0.2.1:80'], '192.0.2.1'), ['192.0.2.1:443']);
  assert.deepEqual(meaning(['[2001:db8::1]:443', '[2001:db8::1]:80'], '[2001:db8::1]'), ['[2001:db8::1]:443']);
});

test('no-proxy: a range means all addresses in it that a URL holds, and no name', () => {
  const four = ['10.0.0.0/8', '10.1.0.0/16', '10.0.0.7', '0.0.0.0/0', '10.0.0.0/9'];
  assert.deepEqual(meaning(four, '10.0.0.7'), ['10.0.0.0/8', '10.0.0.7', '0.0.0.0/0', '10.0.0.0/9']);
  assert.deepEqual(meaning(four, '10.128.0.7'), ['10.0.0.0/8', '0.0.0.0/0']);
  const six = ['fd00::/8', 'fd02::/16', 'fd01:0::1', '[fd01::1]', '::/0', '0.0.0.0/0'];
  assert.deepEqual(meaning(six, '[fd01::1]'), ['fd00::/8', 'fd01:0::1', '[fd01::1]', '::/0']);
  assert.deepEqual(meaning(['10.0.0.0/33', '10.0.0.0/', '/8', '10.0.0.0/8:443', '10.0.0.0/-1'], '10.0.0.7'), []);
});

test('no-proxy: localhost and loopback addresses are reached without one, whatever it says', () => {
  for (const host of ['localhost', 'LOCALHOST.', '127.0.0.1', '127.9.9.9', '[::1]', '[::ffff:127.0.0.1]'])
    assert.ok(noProxy('', host, '443'), host);
  for (const host of ['localhost.example.com', '128.0.0.1', '[::2]', 'mylocalhost'])
    assert.ok(!noProxy('', host, '443'), host);
});

test('no-proxy: no text makes it throw', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, host) => {
      noProxy(text, host, '443');
    }),
  );
});
