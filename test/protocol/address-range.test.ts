import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRange, isGlobal } from '../../src/protocol/address-range.ts';
import { addressBytes } from '../../src/protocol/ip-address.ts';
import { specialRanges } from '../../src/protocol/special-ranges.ts';

const global = (text: string) => isGlobal(addressBytes(text) ?? assert.fail(text));

test('address-range: addresses of private, shared, link-local, benchmark, multicast and reserved ranges are not global', () => {
  for (const text of [
    '0.0.0.0',
    '10.255.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '169.254.1.1',
    '172.16.0.1',
    '192.0.0.8',
    '192.88.99.1',
    '192.168.255.255',
    '198.19.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:10.0.0.1',
    '::10.0.0.1',
    '64:ff9b:1::1',
    '100::1',
    '100:0:0:1::1',
    '2001:2::1',
    '2001:10::1',
    '2001:1::4',
    '3ffe::1',
    '5f00::1',
    '2001::1',
    '1000::1',
    '4000::1',
    '2001:db8::5efe:10.0.0.1',
    '2001:db8::200:5efe:127.0.0.1',
    '::ffff:0:10.0.0.1',
    'fc00::1',
    'fdff::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ])
    assert.equal(global(text), false, text);
});

test('address-range: their neighbours are global, and so are addresses for documentation, which stand for public ones', () => {
  for (const text of [
    '1.0.0.0',
    '9.255.255.255',
    '11.0.0.0',
    '100.128.0.0',
    '172.32.0.1',
    '192.0.1.0',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '192.0.0.9',
    '192.0.0.10',
    '2001:1::1',
    '2001:3::1',
    '2001:4:112::1',
    '2001:20::1',
    '2001:db8::5efe:8.8.8.8',
    '192.0.2.1',
    '198.51.100.1',
    '203.0.113.1',
    '2001:db8::1',
    '2606:4700::1111',
  ])
    assert.equal(global(text), true, text);
});

test('address-range: an address that holds an IPv4 address is judged by it', () => {
  assert.deepEqual(
    ['64:ff9b::10.0.0.1', '64:ff9b::8.8.8.8', '2002:a00:1::1', '2002:808:808::1', '::ffff:8.8.8.8'].map(global),
    [false, true, false, true, true],
  );
});

test('address-range: each row of the table is a range, once, with the document that gives it', () => {
  for (const [range, source] of specialRanges) {
    assert.ok(addressRange(range) !== undefined, range);
    assert.match(source, /^RFC \d+$/);
  }
  assert.equal(new Set(specialRanges.map(([range]) => range)).size, specialRanges.length);
});

test('address-range: a range holds what its first bits are those of, of its own family only', () => {
  const holds = (range: string, text: string) =>
    (addressRange(range) ?? assert.fail(range))(addressBytes(text) ?? assert.fail(text));
  assert.ok(holds('192.0.2.128/25', '192.0.2.200') && !holds('192.0.2.128/25', '192.0.2.127'));
  assert.ok(holds('192.0.2.1/32', '192.0.2.1') && !holds('192.0.2.1/32', '192.0.2.0'));
  assert.ok(holds('fd00::/8', 'fdff::1') && !holds('fd00::/8', 'fc00::1'));
  assert.ok(holds('2001:db8::1/127', '2001:db8::') && !holds('2001:db8::1/127', '2001:db8::2'));
  assert.ok(holds('::/0', '2001:db8::') && !holds('::/0', '192.0.2.1') && !holds('0.0.0.0/0', '::1'));
  for (const text of ['', '10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/x', 'a/8', '/8'])
    assert.equal(addressRange(text), undefined, text);
});
