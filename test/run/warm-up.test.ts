import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warmUp } from '../../src/run/warm-up.ts';
import { emptyKit, exampleCheck, exampleProber } from './example.ts';

test('warm-up: probers are warmed up for each check, and one that cannot be disturbs nobody', async () => {
  const warmed: string[] = [];
  const prober = (name: string, fails = false) => ({
    ...exampleProber(async () => ({ facts: {}, failures: [] })),
    warmUp: async () => {
      warmed.push(name);
      if (fails) throw new Error('no');
    },
  });
  const of = (name: string) => {
    const check = exampleCheck();
    return { ...check, module: { ...check.module, prober: name } };
  };
  const probers = {
    a: prober('a', true),
    b: prober('b'),
    c: prober('c'),
    d: exampleProber(async () => ({ facts: {}, failures: [] })),
  };
  await warmUp([of('a'), of('b'), of('b'), of('d'), of('nix')], probers, emptyKit);
  assert.deepEqual(warmed, ['a', 'b', 'b']);
});
