import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressKind } from '../../src/protocol/address-kind.ts';
import { isGlobal } from '../../src/protocol/address-range.ts';
import { addressBytes, addressText } from '../../src/protocol/ip-address.ts';

const kindOf = (text: string) => addressKind(addressBytes(text) ?? assert.fail(text));

const metadata4 = [
  '169.254.169.254',
  '169.254.169.252',
  '169.254.170.2',
  '169.254.170.23',
  '169.254.42.42',
  '169.254.0.23',
  '168.63.129.16',
  '100.100.100.200',
  '100.96.0.96',
  '192.0.0.192',
];
const metadata6 = [
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
  'fd00:a9fe:a9fe::1',
];

test('address-kind: metadata services of all clouds are known by their addresses', () => {
  for (const text of [...metadata4, ...metadata6]) assert.equal(kindOf(text), 'metadata', text);
});

test('address-kind: link-local ranges, and the services that clouds put there, are link-local', () => {
  for (const text of [
    '169.254.0.0',
    '169.254.255.255',
    '169.254.20.10',
    '::ffff:169.254.1.1',
    '64:ff9b::169.254.1.1',
    '64:ff9b:1:a9fe:1:100::',
    '2002:a9fe:101::1',
    '::169.254.1.1',
    '2001:db8::5efe:169.254.1.1',
    'fe80::',
    'fe80::1%eth0',
    'febf:ffff::1',
    'fd00:ec2::253',
    'fd00:ec2::123',
  ])
    assert.equal(kindOf(text), 'link_local', text);
});

test('address-kind: their neighbours are ordinary', () => {
  for (const text of [
    '169.253.255.255',
    '169.255.0.0',
    '168.63.129.17',
    '100.100.100.201',
    '192.0.0.193',
    'fe7f::1',
    'fec0::1',
    'fd00:ec3::254',
    'fd20:ce::255',
    'fd20:0:0:6::77',
    '127.0.0.1',
    '0.0.0.0',
    '::',
    '::1',
    '2001:db8::1',
  ])
    assert.equal(kindOf(text), 'ordinary', text);
});

type Bytes = readonly number[];
const zeros = (count: number): Bytes => new Array<number>(count).fill(0);

/** Forms in which an IPv6 address holds an IPv4 address: the bytes, of 32 random ones where there is a choice. */
const forms: Readonly<Record<string, (four: Bytes, any: Bytes) => Bytes>> = {
  mapped: (four) => [...zeros(10), 0xff, 0xff, ...four],
  compatible: (four) => [...zeros(12), ...four],
  translated: (four) => [...zeros(8), 0xff, 0xff, 0, 0, ...four],
  'NAT64, well-known': (four) => [0, 0x64, 0xff, 0x9b, ...zeros(8), ...four],
  '6to4': (four, any) => [0x20, 0x02, ...four, ...any.slice(0, 10)],
  'Teredo client': (four, any) => [0x20, 0x01, 0, 0, ...any.slice(0, 8), ...four.map((byte) => byte ^ 0xff)],
  'Teredo server': (four, any) => [0x20, 0x01, 0, 0, ...four, ...any.slice(0, 8)],
  ISATAP: (four, any) => [...any.slice(0, 8), 0, 0, 0x5e, 0xfe, ...four],
  'ISATAP, global bit': (four, any) => [...any.slice(0, 8), 2, 0, 0x5e, 0xfe, ...four],
  'link-local': (four) => [0xfe, 0x80, ...zeros(10), ...four],
  'any /96': (four, any) => [...any.slice(0, 12), ...four],
  'any /64': (four, any) => [...any.slice(0, 8), 0, ...four, ...any.slice(8, 11)],
  'any /56': (four, any) => [...any.slice(0, 7), ...four.slice(0, 1), 0, ...four.slice(1), ...any.slice(7, 11)],
  'any /48': (four, any) => [...any.slice(0, 6), ...four.slice(0, 2), 0, ...four.slice(2), ...any.slice(6, 11)],
  'any /40': (four, any) => [...any.slice(0, 5), ...four.slice(0, 3), 0, ...four.slice(3), ...any.slice(5, 11)],
  'any /32': (four, any) => [...any.slice(0, 4), ...four, ...any.slice(4, 12)],
};

/** Ways to write 16 bytes. */
const writings: Readonly<Record<string, (bytes: Bytes) => string>> = {
  short: (bytes) => addressText(Uint8Array.from(bytes)),
  full: (bytes) => groupsOf(bytes).join(':'),
  capitals: (bytes) => groupsOf(bytes).join(':').toUpperCase(),
  'IPv4 at the end': (bytes) => `${groupsOf(bytes).slice(0, 6).join(':')}:${bytes.slice(12).join('.')}`,
  zone: (bytes) => `${addressText(Uint8Array.from(bytes))}%eth0`,
};
const groupsOf = (bytes: Bytes) =>
  Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16).padStart(4, '0'),
  );

const random = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => [...bytes]);
const written = fc.constantFrom(...Object.keys(writings));

test('address-kind: a metadata service is one in every form that holds its address, however that is written', () => {
  const form = fc.constantFrom(...Object.keys(forms));
  const four = fc.constantFrom(...metadata4).map((text) => text.split('.').map(Number));
  fc.assert(
    fc.property(form, four, random, written, (name, address, any, writing) => {
      const text = writings[writing]?.(forms[name]?.(address, any) ?? []) ?? '';
      assert.equal(isIP(text), 6, text);
      assert.equal(kindOf(text), 'metadata', `${name}: ${text}`);
    }),
    { numRuns: 5_000 },
  );
  for (const text of metadata6)
    for (const writing of Object.values(writings))
      assert.equal(kindOf(writing([...(addressBytes(text) ?? [])])), 'metadata');
});

test('address-kind: a link-local or private IPv4 address is no public one in any form that shows that it is held', () => {
  const own = Object.keys(forms).filter((name) => !name.startsWith('any ') && name !== 'link-local');
  const inside = fc.constantFrom(...['10.1.2.3', '127.0.0.1', '169.254.7.7', '192.168.1.1', '100.64.0.1', '0.0.0.0']);
  fc.assert(
    fc.property(fc.constantFrom(...own), inside, random, (name, text, any) => {
      const four = text.split('.').map(Number);
      const bytes = addressBytes(addressText(Uint8Array.from(forms[name]?.(four, any) ?? [])));
      assert.ok(bytes !== undefined && !isGlobal(bytes), `${name}: ${addressText(bytes ?? new Uint8Array())}`);
      if (text.startsWith('169.254.')) assert.notEqual(addressKind(bytes), 'ordinary', name);
    }),
    { numRuns: 2_000 },
  );
});

test('address-kind: ordinary public addresses are ordinary, and every text that Node dials is read', () => {
  const isHeld = (bytes: Bytes) => bytes[8] === 0 || bytes[8] === 2;
  fc.assert(
    fc.property(random, written, (any, writing) => {
      const six = [0x26, ...any.slice(1)];
      if (!isHeld(six)) assert.equal(kindOf(writings[writing]?.(six) ?? ''), 'ordinary');
      const four = [...any.slice(0, 4)].join('.');
      assert.equal(kindOf(four) === 'ordinary', !four.startsWith('169.254.') && !metadata4.includes(four), four);
    }),
    { numRuns: 5_000 },
  );
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => isIP(text) === 0 || addressBytes(text) !== undefined),
    { numRuns: 2_000 },
  );
});
