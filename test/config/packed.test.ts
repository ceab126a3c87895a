import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadValue } from '../../src/config/load.ts';
import { packList, readPacked } from '../../src/config/packed.ts';
import { probers } from '../../src/probers/index.ts';

const loaded = loadValue(
  {
    external_labels: { env: 'test' },
    vantages: { 'eu-west-1': { kind: 'lambda' }, 'us-east-1': { kind: 'lambda' }, laptop: { kind: 'agent' } },
    remote_write: [
      { url: 'https://all.example.com/' },
      { url: 'https://inside.example.com/', from: ['laptop'], authorization: { credentials: 'in-the-open' } },
    ],
    targets: [
      ...Array.from({ length: 200 }, (_, index) => ({
        target: `https://www${index}.example.com`,
        labels: { team: 'a' },
      })),
      {
        name: 'odd',
        target: 'https://odd.example.com',
        also: ['tcp://odd.example.com:80'],
        labels: { team: 'b', x: 'y' },
      },
      { name: 'in', target: 'http://in.svc', from: ['laptop'] },
    ],
  },
  { probers },
);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
const list = { ...loaded.compiled, literals: loaded.literals, externalLabels: loaded.list.external_labels };
const packed = (vantage?: string) => {
  const read = readPacked(packList(list, vantage));
  return read.ok ? read.packed : assert.fail(read.why);
};
const why = (text: string): string => {
  const read = readPacked(text);
  return read.ok ? assert.fail('it was taken') : read.why;
};

test('packed list: what is read is what was packed', () => {
  const { checks, endpoints, vantages, literals, externalLabels } = packed();
  assert.deepEqual(checks, list.checks);
  assert.deepEqual(endpoints, list.endpoints);
  assert.deepEqual(vantages, list.vantages);
  assert.deepEqual([literals, externalLabels], [list.literals, { env: 'test' }]);
});

test('packed list: a vantage has what is its own, under a hash of its own', () => {
  const eu = packed('eu-west-1');
  assert.deepEqual(
    eu.checks,
    list.checks.filter(({ vantage }) => vantage.name === 'eu-west-1'),
  );
  assert.deepEqual([eu.vantages.map(({ name }) => name), eu.endpoints.length], [['eu-west-1'], 1]);
  assert.notEqual(eu.hash, packed('us-east-1').hash);
  assert.equal(eu.hash, packed('eu-west-1').hash);
});

test('packed list: a check costs little, since what checks share is written once', () => {
  const ofOne = packList(list, 'eu-west-1').length / packed('eu-west-1').checks.length;
  const alone = JSON.stringify(list.checks.find(({ vantage }) => vantage.name === 'eu-west-1')).length;
  assert.ok(ofOne < alone / 2, `${ofOne} of ${alone} letters`);
});

test('packed list: what is none, of another format, cut off or changed is refused', () => {
  const text = packList(list, 'eu-west-1');
  assert.equal(why('[]'), 'is no packed list');
  assert.equal(why('{}'), 'is no packed list: it says no format');
  assert.match(why('{"format":1}'), /^has format 1, and this version reads format 2; deploy and push anew$/);
  assert.equal(why(text.slice(0, -10)), 'is no packed list');
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  assert.match(why(`{"format":2,"hash":"x","checks":${deep}}`), /^is no packed list/);
  assert.match(why(text.replace('www7.example.com', 'evil.example.com')), /content does not fit its hash/);
  fc.assert(
    fc.property(fc.anything(), fc.nat(text.length), (value, at) => {
      assert.equal(readPacked(JSON.stringify(value) ?? '').ok, false);
      assert.equal(readPacked(`${text.slice(0, at)}x${text.slice(at)}`).ok, false);
    }),
    { numRuns: 50 },
  );
});
