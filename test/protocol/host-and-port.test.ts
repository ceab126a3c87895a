import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hostAndPort } from '../../src/protocol/host-and-port.ts';

test('host-and-port: names and addresses, with a port and without', () => {
  const expected = {
    'db.example': { host: 'db.example' },
    'db.example:5432': { host: 'db.example', port: 5432 },
    '192.0.2.1:1': { host: '192.0.2.1', port: 1 },
    '[2001:db8::1]:65535': { host: '2001:db8::1', port: 65_535 },
    '[2001:db8::1]': { host: '2001:db8::1' },
    '2001:db8::1': { host: '2001:db8::1' },
    'fe80::1%eth0': { host: 'fe80::1%eth0' },
  };
  for (const [text, found] of Object.entries(expected)) assert.deepEqual(hostAndPort(text), found, text);
});

test('host-and-port: anything else is refused', () => {
  const wrong = [
    '',
    ':80',
    'a:',
    'a:0',
    'a:65536',
    'a:http',
    'a:-1',
    'a b:1',
    'user@a:1',
    'a/b:1',
    '[a:1',
    'a]:1',
    'a:1:2',
    '::g',
    '[a.example]:1',
    '[192.0.2.1]:1',
    'a?:1',
  ];
  for (const text of wrong) assert.equal(hostAndPort(text), undefined, text);
});

test('host-and-port: no text makes it throw', () => {
  fc.assert(fc.property(fc.string(), (text) => void hostAndPort(text)));
});
