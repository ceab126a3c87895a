import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTexts } from '../../src/config/load.ts';
import { standsOn } from '../../src/config/stands-on.ts';
import { probers } from '../../src/probers/index.ts';

const text = `vantages: { edge: { kind: agent } }
targets:
  - { target: "https://shop.example.com/", from: [edge], inside: [db, api] }
  - { name: db, target: "tcp://db.svc:5432" }
groups:
  - targets:
      - { name: pay, target: "https://pay.example.com/", from: [edge], inside: [api] }
      - { name: api, target: "http://api.svc/" }
`;

test('standsOn: targets that say `inside:` are named with what they stand on, those of groups too, and no others', () => {
  const loaded = loadTexts([{ file: 'targets.yaml', text }], { probers });
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  assert.deepEqual(standsOn(loaded.list), [
    { name: 'shop.example.com', on: ['db', 'api'] },
    { name: 'pay', on: ['api'] },
  ]);
});
