import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paint } from '../../src/cli/paint.ts';
import { failureText, phaseBars, phasesOf, runData, runLines, traceText } from '../../src/cli/report.ts';
import { gauge, type Point, point } from '../../src/kernel/metric.ts';
import { failure } from '../../src/kernel/reason.ts';
import type { Run } from '../../src/kernel/run.ts';
import { exampleCheck } from '../run/example.ts';
import { capture } from './console.ts';

const plain = paint(capture().io.stdout, {});
const phase = { resolve: 'a', connect: 'b', tls: 'c', processing: 'd' };
const duration = gauge('test_duration_seconds', 'A test.', { labels: { phase } });
const legacy = gauge('test_old_duration_seconds', 'A test.', { labels: { phase }, dialect: 'network_exporter' });
const status = gauge('test_status', 'A test.');
const points: Point[] = [
  point(status, 200),
  point(duration, 0.000_5, { phase: 'resolve' }),
  point(duration, 0.02, { phase: 'connect' }),
  point(duration, 0.06, { phase: 'tls' }),
  point(duration, 0, { phase: 'processing' }),
  point(legacy, 9, { phase: 'tls' }),
];
const runOf = (outcome: Partial<Run['outcome']> = {}, trace: Run['trace'] = []): Run => ({
  check: exampleCheck(),
  startedAt: 1_700_000_000_000,
  took: 0.0812,
  outcome: { facts: {}, failures: [], ...outcome },
  doubt: 0.001,
  trace,
});

test('report: phases are those that were reached, of our own metrics', () => {
  assert.deepEqual(phasesOf(points), [
    ['resolve', 0.000_5],
    ['connect', 0.02],
    ['tls', 0.06],
  ]);
});

test('report: a good run is one line', () => {
  assert.equal(runLines(runOf(), points, 6, plain), '✓ shop     81 ms  resolve 0.5 ms  connect 20 ms  tls 60 ms\n');
});

test('report: a failed run names its reasons and says the details under it', () => {
  const failures = [
    failure('tls_expired', 'tls', 'it ended yesterday'),
    failure('tls_name_mismatch', 'tls', 'it is for "\u001b[2J"'),
  ];
  assert.equal(
    runLines(runOf({ failures }), points, 4, plain),
    [
      '✗ shop   81 ms  tls_expired, tls_name_mismatch  resolve 0.5 ms  connect 20 ms  tls 60 ms',
      '    tls: it ended yesterday',
      '    tls: it is for "\\x1b[2J"',
      '',
    ].join('\n'),
  );
});

test('report: a run that we stopped is neither good nor failed', () => {
  assert.equal(runLines(runOf({ void: 'stopped' }), [], 4, plain), '- shop  stopped before it ended\n');
  assert.equal(runData(runOf({ void: 'stopped' }), []).verdict, 'void');
});

test('report: as data a run has its identity, its times and its failures', () => {
  const failures = [failure('timeout', 'processing', 'no answer')];
  assert.deepEqual(runData(runOf({ failures }), points), {
    name: 'shop',
    instance: 'https://shop.example.com',
    vantage: 'eu-west-1',
    prober: 'example',
    module: 'example',
    startedAt: '2023-11-14T22:13:20.000Z',
    verdict: 'failed',
    seconds: 0.0812,
    doubtSeconds: 0.001,
    phases: { resolve: 0.000_5, connect: 0.02, tls: 0.06 },
    failures,
  });
});

test('report: bars stand under each other, each where the one before ended, and fit the terminal', () => {
  const lines = phaseBars(points, 72, plain).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  const bars = lines.map((line) => [line.indexOf('█') - 26, line.split('█').length - 1]);
  assert.deepEqual(bars, [
    [0, 1],
    [0, 10],
    [10, 30],
  ]);
  for (const columns of [20, 40, 72, 200])
    for (const line of phaseBars(points, columns, plain).split('\n')) assert.ok(line.length <= Math.max(columns, 42));
  assert.equal(phaseBars([], 80, plain), '');
});

test('report: a failure says what was seen, what it means and where to look', () => {
  const text = failureText(runOf({ failures: [failure('connect_refused', 'connect', '127.0.0.1:1 refused')] }), plain);
  assert.match(text, /^ {2}connect_refused \(connect\)\n {4}127\.0\.0\.1:1 refused\n {4}The target answered/);
  assert.match(text, /Look at: The service and its port/);
});

test('report: the trace shows when, what and which values', () => {
  const text = traceText(
    runOf({}, [
      { at: 0.0012, what: 'resolved' },
      { at: 0.02, what: 'answer', data: { status: 200, server: 'a b', text: 'x\u001b', empty: '' } },
    ]),
    plain,
  );
  assert.equal(text, '       1.2 ms  resolved\n      20.0 ms  answer  status=200 server="a b" text=x\\x1b empty=""\n');
});
