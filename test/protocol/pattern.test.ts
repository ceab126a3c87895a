import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from '../../src/protocol/pattern.ts';

const compiled = (text: string) => {
  const result = compilePattern(text);
  assert.ok(result.ok, text);
  return result.pattern;
};

test('pattern: the syntax of RE2 is understood, where JavaScript would refuse it', () => {
  const matches: readonly [pattern: string, text: string][] = [
    ['(?i)HELLO', 'say hello'],
    ['(?s)a.b', 'a\nb'],
    ['(?P<year>\\d{4})', 'in 2026'],
    ['\\Aabc\\z', 'abc'],
    ['[[:alpha:]]+', 'x'],
    ['\\pL', 'ß'],
    ['\\Qa.b\\E', 'a.b'],
  ];
  for (const [pattern, text] of matches) assert.ok(compiled(pattern).test(text), pattern);
});

test('pattern: what RE2 does not have is refused with a reason', () => {
  for (const text of ['(?=x)', '(?<!x)y', '(a)\\1', '(', '[z-a]', 'a**']) {
    const result = compilePattern(text);
    assert.ok(!result.ok && result.why.length > 0, text);
  }
});

test('pattern: bytes that are not UTF-8 are searched too', () => {
  assert.ok(compiled('ok').test(Uint8Array.of(0xff, 0xfe, 0x6f, 0x6b)));
});

test('pattern: a catastrophic expression stays linear: ten times the text costs nowhere near a thousand times', () => {
  const nasty = compiled('^(a+)+$');
  const cost = (length: number) => {
    const text = `${'a'.repeat(length)}!`;
    const start = process.cpuUsage();
    for (let i = 0; i < 20; i += 1) nasty.test(text);
    const { user } = process.cpuUsage(start);
    return user;
  };
  cost(2_000);
  assert.ok(cost(20_000) < 300 * Math.max(cost(2_000), 100));
});

test('pattern: captures come by number and by name; groups that took no part are empty', () => {
  assert.deepEqual(compiled('(?P<user>\\w+)@(x)?').groups('ann@'), {
    byNumber: ['ann@', 'ann', ''],
    byName: { user: 'ann' },
  });
  assert.equal(compiled('b').groups('a'), undefined);
});

test('pattern: no text makes compiling throw', () => {
  fc.assert(fc.property(fc.string(), (text) => typeof compilePattern(text).ok === 'boolean'));
});
