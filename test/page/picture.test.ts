import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostPictures, picturesOf, waysOf } from '../../src/page/picture.ts';
import type { CheckRow } from '../../src/page/status.ts';
import { failing, now, row } from './rows.ts';

const inside = (different: Partial<CheckRow>) => row({ side: 'inside', vantage: 'prod-a', ...different });
const broken = (different: Partial<CheckRow>) =>
  failing({
    side: 'inside',
    vantage: 'prod-a',
    failures: [{ phase: 'connect', reason: 'connect_refused' }],
    ...different,
  });
const standsOn = [{ name: 'shop', on: ['db', 'api'] }];
const below = [inside({ name: 'db' }), inside({ name: 'api' })];
const both = [row(), row({ vantage: 'us-east-1' })];
const pictureOf = (checks: readonly CheckRow[]) => picturesOf(checks, standsOn, now).pictures[0];

test('picture: a target is seen from outside, and what it stands on from inside, whatever else there is', () => {
  const picture = pictureOf([...both, ...below, failing({ name: 'legacy' }), broken({ name: 'names' })]);
  assert.deepEqual(picture, {
    name: 'shop',
    host: 'shop.example',
    outside: {
      title: 'outside in',
      from: 'eu-west-1, us-east-1',
      state: 'good',
      text: '2 of 2 places good',
    },
    inside: { title: 'inside out', from: 'prod-a', state: 'good', text: '2 of 2 good' },
    on: [
      { name: 'db', state: 'good', word: '12 ms' },
      { name: 'api', state: 'good', word: '12 ms' },
    ],
    verdict: 'shop is good, and so is what it stands on.',
  });
});

test('picture: each arrow fails with what it points at, and both together say where to look', () => {
  const ill = pictureOf([row(), failing({ vantage: 'us-east-1' }), ...below]);
  assert.deepEqual([ill?.outside?.state, ill?.outside?.text], ['failing', '1 of 2 places good; tls_expired']);
  assert.equal(ill?.inside?.state, 'good');
  assert.match(ill?.verdict ?? '', /look at shop itself and at the way to it/);

  const fallen = pictureOf([failing(), broken({ name: 'db' }), inside({ name: 'api' })]);
  assert.deepEqual([fallen?.outside?.state, fallen?.inside?.state], ['failing', 'failing']);
  assert.equal(fallen?.inside?.text, '1 of 2 good; db: connect_refused');
  assert.deepEqual(fallen?.on[0], { name: 'db', state: 'failing', word: 'connect_refused' });
  assert.match(fallen?.verdict ?? '', /look at db first/);

  const unnoticed = pictureOf([...both, broken({ name: 'db' }), inside({ name: 'api' })]);
  assert.equal(unnoticed?.verdict, 'shop is still good; of what it stands on this fails: db.');
});

test('picture: what nobody looked at lately is neither good nor failing', () => {
  const { at: _at, up: _up, ...fresh } = row();
  const waiting = pictureOf([fresh, ...below]);
  assert.deepEqual([waiting?.outside?.state, waiting?.outside?.text], ['waiting', '0 of 1 places good']);
  assert.match(waiting?.verdict ?? '', /^Not everything/);
  const silent = pictureOf([...both, inside({ name: 'db' }), inside({ name: 'api', at: now - 900_000 })]);
  assert.deepEqual([silent?.inside?.state, silent?.on[1]?.state], ['waiting', 'silent']);
});

test('picture: an agent draws its own arrow alone, and says what it does not see', () => {
  const picture = pictureOf([inside({ name: 'db' })]);
  assert.equal(picture?.outside, undefined);
  assert.deepEqual(picture?.on[1], { name: 'api', state: 'unseen', word: 'not seen from here' });
  assert.equal(picture?.inside?.text, '1 of 1 good');
  assert.equal(picture?.verdict, 'What shop stands on is good, as far as it is seen from here.');
  assert.equal(pictureOf(both)?.inside, undefined);
  assert.equal(pictureOf([row({ name: 'blog' })]), undefined);
});

test('picture: of many the first are drawn, those that are not good before the others, and the rest counted', () => {
  const names = Array.from({ length: 10 }, (_, index) => `t${index}`);
  const many = names.map((name) => ({ name, on: ['db'] }));
  const checks = [...names.map((name) => (name === 't7' ? failing({ name }) : row({ name }))), inside({ name: 'db' })];
  const { pictures, hidden } = picturesOf(checks, many, now);
  assert.deepEqual(
    pictures.map(({ name }) => name),
    ['t7', 't0', 't1'],
  );
  assert.equal(hidden, names.length - mostPictures);
});

test('ways: where no target says what it stands on, each way has all its targets, and names the newest failure', () => {
  const lasting = failing({
    name: 'old',
    recent: [
      [1, 0.01, false],
      [2, 0.01, false],
    ],
  });
  const fresh = failing({
    name: 'login',
    failures: [{ phase: 'connect', reason: 'connect_refused' }],
    recent: [
      [1, 0.01, true],
      [2, 0.01, false],
    ],
  });
  const [out, into] = waysOf(
    [
      row(),
      row({ vantage: 'us-east-1' }),
      lasting,
      { ...lasting, vantage: 'us-east-1' },
      fresh,
      ...['a', 'b', 'c', 'd', 'e'].map((name) => inside({ name })),
    ],
    now,
  );
  assert.deepEqual(out, {
    side: 'outside',
    arrow: {
      title: 'outside in',
      from: 'eu-west-1, us-east-1',
      state: 'failing',
      text: '1 of 3 good; login: connect_refused',
    },
    to: 'what users open: login, old, shop',
  });
  assert.deepEqual([into?.arrow.from, into?.to], ['prod-a', 'what it stands on: a, b, c and 2 more']);
  assert.deepEqual([into?.arrow.state, into?.arrow.text], ['good', '5 of 5 good']);
  assert.equal(waysOf([row()], now).length, 1);
  assert.deepEqual(waysOf([], now), []);
});
