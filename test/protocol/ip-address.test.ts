import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressHash } from '../../src/protocol/address-hash.ts';
import { addressBytes } from '../../src/protocol/ip-address.ts';

const hex = (text: string) => Buffer.from(addressBytes(text) ?? []).toString('hex');

test('ip-address: an IPv4 address is four bytes, mapped into IPv6 or not', () => {
  for (const text of ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:FFFF:192.0.2.1'])
    assert.equal(hex(text), 'c0000201', text);
});

test('ip-address: an IPv6 address is sixteen bytes in each of its forms', () => {
  for (const text of ['2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8::0.0.0.1', '2001:db8::1%eth0'])
    assert.equal(hex(text), '20010db8000000000000000000000001', text);
  assert.equal(hex('::'), '0'.repeat(32));
});

test('ip-address: what Node takes for an address has bytes, and nothing else', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/), fc.string());
  fc.assert(
    fc.property(address, (text) => {
      fc.pre(!text.includes('%'));
      assert.equal(addressBytes(text) !== undefined, isIP(text) !== 0, text);
    }),
  );
});

// From blackbox_exporter.
test("address-hash: the values are blackbox_exporter's", () => {
  assert.equal(addressHash('127.0.0.1'), 3668918509);
  assert.equal(addressHash('::ffff:127.0.0.1'), 3668918509);
  assert.equal(addressHash('8.8.8.8'), 2350491669);
  assert.equal(addressHash('::1'), 1751717746);
  assert.equal(addressHash('2001:db8::1'), 1851458804);
  assert.equal(addressHash('shop.example'), 0);
});
