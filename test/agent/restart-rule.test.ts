import assert from 'node:assert/strict';
import { test } from 'node:test';
import { restartRule } from '../../src/agent/restart-rule.ts';
import { exampleCheck } from '../run/example.ts';

const minute = 60_000;
const ofNoRun = { check: undefined, what: 'Error' };
const of = (name: string) => ({ check: exampleCheck({ name }), what: 'Error' });

test('restart rule: five errors of no run within ten minutes restart a process, four or slower ones do not', () => {
  let time = 60 * minute;
  const isDue = restartRule(() => time);
  assert.deepEqual(
    Array.from({ length: 5 }, () => isDue(ofNoRun)),
    [false, false, false, false, true],
  );
  const isSlowDue = restartRule(() => time);
  for (let count = 0; count < 50; count += 1) {
    time += 2.6 * minute;
    assert.equal(isSlowDue(ofNoRun), false);
  }
});

test('restart rule: one check never restarts a process, however often its runs throw; twenty do', () => {
  const isDue = restartRule(() => 60 * minute);
  const one = of('hostile');
  for (let count = 0; count < 1_000; count += 1) assert.equal(isDue(one), false);
  for (let count = 1; count < 19; count += 1) assert.equal(isDue(of(`${count}`)), false);
  assert.equal(isDue(of('the twentieth')), true);
});

test('restart rule: a process is not restarted in its first ten minutes, and then at the next error', () => {
  let time = 0;
  const isDue = restartRule(() => time);
  for (; time < 10 * minute; time += minute / 4) assert.equal(isDue(ofNoRun), false);
  assert.equal(isDue(ofNoRun), true);
});
