import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { readClusterObject } from '../../src/lambda/cluster-object.ts';
import { probers } from '../../src/probers/index.ts';
import { forged } from '../servers/hostile-objects.ts';

const written = (names: readonly string[], writtenAt?: number): string => {
  const loaded = loadValue(
    {
      vantages: { 'eu-west-1': { kind: 'lambda' } },
      targets: names.map((name) => ({ name, target: 'https://www.example.com' })),
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  return packList({ ...loaded.compiled, literals: loaded.literals, externalLabels: {} }, undefined, writtenAt);
};
const read = (text: string, most = 10) => {
  const result = readClusterObject(text, 'eu-west-1', most);
  return result.ok ? result.object : assert.fail(result.why);
};

test('cluster object: it gives the checks that were written, the first by name', () => {
  const text = written(['a/z', 'a/a', 'a/m'], 7);
  const whole = readPacked(text);
  const { checks, more, writtenAt } = read(text);
  assert.deepEqual([more, writtenAt], [0, 7]);
  const byName = (a: { target: { name: string } }, b: typeof a) => (a.target.name < b.target.name ? -1 : 1);
  assert.deepEqual(checks, whole.ok ? whole.packed.checks.toSorted(byName) : assert.fail());
  const first = read(text, 2);
  assert.deepEqual([first.checks, first.more], [checks.slice(0, 2), 1]);
});

test('cluster object: the time of writing is not in its key, all else is', () => {
  const { key } = read(written(['a/a'], 1));
  assert.equal(read(written(['a/a'], 2)).key, key);
  assert.equal(read(written(['a/a'])).key, key);
  assert.notEqual(read(written(['a/b'], 1)).key, key);
});

test('cluster object: nothing that has the right hash makes it throw', () => {
  const parts = fc.record(
    {
      vantages: fc.oneof(fc.constant([{ name: 'eu-west-1' }]), fc.jsonValue()),
      targets: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
      modules: fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue()),
      common: fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue()),
      checks: fc.oneof(fc.array(fc.oneof(fc.array(fc.jsonValue()), fc.jsonValue())), fc.jsonValue()),
      writtenAt: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  let good = 0;
  fc.assert(
    fc.property(parts, (content) => {
      if (readClusterObject(forged(content).toString(), 'eu-west-1', 3).ok) good += 1;
    }),
  );
  assert.ok(good > 0);
});
