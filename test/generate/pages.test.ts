import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandsPage } from '../../src/generate/commands-page.ts';
import { code, generatedNote, table } from '../../src/generate/markdown.ts';
import { metricsPage } from '../../src/generate/metrics-page.ts';
import { probersPage } from '../../src/generate/probers-page.ts';
import { reasonsPage } from '../../src/generate/reasons-page.ts';
import type { Topic } from '../../src/generate/topic.ts';

test('markdown: a cell and a piece of code may hold what Markdown uses itself', () => {
  assert.equal(table(['a', 'b'], [['x|y', 'two\nlines']]), '| a | b |\n| --- | --- |\n| x\\|y | two lines |');
  assert.equal(code('plain'), '`plain`');
  assert.equal(code('with `ticks`'), '`` with `ticks` ``');
});

test('reasons page: every phase and reason has a row', () => {
  const page = reasonsPage({ connect: 'Opening.' }, { refused: { means: 'It says no.', look: 'There.' } }, 'why_info');
  assert.ok(page.startsWith(`${generatedNote}\n\n# `));
  assert.match(page, /`why_info\{phase, reason\}`/);
  assert.match(page, /^\| `connect` \| Opening\. \|$/m);
  assert.match(page, /^\| `refused` \| It says no\. \| There\. \|$/m);
});

test('metrics page: metrics stand in the order of their names, values of labels are listed unless they are many', () => {
  const metric = (name: string, rows: Topic['rows']): Topic => ({ kind: 'metric', name, text: `${name} helps.`, rows });
  const many = Array.from({ length: 20 }, (_, index): [string, string] => [`{reason="r${index}"}`, 'So.']);
  const page = metricsPage([
    metric('b', [['Type', 'gauge'], ['{phase="tls"}', 'Handshake.'], ['{rrs}', 'One per record.'], ...many]),
    metric('a', [['Type', 'counter']]),
    { kind: 'phase', name: 'not_a_metric', text: '', rows: [] },
  ]);
  assert.deepEqual(page.match(/^## .*$/gm), ['## `a`', '## `b`']);
  assert.match(page, /^Type: counter\.$/m);
  assert.match(
    page,
    /^- `phase="tls"`: Handshake\.\n- `rrs`: One per record\.\n- `reason`: one of 20 values; `bothways explain VALUE` says more\.$/m,
  );
});

test('probers page: a prober has its modules and its keys, and not those of a prober that begins alike', () => {
  const page = probersPage([
    { kind: 'prober', name: 'tcp', text: 'Connects.', rows: [['Targets', 'tcp://…']] },
    { kind: 'module', name: 'tcp_connect', text: 'A built-in module of the prober tcp.', rows: [['Settings', '{}']] },
    { kind: 'module', name: 'other', text: 'A built-in module of the prober xtcp.', rows: [['Settings', '{}']] },
    {
      kind: 'key',
      name: 'tcp.tls',
      text: 'TLS or not.',
      rows: [
        ['Type', 'boolean'],
        ['Default', 'false'],
      ],
    },
    { kind: 'key', name: 'tcp2.tls', text: 'Another.', rows: [] },
    { kind: 'key', name: 'tcp.version', text: 'Which.', rows: [['One of', 'a, b']] },
  ]);
  assert.match(page, /^\| `tcp_connect` \| `\{\}` \|$/m);
  assert.match(page, /^\| `tls` \| boolean \| `false` \| TLS or not\. \|$/m);
  assert.match(page, /^\| `version` \| `a`, `b` \| {2}\| Which\. \|$/m);
  assert.doesNotMatch(page, /other|Another/);
});

test('commands page: texts stand as the program prints them', () => {
  const page = commandsPage('Usage: x\n', [{ name: 'run', usage: 'Usage: x run\n  --once\n' }]);
  assert.match(page, /```text\nUsage: x\n```\n\n## `bothways run`\n\n```text\nUsage: x run\n {2}--once\n```\n$/);
});
