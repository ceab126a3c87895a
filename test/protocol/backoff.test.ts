import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../src/protocol/backoff.ts';

test('backoff: the wait before an attempt is between the minimum and a limit that doubles', () => {
  fc.assert(
    fc.property(fc.nat({ max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      const ms = backoffMs({ minMs: 100, maxMs: 5_000 }, attempt, () => chance);
      return ms >= 100 && ms <= Math.min(5_000, 100 * 2 ** attempt) + 1e-9;
    }),
  );
});
