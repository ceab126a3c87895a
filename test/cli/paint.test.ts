import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, paint, secondsText } from '../../src/cli/paint.ts';
import { progress } from '../../src/cli/progress.ts';
import { printable } from '../../src/kernel/printable.ts';
import { capture } from './console.ts';

test('paint: colours are for terminals, and not where NO_COLOR or TERM=dumb says so', () => {
  const good = (isTerminal: boolean, environment: Record<string, string>) =>
    paint(capture({ isTerminal }).io.stdout, environment).good('ok');
  assert.equal(good(true, {}), '\u001b[32mok\u001b[39m');
  assert.equal(good(true, { NO_COLOR: '' }), '\u001b[32mok\u001b[39m');
  assert.equal(good(true, { NO_COLOR: '1' }), 'ok');
  assert.equal(good(true, { TERM: 'dumb' }), 'ok');
  assert.equal(good(false, {}), 'ok');
});

test('paint: what a peer sent cannot write on the terminal by itself', () => {
  assert.equal(printable('a\u001b[2Jb\rc\nd\u0085e\u202ef'), 'a\\x1b[2Jb\\x0dc\\x0ad\\x85e\\u202ef');
  assert.equal(printable('Grüße, 世界'), 'Grüße, 世界');
});

test('paint: durations are short, counts agree with their noun', () => {
  assert.deepEqual([0, 0.000_84, 0.0414, 0.999, 2.53, 12.4].map(secondsText), [
    '0.0 ms',
    '0.8 ms',
    '41 ms',
    '999 ms',
    '2.5 s',
    '12 s',
  ]);
  assert.deepEqual(
    [0, 1, 2, 999, 1_200, 100_000, 1_234_567].map((count) => counted(count, 'check')),
    ['0 checks', '1 check', '2 checks', '999 checks', '1,200 checks', '100,000 checks', '1,234,567 checks'],
  );
});

test('progress: a terminal shows one line that goes away, anything else shows nothing', () => {
  for (const isTerminal of [true, false]) {
    const { io, written } = capture({ isTerminal, columns: 20 });
    {
      using line = progress(io.stderr);
      line.show('1 of 2 and a text that is too long');
    }
    assert.equal(written.stderr, isTerminal ? '\r\u001b[2K1 of 2 and a text t\r\u001b[2K' : '');
  }
});

test('progress: the line is written at most ten times a second', () => {
  const { io, written } = capture({ isTerminal: true });
  let now = 0;
  using line = progress(io.stderr, () => now);
  for (; now < 1_000; now += 1) line.show('x');
  assert.equal(written.stderr.split('x').length - 1, 10);
});
