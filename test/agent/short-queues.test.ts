import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortQueues } from '../../src/agent/short-queues.ts';
import { loadValue } from '../../src/config/load.ts';
import { probers } from '../../src/probers/index.ts';

const compiled = (targets: number, capacity: object = {}) => {
  const loaded = loadValue(
    {
      vantages: { a: { kind: 'agent' } },
      remote_write: [{ name: 'here', url: 'https://push.svc/', queue_config: capacity }],
      defaults: { inside: { interval: '1m' } },
      targets: Array.from({ length: targets }, (_, index) => `http://t${index}.svc`),
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  return loaded.compiled;
};

test('short queues: a list that fills a queue in less than five minutes is told once, with a capacity that will do', () => {
  const lines: string[] = [];
  const remark = shortQueues((level, message) => void lines.push(`${level} ${message}`));
  const many = compiled(10_000);
  remark(many.checks, many.endpoints);
  remark(many.checks, many.endpoints);
  const [line = '', ...others] = lines;
  assert.match(
    line,
    /^warn here may be away for \d{2} s before samples are thrown away: 3\d{3} of them come a second; /,
  );
  assert.deepEqual(others, []);
  const capacity = Number(/queue_config\.capacity: (\d+) keeps those of 5 minutes, in 1\d\d MB$/.exec(line)?.[1]);
  const mended = compiled(10_000, { capacity });
  remark(mended.checks, mended.endpoints);
  assert.equal(lines.length, 1);
  const less = compiled(10_000, { capacity: capacity / 2 });
  remark(less.checks, less.endpoints);
  assert.equal(lines.length, 2);
});

test('short queues: the default keeps five minutes of some hundred checks, and nobody is told', () => {
  const lines: string[] = [];
  const remark = shortQueues((_level, message) => void lines.push(message));
  const { checks, endpoints } = compiled(500);
  remark(checks, endpoints);
  remark([], endpoints);
  assert.deepEqual(lines, []);
});
