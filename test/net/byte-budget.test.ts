import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { byteBudget } from '../../src/net/byte-budget.ts';

const KiB = 1_024;

test('byte budget: the share that holds most makes room for the others', () => {
  const budget = byteBudget(1_000 * KiB);
  const lost: string[] = [];
  const large = budget.share(() => lost.push('large'));
  const small = budget.share(() => lost.push('small'));
  assert.ok(large.take(900 * KiB));
  assert.ok(small.take(200 * KiB));
  assert.deepEqual(lost, ['large']);
  assert.equal(large.take(1), false, 'what was given up is not given back');
  assert.ok(small.take(700 * KiB));
  assert.equal(small.take(200 * KiB), false, 'the largest is the one that asks');
  assert.equal(budget.held(), 0);
});

test('byte budget: memory in use elsewhere is not given up; then the one that asks is refused', () => {
  const budget = byteBudget(1_000 * KiB);
  const matched = budget.share(() => assert.fail('it is pinned'));
  assert.ok(matched.take(950 * KiB));
  matched.pin();
  const other = budget.share(() => {});
  assert.ok(other.take(50 * KiB));
  assert.equal(other.take(50 * KiB), false);
  matched[Symbol.dispose]();
  matched[Symbol.dispose]();
  assert.equal(budget.held(), 0);
});

test('byte budget: what small bodies take is not counted', () => {
  const budget = byteBudget(0);
  for (let i = 0; i < 100; i += 1) assert.ok(budget.share(() => {}).take(16 * KiB));
  assert.equal(budget.share(() => {}).take(16 * KiB + 1), false);
});

test('byte budget: whatever is taken and given back, no more is held than there is, and at the end nothing', () => {
  const step = fc.tuple(fc.nat(9), fc.nat(400 * KiB), fc.nat(9));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const budget = byteBudget(1_000 * KiB);
      const fresh = () => budget.share(() => {});
      const shares = Array.from({ length: 10 }, fresh);
      for (const [index, bytes, what] of steps) {
        if (what === 0) {
          shares[index]?.[Symbol.dispose]();
          shares[index] = fresh();
        } else if (what === 1) shares[index]?.pin();
        else shares[index]?.take(bytes);
        assert.ok(budget.held() >= 0 && budget.held() <= 1_000 * KiB);
      }
      for (const share of shares) share[Symbol.dispose]();
      assert.equal(budget.held(), 0);
    }),
  );
});
