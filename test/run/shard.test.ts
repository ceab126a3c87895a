import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evenShards, ofShard, parseShard, shardText } from '../../src/run/shard.ts';
import { exampleCheck } from './example.ts';

const checks = Array.from({ length: 300 }, (_, index) => exampleCheck({ name: `shop-${index}` }));

test('shard: every check is in exactly one shard, and siblings are together', () => {
  const twins = checks.map((check) => ({ ...check, instance: 'another' }));
  const parts = [0, 1, 2].map((index) => ofShard([...checks, ...twins], { index, of: 3 }));
  assert.equal(parts.flat().length, 600);
  assert.equal(new Set(parts.flat()).size, 600);
  for (const part of parts) {
    assert.ok(part.length > 120, `${part.length}`);
    for (const { target } of part) assert.equal(part.filter((one) => one.target.name === target.name).length, 2);
  }
  assert.equal(ofShard(checks, { index: 0, of: 1 }).length, 300);
});

test('shard: functions have even shards, all checks once and siblings together', () => {
  const twins = checks.map((check) => ({ ...check, instance: 'another' }));
  const shards = evenShards([...checks, ...twins], 7);
  assert.equal(shards.length, 7);
  assert.equal(new Set(shards.flat()).size, 600);
  for (const shard of shards) {
    assert.ok(shard.length <= Math.ceil((600 / 7) * 1.05));
    for (const { target } of shard) assert.equal(shard.filter((one) => one.target.name === target.name).length, 2);
  }
  assert.deepEqual(evenShards(checks, 1), [checks]);
});

test('shard: one shard more moves only what goes to it', () => {
  const before = [0, 1, 2].map((index) => new Set(ofShard(checks, { index, of: 3 })));
  const after = [0, 1, 2, 3].map((index) => new Set(ofShard(checks, { index, of: 4 })));
  for (const check of checks) {
    const [from, to] = [before, after].map((parts) => parts.findIndex((part) => part.has(check)));
    assert.ok(from === to || to === 3);
  }
});

test('shard: texts', () => {
  assert.deepEqual(parseShard('2/5'), { index: 2, of: 5 });
  assert.equal(shardText({ index: 2, of: 5 }), '2/5');
  for (const bad of ['5/5', '0/0', '-1/2', '1', 'a/b', '1/2/3', '1.0/2', ''])
    assert.equal(parseShard(bad), undefined, bad);
});
