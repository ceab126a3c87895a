import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { jsonExcess } from '../../src/protocol/json-excess.ts';

const excess = (text: string, levels = 3, values = 5) => jsonExcess(Buffer.from(text), { levels, values });

/** Brackets and commas of a value, and how deep it nests, by another way. */
const measured = (value: unknown): { readonly depth: number; readonly count: number } => {
  if (typeof value !== 'object' || value === null) return { depth: 0, count: 0 };
  const parts = Object.values(value).map(measured);
  return {
    depth: 1 + Math.max(0, ...parts.map(({ depth }) => depth)),
    count: 1 + Math.max(0, parts.length - 1) + parts.reduce((sum, { count }) => sum + count, 0),
  };
};

test('json excess: levels and values count as they are nested, and what stands in strings does not', () => {
  assert.equal(excess('[[[]]]'), undefined);
  assert.equal(excess('[[[[]]]]'), 'levels');
  assert.equal(excess('{"a":{"b":{"c":{}}}}'), 'levels');
  assert.equal(excess('[[],[],[]]', 3, 6), undefined);
  assert.equal(excess('[[],[],[]]', 3, 5), 'values');
  assert.equal(excess('["[[[[,,,,,,\\"[[[["]'), undefined);
  assert.equal(excess('["\\\\",[[[]]]]'), 'levels');
  assert.equal(excess('"'), undefined);
  assert.equal(excess('"\\'), undefined);
});

test('json excess: any value is within its own measure, and beyond a smaller one', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), (text) => {
      const { depth, count } = measured(JSON.parse(text));
      assert.equal(excess(text, depth, count), undefined, text);
      if (depth > 0) assert.equal(excess(text, depth - 1, count), 'levels');
      if (count > 0) assert.equal(excess(text, depth, count - 1), 'values');
    }),
  );
});

test('json excess: no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void jsonExcess(bytes, { levels: 2, values: 3 })));
});
