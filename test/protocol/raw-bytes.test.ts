import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasRawBytes, rawBytesOf, textOfRawBytes } from '../../src/protocol/raw-bytes.ts';

test('raw bytes: any bytes come back from their text, in JSON too', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const text = textOfRawBytes(bytes);
      assert.deepEqual(rawBytesOf(JSON.parse(JSON.stringify(text))), Buffer.from(bytes));
      assert.equal(hasRawBytes(text), !Buffer.from(Buffer.from(bytes).toString('utf8')).equals(bytes));
    }),
    { numRuns: 2_000 },
  );
});

test('raw bytes: a text that is UTF-8 is itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(textOfRawBytes(Buffer.from(text, 'utf8')), text);
      assert.equal(hasRawBytes(text), false);
    }),
  );
});

test('raw bytes: overlong forms, surrogates and cut sequences are bytes', () => {
  for (const hex of ['c080', 'eda080', 'f5808080', 'e282', 'ff', '80'])
    assert.ok(hasRawBytes(textOfRawBytes(Buffer.from(hex, 'hex'))), hex);
});
