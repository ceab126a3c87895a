import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptorRoom } from '../../src/run/descriptor-room.ts';

const limitsOf = (soft: string) => () =>
  `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${soft}                 1048576              files     \n`;

test('descriptor room: what is reserved is left over, and a run more than fits is never started', () => {
  for (const [soft, room] of [
    ['256', 120],
    ['1024', 696],
    ['65536', 49_080],
  ] as const) {
    assert.equal(descriptorRoom(limitsOf(soft)), room);
    assert.ok(room * (4 / 3) + 96 <= Number(soft));
  }
});

test('descriptor room: a limit too small for anything leaves one run, and no limit leaves all', () => {
  assert.equal(descriptorRoom(limitsOf('20')), 1);
  assert.equal(descriptorRoom(limitsOf('unlimited')), Number.POSITIVE_INFINITY);
  assert.equal(
    descriptorRoom(() => ''),
    Number.POSITIVE_INFINITY,
  );
});
