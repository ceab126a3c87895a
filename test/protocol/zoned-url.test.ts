import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zonedUrl } from '../../src/protocol/zoned-url.ts';

test('zoned url: the zone of an address is read apart, and the URL has none', () => {
  for (const [text, href, zone] of [
    ['http://[fe80::1%25eth0]:8080/x?y', 'http://[fe80::1]:8080/x?y', '%eth0'],
    ['https://user@[fe80::1%eth0.5]/', 'https://user@[fe80::1]/', '%eth0.5'],
    ['http://[fe80::1]/', 'http://[fe80::1]/', ''],
    ['http://shop.example.com/%25eth0]', 'http://shop.example.com/%25eth0]', ''],
  ] as const) {
    const read = zonedUrl(text);
    assert.deepEqual([read?.url.href, read?.zone], [href, zone]);
  }
  for (const text of ['http://[fe80::1%]/', 'http://[fe80::1%25a b]/', 'http://[x%25eth0]/', 'http://'])
    assert.equal(zonedUrl(text), undefined, text);
});
