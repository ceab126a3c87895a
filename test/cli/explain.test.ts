import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod';
import { topicsOf } from '../../src/cli/topics.ts';
import { gauge } from '../../src/kernel/metric.ts';
import { phases, reasons } from '../../src/kernel/reason.ts';
import { defineProber } from '../../src/net/prober.ts';
import { cli } from './console.ts';

test('explain: every reason and every phase has its text', async () => {
  for (const [name, { means, look }] of Object.entries(reasons)) {
    const { code, stdout } = await cli(['explain', name]);
    assert.equal(code, 0);
    assert.ok(stdout.includes(means) && stdout.includes(look), stdout);
  }
  for (const [name, text] of Object.entries(phases)) assert.ok((await cli(['explain', name])).stdout.includes(text));
});

test('explain: a metric says its help, its type and the values of its labels', async () => {
  const { stdout } = await cli(['explain', 'probe_failure_info']);
  assert.match(stdout, /Why the probe failed/);
  assert.match(stdout, /Type +gauge/);
  assert.match(stdout, /\{reason="tls_expired"\} +A certificate that the server sent has expired\./);
});

test('explain: an unknown name gives exit code 2 and the name that was probably meant', async () => {
  const { code, stdout, stderr } = await cli(['explain', 'tls_expird']);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(stderr, 'bothways: nothing here is called "tls_expird"; did you mean tls_expired?\n');
  assert.match((await cli(['explain', 'xyzzy-plugh'])).stderr, /write `bothways explain` for all names/);
});

test('explain: without a name it lists all names, and --json gives all that is known', async () => {
  const { stdout } = await cli(['explain']);
  assert.match(stdout, /^reason:\n {2}target_invalid\n/);
  const all: unknown = JSON.parse((await cli(['explain', '--json'])).stdout);
  assert.ok(Array.isArray(all) && all.length > Object.keys(reasons).length);
});

test('explain: a prober, its modules, its metrics and its keys, nested ones too, are topics', () => {
  const shared = gauge('test_shared', 'A test.');
  const knock = (own: string) =>
    defineProber<object>()({
      summary: 'Knocks.',
      schemes: ['knock'],
      needs: [],
      modules: { knock_once: { times: 1 } },
      settings: z.strictObject({
        times: z.int().default(3).describe('How often.'),
        door: z.strictObject({ kind: z.enum(['oak', 'steel']).optional().describe('What it is made of.') }).optional(),
        rules: z.array(z.strictObject({ name: z.string().describe('Its name.') })).default([]),
      }),
      metrics: { shared, own: gauge(own, 'A test.') },
      locate: () => undefined,
      probe: async () => ({ facts: {}, failures: [] }),
      points: () => [],
    });
  const topics = topicsOf({ knock: knock('test_own'), ring: knock('test_ring') });
  const find = (name: string) => topics.find((topic) => topic.name === name);
  assert.equal(find('knock')?.text, 'Knocks.');
  assert.deepEqual(find('knock_once')?.rows, [['Settings', '{"times":1}']]);
  assert.deepEqual(find('knock.times')?.rows.at(-1), ['Default', '3']);
  assert.equal(find('knock.door.kind')?.text, 'What it is made of.');
  assert.equal(find('knock.rules.name')?.text, 'Its name.');
  assert.deepEqual(find('test_shared')?.rows[1], ['From', 'knock, ring']);
  assert.deepEqual(find('test_own')?.rows[1], ['From', 'knock']);
});
