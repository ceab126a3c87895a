import assert from 'node:assert/strict';
import { test } from 'node:test';
import { phases, reasons } from '../../src/kernel/reason.ts';

test('reason: every reason and phase is a legal, lower snake case label value', () => {
  for (const name of [...Object.keys(reasons), ...Object.keys(phases)])
    assert.match(name, /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/);
});

test('reason: every reason says in whole sentences what it means, and where to look', () => {
  for (const [name, { means, look }] of Object.entries(reasons)) {
    assert.match(means, /^[A-Z].*\.$/, name);
    assert.match(look, /\.$/, name);
  }
});
