import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNameFor } from '../../src/protocol/certificate-names.ts';

const cases: readonly [pattern: string, host: string, isFor: boolean][] = [
  ['shop.example.com', 'shop.example.com', true],
  ['SHOP.example.com', 'shop.EXAMPLE.com', true],
  ['shop.example.com', 'shop.example.com.', true],
  ['shop.example.com', 'example.com', false],
  ['*.example.com', 'shop.example.com', true],
  ['*.example.com', 'my_shop.example.com', true],
  ['*.example.com', '-shop-.example.com', true],
  ['*.example.com', 'a.shop.example.com', false],
  ['*.example.com', 'example.com', false],
  ['*.example.com', '.example.com', false],
  ['*.corp', 'shop.corp', true],
  ['*', 'localhost', false],
  ['*.', 'localhost.', false],
  ['s*.example.com', 'shop.example.com', false],
  ['shop.*.com', 'shop.example.com', false],
  ['*.*.com', 'shop.example.com', false],
  ['my_shop.corp', 'my_shop.corp', true],
  ['xn--mller-kva.example', 'xn--mller-kva.example', true],
  ['*.example.com', 'xn--mller-kva.example.com', true],
  ['', '', false],
  ['shop.example.com\0.evil.test', 'shop.example.com', false],
  ['\u212a.example.com', 'k.example.com', false],
];

for (const [pattern, host, isFor] of cases)
  test(`certificate names: ${JSON.stringify(pattern)} is ${isFor ? '' : 'not '}for ${JSON.stringify(host)}`, () => {
    assert.equal(isNameFor(pattern, host), isFor);
  });
