import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteQueue } from '../../src/protocol/byte-queue.ts';

const queueOf = (...chunks: (string | Uint8Array)[]) => {
  const queue = byteQueue();
  for (const chunk of chunks) queue.push(Buffer.from(chunk));
  return queue;
};
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? undefined : Buffer.from(bytes).toString());

test('byte-queue: lines end with LF, and one CR before it is no part of them', () => {
  const queue = queueOf('a\nb\r\n\n', 'c\r\r\nd');
  assert.deepEqual(
    Array.from({ length: 5 }, () => text(queue.line())),
    ['a', 'b', '', 'c\r', undefined],
  );
  assert.equal(text(queue.rest()), 'd');
  assert.equal(queue.length(), 0);
});

test('byte-queue: bytes are given when they are all there, and what a line left is seen', () => {
  const queue = queueOf('hello\nab');
  assert.equal(text(queue.line()), 'hello');
  assert.equal(queue.bytes(3), undefined);
  queue.push(Buffer.from('cd'));
  assert.equal(text(queue.bytes(3)), 'abc');
  assert.equal(text(queue.rest()), 'd');
});

test('byte-queue: a chunk that its owner changes later is not changed here', () => {
  const chunk = Buffer.from('a\n');
  const queue = byteQueue();
  queue.push(chunk);
  chunk.fill(0);
  assert.equal(text(queue.line()), 'a');
});

test('byte-queue: however the input is cut, the lines are the same', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\r', '\n', 'bc')), fc.array(fc.nat(8)), (parts, cuts) => {
      const input = parts.join('');
      const whole = queueOf(input);
      const cut = byteQueue();
      const lines: (string | undefined)[] = [];
      let from = 0;
      for (const length of [...cuts, input.length]) {
        cut.push(Buffer.from(input.slice(from, from + length)));
        from += length;
        for (let line = cut.line(); line !== undefined; line = cut.line()) lines.push(text(line));
      }
      for (const line of lines) assert.equal(line, text(whole.line()));
      assert.equal(whole.line(), undefined);
      assert.equal(text(cut.rest()), text(whole.rest()));
    }),
  );
});
