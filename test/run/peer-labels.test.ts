import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { peerLabels } from '../../src/run/peer-labels.ts';

const label = (value: string) => peerLabels({ text: value }).text ?? '';
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
const bytesOf = (text: string) => Buffer.byteLength(text);

test('peer-labels: what is short and printable stays as it is, the same object', () => {
  for (const text of ['', 'TLS 1.3', 'CN=Grüße,O=世界', 'x'.repeat(1_024), 'ß'.repeat(512), '😀'.repeat(256)]) {
    const labels = { text, other: 'x' };
    assert.equal(peerLabels(labels), labels);
  }
});

test('peer-labels: a longer value is cut at a character and ends with the hash of the whole', () => {
  for (const [text, kept] of [
    ['x'.repeat(1_025), 'x'.repeat(1_004)],
    [`a${'ß'.repeat(512)}`, `a${'ß'.repeat(501)}`],
    ['€'.repeat(400), '€'.repeat(334)],
    [`aaa${'😀'.repeat(256)}`, `aaa${'😀'.repeat(250)}`],
  ] as const)
    assert.equal(label(text), `${kept}…#${hashOf(text)}`);
  assert.equal(bytesOf(label('x'.repeat(1_025))), 1_024);
});

test('peer-labels: values that differ beyond the cut stay different', () => {
  const start = 'san.example.com,'.repeat(5_000);
  assert.notEqual(label(`${start}a`), label(`${start}b`));
});

test('peer-labels: control characters, those that turn the writing, and half characters are made visible', () => {
  assert.equal(label('a\u001b]0;x\u0007b'), 'a\\x1b]0;x\\x07b');
  assert.equal(label('a\u009b31mb\u0085'), 'a\\x9b31mb\\x85');
  assert.equal(label('a\u202eb\u2066c\u200fd\u061ce\u2028f'), 'a\\u202eb\\u2066c\\u200fd\\u061ce\\u2028f');
  assert.equal(label('a\r\nb\tc\u0000'), 'a\\x0d\\x0ab\\x09c\\x00');
  assert.equal(label('a\ud800b'), 'a\ufffdb');
  assert.equal(label('😀'), '😀');
});

test('peer-labels: any text gives one that fits, is well-formed, is printable, and gives itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 1, max: 200 }), (part, times) => {
      const text = part.repeat(times);
      for (const value of [text, Buffer.from(text, 'utf16le').toString('utf16le'), `${text}\ud83d`, `\ude00${text}`]) {
        const cut = label(value);
        assert.ok(bytesOf(cut) <= 1_024 && cut.isWellFormed());
        assert.doesNotMatch(cut, /[\p{Cc}\p{Bidi_Control}\p{Cs}]/u);
        assert.equal(label(cut), cut);
      }
    }),
    { numRuns: 500 },
  );
});
