import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckRow, Status } from '../../src/page/status.ts';
import {
  ageText,
  cellSentence,
  certificateState,
  changes,
  foundText,
  mostRows,
  msText,
  phaseShares,
  sectionsOf,
  sentence,
  sparkline,
  stateOf,
  wordOf,
} from '../../src/page/view.ts';
import { failing, now, row } from './rows.ts';

const all = { text: '', onlyFailing: false };

test('view: a check is good, failing, waiting or silent', () => {
  assert.equal(stateOf(row(), now), 'good');
  assert.equal(stateOf(failing(), now), 'failing');
  const { at: _at, up: _up, ...fresh } = row();
  assert.equal(stateOf(fresh, now), 'waiting');
  assert.equal(stateOf(row({ at: now - 200_000 }), now), 'silent');
  assert.equal(stateOf(failing({ at: now - 200_000 }), now), 'silent');
});

test('view: targets are rows, vantages of their side are columns', () => {
  const checks = [
    row({ vantage: 'us-east-1' }),
    row(),
    row({ name: 'blog' }),
    row({ name: 'db', side: 'inside', vantage: 'prod-a' }),
  ];
  const [outside, inside] = sectionsOf(checks, all, now);
  assert.deepEqual(outside?.vantages, ['eu-west-1', 'us-east-1']);
  assert.deepEqual(
    outside?.rows.map(({ name, cells }) => [name, cells.map((cell) => cell?.vantage)]),
    [
      ['blog', ['eu-west-1', undefined]],
      ['shop', ['eu-west-1', 'us-east-1']],
    ],
  );
  assert.deepEqual([inside?.title, inside?.rows.length], ['What workloads depend on', 1]);
});

test('view: what is searched for is found by name, place, reason and label, and only what fails if wanted', () => {
  const checks = [row(), failing({ name: 'legacy' })];
  const names = (text: string, onlyFailing = false) =>
    sectionsOf(checks, { text, onlyFailing }, now).flatMap(({ rows }) => rows.map(({ name }) => name));
  assert.deepEqual(names('EXPIRED'), ['legacy']);
  assert.deepEqual(names('shop.example'), ['shop']);
  assert.deepEqual(names('checkout'), ['legacy', 'shop']);
  assert.deepEqual(names('', true), ['legacy']);
  assert.deepEqual(names('nothing'), []);
});

test('view: of very many rows the first are shown and the rest counted', () => {
  const checks = Array.from({ length: 2_000 }, (_, index) => row({ name: `t${index}` }));
  const [section] = sectionsOf(checks, all, now);
  assert.deepEqual([section?.rows.length, section?.hidden], [mostRows, 2_000 - mostRows]);
});

test('view: the whole in one sentence', () => {
  assert.equal(sentence([], now), 'There are no checks yet.');
  assert.equal(sentence([row(), row({ vantage: 'us-east-1' })], now), '1 of 1 targets are good everywhere.');
  const mixed = [row(), failing({ name: 'legacy' }), failing({ name: 'db', side: 'inside' })];
  assert.equal(sentence(mixed, now), '1 of 3 targets are good everywhere; 1 fail from outside, 1 fail from inside.');
});

test('view: durations and ages are short', () => {
  assert.deepEqual([0.0004, 0.0123, 0.999, 1.44].map(msText), ['0.4 ms', '12 ms', '999 ms', '1.4 s']);
  assert.deepEqual([-5, 500, 12_000, 600_000, 9_000_000].map(ageText), [
    'now',
    'now',
    '12 s ago',
    '10 min ago',
    '3 h ago',
  ]);
});

test('view: a cell says what is the matter, in a word and in a sentence', () => {
  assert.equal(wordOf(row(), now), '12 ms');
  assert.equal(wordOf(failing(), now), 'tls_expired');
  assert.equal(cellSentence(row(), now), 'shop from eu-west-1 is good, 12 ms, 3 s ago');
  assert.equal(cellSentence(failing(), now), 'shop from eu-west-1 is failing: tls_expired in tls, 12 ms, 3 s ago');
});

test('view: shapes stay in their box', () => {
  assert.equal(sparkline([], 60, 16), '');
  const points = sparkline(row().recent, 60, 16).split(' ');
  assert.deepEqual(points, ['0.0,8.0', '60.0,1.0']);
  const shares = phaseShares(row().phases);
  assert.deepEqual(
    shares.map(({ phase, percent }) => [phase, Math.round(percent)]),
    [
      ['resolve', 25],
      ['connect', 75],
    ],
  );
  assert.deepEqual(phaseShares([['connect', 0]]), []);
});

test('view: certificates become urgent', () => {
  const in_ = (days: number) => certificateState(now + days * 86_400_000 + 1, now);
  assert.deepEqual(in_(60), { text: '60 days left', level: 'good' });
  assert.deepEqual(in_(9), { text: '9 days left', level: 'warn' });
  assert.deepEqual(in_(1), { text: '1 day left', level: 'bad' });
  assert.deepEqual(in_(-3.5), { text: 'expired 3 days ago', level: 'bad' });
  assert.deepEqual(in_(-1.5), { text: 'expired 1 day ago', level: 'bad' });
});

test('view: only changes of state are told', () => {
  const status = (checks: readonly CheckRow[]) => ({ checks, now }) as unknown as Status;
  assert.deepEqual(changes(undefined, status([row()])), []);
  assert.deepEqual(changes(status([row()]), status([row({ seconds: 5 })])), []);
  assert.deepEqual(changes(status([row()]), status([failing()])), [
    'shop from eu-west-1 is failing: tls_expired in tls, 12 ms, 3 s ago',
  ]);
});

test('view: what is found says from where, and why it may be out of date', () => {
  const found = { source: 'kubernetes[0]', targets: 12 };
  assert.equal(foundText(found), '12 found by kubernetes[0]');
  assert.equal(
    foundText({ ...found, problem: 'the API server answered 503' }),
    'kubernetes[0]: the API server answered 503; 12 found before stay in use',
  );
});
