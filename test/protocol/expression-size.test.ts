import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expressionSize } from '../../src/protocol/expression-size.ts';
import { compilePattern, patternCost, patternLimit } from '../../src/protocol/pattern.ts';
import { patternFor } from '../../src/protocol/pattern-cache.ts';

const compiledSize = (text: string): number | undefined => {
  try {
    return RE2JS.compile(text).programSize();
  } catch {
    return undefined;
  }
};

test('expression size: what RE2 compiles has no more instructions, and not many fewer', () => {
  for (const text of [
    'ok',
    'ok.{0,50}ready',
    '1[01]{1000}2',
    '((a{0,50}){0,10})z',
    '(?P<a>x)|(?i:y)(?i)z',
    '[[:alpha:]]]+[^]a]',
    '\\Qa.b*\\E*\\pL{20}\\x{10ffff}{3,}',
    '(((a?){10}){10}){10}',
    '^220 ([^ ]+) ESMTP (.+)$',
    'a{,3}{b',
    '(?:(?:ab|cd){5}|x*?){4,}',
  ]) {
    const size = compiledSize(text) ?? 0;
    const { instructions } = expressionSize(text);
    assert.ok(size > 0 && instructions >= size && instructions < 2 * size + 9, `${text}: ${instructions} for ${size}`);
  }
});

test('expression size: of any expression it is at least what RE2 compiles, and no text makes it throw', () => {
  const piece = fc.constantFrom(
    ...['a', 'b|', '(', ')', '(?:', '(?i)', '[a-z]', '[^]x]', '\\d', '\\pL', '\\p{Greek}', '.', '*', '+', '?', '??'],
    ...['{3}', '{2,5}', '{0,7}', '{4,}', '{', '}', '^', '$', '\\b', '\\Q', '\\E', '(?P<n>', '[[:digit:]]', '|'],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = pieces.join('');
      const size = compiledSize(text);
      if (size !== undefined) assert.ok(expressionSize(text).instructions >= size, text);
    }),
    { numRuns: 3_000 },
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expressionSize(text).instructions >= 0));
});

test('pattern: one that is too large is refused before any time is spent on it, with its size', () => {
  for (const text of [
    '[a-z]{1000}'.repeat(900),
    '(a{0,1000})'.repeat(50),
    'a'.repeat(patternLimit.text + 1),
    'a'.repeat(patternLimit.instructions + 1),
    '(?i)[\\x{100}-\\x{1e943}]'.repeat(100),
    '((x{10}){10}){10}'.repeat(10),
    `\\Q${'a'.repeat(6_000)}`,
  ]) {
    const startedAt = performance.now();
    const compiled = compilePattern(text);
    const took = performance.now() - startedAt;
    assert.ok(!compiled.ok && compiled.isTooLarge, text.slice(0, 40));
    assert.match(compiled.why, /^(?:a program of about \d+ instructions, at most \d+|\d+ characters, at most \d+)$/);
    const atMost = performance.now();
    RE2JS.compile('[a-z]{1000}'.repeat(5));
    assert.ok(took < 20 * (performance.now() - atMost) + 5, text.slice(0, 40));
  }
  assert.ok(compilePattern('[a-z]{1000}'.repeat(4)).ok);
  assert.deepEqual(compilePattern('a{100}', 50), {
    ok: false,
    why: 'a program of about 105 instructions, at most 50',
    isTooLarge: true,
  });
});

test('pattern: the cost is the size of the program times that of the text, and that of a search for plain text', () => {
  assert.ok(patternCost('1[01]{1000}2', 10_000_000) > 1e10);
  assert.ok(patternCost('ready', 10_000_000) < 1e6);
  assert.ok(patternCost('re.dy', 1_000) < 10_000);
  assert.ok(patternCost('\\pL{100}', 1) > 50_000, 'the ranges of its classes are read first');
});

test('pattern: kept ones are the same again, and the oldest make room', () => {
  const first = patternFor('kept [0-9]');
  assert.equal(patternFor('kept [0-9]'), first);
  for (let index = 0; index < 30; index += 1) patternFor(`[ab]{${970 + index}}x{900}y{900}z{900}`);
  assert.notEqual(patternFor('kept [0-9]'), first);
  assert.throws(() => patternFor('('));
});
