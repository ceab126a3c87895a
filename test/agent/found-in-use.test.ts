import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { foundInUse } from '../../src/agent/found-in-use.ts';
import type { News } from '../../src/agent/publisher.ts';
import { loadValue } from '../../src/config/load.ts';
import { probers } from '../../src/probers/index.ts';

test('found in use: an agent that is in no cluster says so, and does not take what others found for gone', async () => {
  const loaded = loadValue(
    {
      vantages: { laptop: { kind: 'agent' } },
      targets: ['tcp://a.svc:1'],
      discover: { kubernetes: [{ kinds: ['pod'] }] },
    },
    { probers },
  );
  if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
  const told: News[] = [];
  const lines: string[] = [];
  await using found = foundInUse({
    vantage: 'laptop',
    probers,
    environment: {},
    file: (path) => readFile(path),
    log: (level, message) => void lines.push(`${level} ${message}`),
    changed: () => {},
    tell: (news) => void told.push(news),
  });
  await found.set(loaded.list);
  found.refresh();
  assert.deepEqual(
    told.map(({ isComplete }) => isComplete),
    [false, false],
  );
  const [row] = found.state();
  assert.deepEqual([row?.name, row?.found, row?.syncedAt], ['kubernetes[0]', 0, undefined]);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^warn kubernetes\[0\]: this is no pod of a cluster; write `server:`/);
});
