import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compress, uncompress } from '../../src/protocol/snappy.ts';

const text = (bytes: readonly number[], limit = 1_000) => {
  const back = uncompress(Uint8Array.from(bytes), limit);
  return back.ok ? Buffer.from(back.bytes).toString('latin1') : undefined;
};
const letters = (value: string) => [...Buffer.from(value, 'latin1')];

test('snappy: each kind of element is read as the format describes it', () => {
  assert.equal(text([0]), '');
  assert.equal(text([3, 2 << 2, ...letters('abc')]), 'abc');
  // A literal whose length stands in one, two, three and four bytes of its own.
  assert.equal(text([3, 60 << 2, 2, ...letters('abc')]), 'abc');
  assert.equal(text([3, 61 << 2, 2, 0, ...letters('abc')]), 'abc');
  assert.equal(text([3, 62 << 2, 2, 0, 0, ...letters('abc')]), 'abc');
  assert.equal(text([3, 63 << 2, 2, 0, 0, 0, ...letters('abc')]), 'abc');
  // Copies with offsets of 11, 16 and 32 bits; the last one overlaps what it writes.
  assert.equal(text([8, 3 << 2, ...letters('abcd'), 1, 4]), 'abcdabcd');
  assert.equal(text([6, 3 << 2, ...letters('abcd'), 2 | (1 << 2), 3, 0]), 'abcdbc');
  assert.equal(text([6, 0, ...letters('a'), 3 | (4 << 2), 1, 0, 0, 0]), 'aaaaaa');
});

test('snappy: input that is cut off, too long, too short or points before its start is refused', () => {
  for (const bytes of [
    [],
    [0x80],
    [0x80, 0x80, 0x80, 0x80, 0x80, 0],
    [0xff, 0xff, 0xff, 0xff, 0x1f],
    [3, 2 << 2, ...letters('ab')],
    [3, 2 << 2, ...letters('abcd')],
    [2, 2 << 2, ...letters('abc')],
    [4, 2 << 2, ...letters('abc')],
    [4, 60 << 2],
    [4, 1, 0],
    [8, 3 << 2, ...letters('abcd'), 1, 0],
    [8, 3 << 2, ...letters('abcd'), 1, 5],
    [8, 3 << 2, ...letters('abcd'), 1],
    [8, 3 << 2, ...letters('abcd'), 2, 4],
    [8, 3 << 2, ...letters('abcd'), 3, 4, 0, 0],
    [8, 3 << 2, ...letters('abcd'), 3, 4, 0, 0, 0x80],
  ])
    assert.equal(text(bytes), undefined, String(bytes));
});

test('snappy: a literal whose length has its highest bit set does not walk backwards', () => {
  const body = Uint8Array.from([100, 63 << 2, 0xa4, 0xff, 0xff, 0xff, ...new Array<number>(90).fill(0)]);
  assert.equal(uncompress(body, 1_000).ok, false);
});

test('snappy: a length that the input cannot fill is refused before it takes memory', () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let index = 0; index < 100; index += 1)
    assert.equal(uncompress(Uint8Array.of(0x80, 0x80, 0x80, 0x10, 0, 97), 64 * 1_024 * 1_024).ok, false);
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1_024 * 1_024);
  assert.equal(uncompress(compress(new Uint8Array(2_000)), 1_999).ok, false);
});

test('snappy: what is compressed comes back', () => {
  const back = (bytes: Uint8Array) => {
    const result = uncompress(compress(bytes), bytes.length);
    assert.ok(result.ok);
    assert.deepEqual(Buffer.from(result.bytes), Buffer.from(bytes));
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1_000 }), back));
  // Few different bytes make many copies.
  fc.assert(fc.property(fc.uint8Array({ max: 1, maxLength: 1_000 }), back));
  back(new Uint8Array(1_000_000));
});

/** Numbers from 0 to 2^32, the same in every run (xorshift). */
const numbers = (seed: number) => {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
};

/** Inputs of the two tests below; 1,000,000 take half a minute. */
const inputs = Number(process.env.BOTHWAYS_FUZZ_INPUTS ?? 50_000);

test('snappy: random and damaged inputs give a result or a reason, never more than the limit', () => {
  const next = numbers(1);
  const samples = [0, 1, 2].map((kind) =>
    compress(Uint8Array.from({ length: 400 }, (_, at) => (kind === 0 ? next() : kind === 1 ? at % 7 : at >> 5))),
  );
  let taken = 0;
  for (let count = 0; count < inputs; count += 1) {
    const source = samples[next() % 4];
    const body = source === undefined ? Uint8Array.from({ length: next() % 100 }, next) : source.slice();
    for (let flips = next() % 4; flips >= 0; flips -= 1) body[next() % (body.length + 1)] = next();
    const result = uncompress(body, 500);
    if (!result.ok) continue;
    taken += 1;
    assert.ok(result.bytes.length <= 500);
  }
  // Damage to a literal's content changes the result and no more.
  assert.ok(taken > 0 && taken < inputs);
});

test('snappy: time grows with the input and the result alone', () => {
  const cost = (length: number) => {
    const body = compress(new Uint8Array(length));
    const start = process.cpuUsage().user;
    for (let index = 0; index < 20; index += 1) uncompress(body, length);
    return process.cpuUsage().user - start;
  };
  cost(1_000_000);
  const [small, large] = [cost(200_000), cost(2_000_000)];
  assert.ok(large < (small + 10_000) * 40, `${small} µs, then ${large} µs for ten times as much`);
});
