import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type KnownItems, yamlFile } from '../../src/config/yaml-file.ts';
import { yamlPieces } from '../../src/config/yaml-pieces.ts';
import { good, loadText } from './lists.ts';

const list = `# a list
vantages: { a: { kind: agent } }
modules:
  m: &m { prober: http, http: { body: "x\\n", headers: { A: 'b''c' } } }
  n: *m
groups:
  - labels: { x: 1.0 }
    targets: ["http://g"]
targets:
  - http://x
  # between
  - name: y
    target: >-
      http://y
`;

test('yaml: a text with any damage gives data or problems, and never throws', () => {
  assert.ok(good(list));
  const damage = fc.record({
    at: fc.nat(list.length),
    length: fc.nat(6),
    text: fc.oneof(
      fc.string({ maxLength: 6 }),
      fc.constantFrom('&a ', '*a', '<<: ', '!!binary ', '? ', '---\n', '\t', '{', ']', '"', '|', '\r'),
    ),
  });
  fc.assert(
    fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (all) => {
      let text = list;
      for (const { at, length, text: put } of all) text = text.slice(0, at) + put + text.slice(at + length);
      const loaded = loadText(text);
      if (!loaded.ok)
        for (const { line } of loaded.problems) assert.ok(line >= 1 && line <= text.split(/\r\n|\n|\r/).length + 1);
    }),
    { numRuns: 1_000 },
  );
});

test('yaml: any text gives data or problems, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab:-?&*!|>{}[],#%@`"\'\n \t<.0~'), maxLength: 60 }), (text) => {
      yamlFile(text);
    }),
    { numRuns: 3_000 },
  );
});

test('yaml: numbers and truth values keep their source where it differs', () => {
  const file = yamlFile('a: 1.0\nb: 1\nc: [0x1f, True]\n"d e": "1.0"\n');
  assert.ok(file.ok);
  assert.deepEqual(
    [['a'], ['b'], ['c', 0], ['c', 1], ['d e']].map((path) => file.sourceOf(path)),
    ['1.0', undefined, '0x1f', 'True', undefined],
  );
});

test('yaml: what a merge key brings has its source, and what stands in its place has its own', () => {
  const file = yamlFile(
    'a: &a { rel: 1.0, on: True, n: 0x1f }\nb: { <<: *a, rel: 2, n: 0o7 }\nc: { rel: 2, <<: [*a] }\nd: { <<: [*a] }\n',
  );
  assert.ok(file.ok);
  const sources = (key: string) => ['rel', 'on', 'n'].map((name) => file.sourceOf([key, name]));
  assert.deepEqual(sources('b'), [undefined, 'True', '0o7']);
  assert.deepEqual(sources('c'), [undefined, 'True', '0x1f']);
  assert.deepEqual(sources('d'), ['1.0', 'True', '0x1f']);
});

test('yaml: a place that is not there gives the nearest one that is', () => {
  const file = yamlFile('a:\n  b: 1\nc: &c { d: 1 }\ne:\n  <<: *c\n');
  assert.ok(file.ok);
  const lines = [['a', 'b'], ['a', 'x', 'y'], ['e', 'd'], ['z'], []].map((path) => file.spotOf(path).line);
  assert.deepEqual(lines, [2, 1, 3, 1, 1]);
});

const item = fc.constantFrom(
  '- http://x',
  '- name: y\n{  }target: http://y',
  '- { name: z,\n{  }target: http://z }',
  '- target: >-\n{    }- http://w\n{    }more',
  '# comment',
  '',
  '- "quoted\n{  }text"',
  '-\n{  }target: v',
  '- - nested\n{  }- list',
);

test('yaml: pieces of targets join to what the whole text says', () => {
  fc.assert(
    fc.property(
      fc.array(item, { minLength: 1, maxLength: 12 }),
      fc.nat(3),
      fc.constantFrom('', 'vantages: {}\n', '# top\nmodules:\n  m: {}\n'),
      fc.constantFrom('', 'groups: []\n', '# end\nbudget:\n  usd: 1\n'),
      (items, indent, before, after) => {
        const pad = ' '.repeat(indent);
        const lines = items.map((one) => `${pad}${one.replaceAll(/\{( +)\}/g, (_, spaces) => pad + spaces)}\n`);
        const text = `${before}targets:\n${lines.join('')}${after}`;
        const whole = yamlFile(text);
        const pieces = yamlPieces(text, () => false);
        if (pieces === undefined || !whole.ok) return;
        const read = (part: string): unknown => {
          const file = yamlFile(part);
          assert.ok(file.ok, part);
          return file.value;
        };
        const targets = pieces.pieces.flatMap(({ text: part }) => read(part));
        assert.deepEqual({ ...Object(read(pieces.rest)), targets }, whole.value);
        assert.equal(pieces.rest.split('\n').length <= text.split('\n').length, true);
      },
    ),
    { numRuns: 500 },
  );
});

test('yaml: of a long list that is nearly the one before, what is known is not read again, and places are right', () => {
  const line = (index: number, more = '') =>
    `  - { name: web-${index}, target: "https://w${index}.example.com"${more} }\n`;
  const listOf = (lines: readonly string[]) => `version: 1\ntargets:\n${lines.join('')}budget: { usd: 1 }\n`;
  const before = Array.from({ length: 6_000 }, (_, index) => line(index, index === 7 ? ', profile: 1.0' : ''));
  const after = [line(-1), ...before.with(3_000, `${line(3_000, ', modul: x')}\n\n`).toSpliced(5_000, 10)];
  const known: KnownItems = new Map();
  assert.ok(yamlFile(listOf(before), known).ok);
  assert.equal(known.size, 5_000);
  const first = known.get(before[2_000] ?? '');
  const file = yamlFile(listOf(after), known);
  const plain = yamlFile(listOf(after));
  assert.ok(file.ok && plain.ok);
  assert.deepEqual(file.value, plain.value);
  assert.equal(Object(file.value).targets[2_001], first);
  for (const index of [0, 1, 8, 2_999, 3_000, 3_001, 3_002, 5_990])
    for (const path of [
      ['targets', index],
      ['targets', index, 'target'],
      ['targets', index, 'modul'],
      ['budget', 'usd'],
    ])
      assert.deepEqual(file.spotOf(path), plain.spotOf(path), JSON.stringify(path));
  assert.equal(file.sourceOf(['targets', 8, 'profile']), '1.0');
});
