import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startAgent } from '../../src/agent/agent.ts';
import { marks } from '../../src/net/marks.ts';
import { probers } from '../../src/probers/index.ts';
import { board as makeBoard } from '../../src/receiver/board.ts';
import { listFile } from '../cli/world.ts';
import { httpServer } from '../servers/http.ts';

// More checks than an agent starts in a second wait for their turns when their list takes them away.

test('agent: checks that leave the list while they wait for their turn are not run, and leave no row', async () => {
  await using web = await httpServer();
  const target = (name: string) =>
    `  - { name: ${name}, target: "${web.url}/${name}", interval: 1s, timeout: 900ms }\n`;
  const list = (names: readonly string[]) =>
    `vantages: { a: { kind: agent } }\ntargets:\n${['keep', ...names].map(target).join('')}`;
  await using file = await listFile(list(Array.from({ length: 1_500 }, (_, index) => `t${index}`)));
  const board = makeBoard();
  const started = await startAgent({
    source: { paths: [file.path], vantage: 'a', probers, environment: {} },
    shard: { index: 0, of: 1 },
    clock: marks(),
    log: () => {},
    board,
  });
  if (!started.ok) assert.fail(started.problems.join());
  const { agent } = started;
  await wait(2_000);
  await writeFile(file.path, list([]));
  assert.deepEqual(await agent.reload(), []);
  await wait(500);
  const before = web.requests.length;
  await wait(3_000);
  const asked = web.requests.length - before;
  assert.deepEqual(
    board.rows().map(({ name }) => name),
    ['keep'],
  );
  assert.ok(asked > 0 && asked < 10, `${asked} requests`);
  await agent.stop(0);
});
