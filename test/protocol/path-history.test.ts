import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addPath, isOfHop, noHistory, type PathHistory } from '../../src/protocol/path-history.ts';

/** A run: the answers of each hop, one letter an address. */
const run = (...hops: readonly string[]) =>
  hops.map((letters) => ({ found: undefined, answers: [...letters].map((from) => ({ from, rtt: 0.01 })) }));

const after = (
  runs: readonly (readonly string[])[],
  isReached = true,
): { readonly history: PathHistory; readonly changes: number } => {
  let history = noHistory;
  let changes = 0;
  for (const hops of runs) {
    const next = addPath(history, run(...hops), isReached);
    history = next.history;
    if (next.changedAt !== undefined) changes += 1;
  }
  return { history, changes };
};

const ten = (letter: string) => letter.repeat(10);

test('path-history: another router in one run of ten rounds is a change, and its way back is one more', () => {
  const there = [ten('a'), ten('b'), ten('t')];
  const elsewhere = [ten('a'), ten('x'), ten('t')];
  assert.deepEqual(after([there, there, elsewhere]).history.path, ['a', 'x', 't']);
  assert.deepEqual([after([there, there, elsewhere]).changes, after([there, elsewhere, there]).changes], [1, 2]);
});

test('path-history: routers that take turns are no change, however many, and whether a run has ten answers or one', () => {
  for (const letters of ['bc', 'bcdefghi', 'bcdefghijklmnopq', 'ABCDEFGHIJKLMNOPQRSTUVWXYZbcdefg'])
    staysTheSame(letters);
});

const staysTheSame = (letters: string) => {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return letters[(state >>> 16) % letters.length] ?? 'b';
  };
  for (const rounds of [10, 3, 1]) {
    const runs = Array.from({ length: 200 }, () => [
      'a'.repeat(rounds),
      Array.from({ length: rounds }, next).join(''),
      't'.repeat(rounds),
    ]);
    const { history, changes } = after(runs);
    assert.equal(changes, 0, `${letters}, ${rounds} rounds`);
    assert.equal(after(runs.slice(0, 20)).history.path[1], history.path[1], 'and its name stays the same');
  }
};

test('path-history: balanced routes that lose a router, or get one, are no change; all others are one', () => {
  const mixed = [ten('a'), 'bcbcbcbcbc', ten('t')];
  assert.equal(after([mixed, [ten('a'), ten('b'), ten('t')]]).changes, 0);
  assert.equal(after([mixed, [ten('a'), 'bcxbcxbcxb', ten('t')]]).changes, 0);
  assert.equal(after([mixed, [ten('a'), 'xyxyxyxyxy', ten('t')]]).changes, 1);
});

test('path-history: a single answer a run shows a change after five runs', () => {
  const learned = new Array<string[]>(20).fill(['a', 'b', 't']);
  const changed = (times: number) => after([...learned, ...new Array<string[]>(times).fill(['a', 'x', 't'])]);
  assert.deepEqual([changed(4).changes, changed(5).changes, changed(50).changes], [0, 1, 1]);
  assert.deepEqual([changed(4).history.path[1], changed(5).history.path[1]], ['b', 'x']);
});

test('path-history: silence changes neither the path nor its length', () => {
  const whole = [ten('a'), ten('b'), ten('t')];
  const { history } = after([whole]);
  for (const [hops, isReached] of [
    [[ten('a'), '', ten('t')], true],
    [[ten('a'), ''], false],
    [[ten('a'), '', '', ''], false],
  ] as const) {
    const { history: next, changedAt } = addPath(history, run(...hops), isReached);
    assert.deepEqual([next.path, changedAt], [['a', 'b', 't'], undefined]);
  }
});

test('path-history: a path that becomes shorter or longer is one change', () => {
  const whole = [ten('a'), ten('b'), ten('t')];
  const longer = [ten('a'), ten('b'), ten('c'), ten('t')];
  assert.deepEqual(
    [after([whole, longer, longer]).history.path, after([whole, longer, longer]).changes],
    [['a', 'b', 'c', 't'], 1],
  );
  assert.deepEqual(
    [after([longer, whole, whole]).history.path, after([longer, whole, whole]).changes],
    [['a', 'b', 't'], 1],
  );
});

test('path-history: a path whose end was silent grows when the target answers, without a change', () => {
  let { history } = after([[ten('a'), '']], false);
  assert.deepEqual(history.path, ['a', '*']);
  history = addPath(history, run(ten('a'), ten('b'), ten('t')), true).history;
  assert.deepEqual([history.path, history.isComplete], [['a', 'b', 't'], true]);
});

test('path-history: answers are of a hop when all came from its routers', () => {
  const { history } = after([[ten('a'), 'bcbcbcbcbc']]);
  const [, hop] = run('', 'bc');
  const [, other] = run('', 'bx');
  assert.ok(hop !== undefined && other !== undefined);
  assert.deepEqual([isOfHop(history.hops[1], hop), isOfHop(history.hops[1], other)], [true, false]);
  assert.equal(isOfHop(history.hops[1], { answers: [] }), false);
});
