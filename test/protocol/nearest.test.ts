import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/protocol/nearest.ts';

test('nearest: a misspelt word finds the one that was meant', () => {
  const known = ['body', 'headers', 'timeout', 'method'];
  assert.equal(nearest('bdoy', known), 'body');
  assert.equal(nearest('header', known), 'headers');
  assert.equal(nearest('time_out', known), 'timeout');
  assert.equal(nearest('METHOD', known), 'method');
});

test('nearest: a word far from all known ones finds nothing', () => {
  assert.equal(nearest('colour', ['body', 'headers']), undefined);
  assert.equal(nearest('', ['body']), undefined);
  assert.equal(nearest('body', []), undefined);
});

test('nearest: the closest of several is chosen', () => {
  assert.equal(nearest('tls_expird', ['tls_expires', 'tls_expired']), 'tls_expired');
});

test('nearest: a word of a million letters costs no more than a short one', () => {
  assert.equal(nearest('x'.repeat(1_000_000), ['body']), undefined);
});
