import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { httpDate } from '../../src/protocol/http-date.ts';

test('http date: the three forms of RFC 9110 are the same moment', () => {
  for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])
    assert.equal(httpDate(text), 784_111_777, text);
});

test('http date: what is not of these forms is no date', () => {
  for (const text of [
    '',
    '2026-11-23',
    '1994',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0100',
    'sun, 06 nov 1994 08:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Tue, 01 Jan 2026 00:00:60 GMT',
  ])
    assert.equal(httpDate(text), undefined, text);
});

test('http date: any moment comes back from the form that servers send', () => {
  const dates = fc.date({ min: new Date('0100-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
  fc.assert(
    fc.property(dates, (date) => {
      assert.equal(httpDate(date.toUTCString()), Math.floor(date.getTime() / 1_000));
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => httpDate(text) === undefined || text.length > 20));
});
