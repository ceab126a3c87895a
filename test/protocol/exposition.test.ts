import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { counter, gauge, type Metric } from '../../src/kernel/metric.ts';
import type { Sample } from '../../src/kernel/sample.ts';
import { exposition, numberText } from '../../src/protocol/exposition.ts';

const sample = (metric: Metric, value: Sample['value'], labels: Record<string, string> = {}): Sample => ({
  series: { metric, labels: Object.entries(labels) },
  at: 0,
  value,
});

test('exposition: families are sorted, each with its help and type, series under it', () => {
  const phase = gauge('test_phase_seconds', 'Time in a phase.', { labels: { phase: 'one per phase' } });
  const runs = counter('test_runs_total', 'Runs so far.');
  const text = exposition([
    sample(runs, 3),
    sample(phase, 0.25, { phase: 'tls' }),
    sample(phase, 0.000_061_891, { phase: 'connect' }),
  ]);
  assert.equal(
    text,
    [
      '# HELP test_phase_seconds Time in a phase.',
      '# TYPE test_phase_seconds gauge',
      'test_phase_seconds{phase="connect"} 6.1891e-05',
      'test_phase_seconds{phase="tls"} 0.25',
      '# HELP test_runs_total Runs so far.',
      '# TYPE test_runs_total counter',
      'test_runs_total 3',
      '',
    ].join('\n'),
  );
});

test('exposition: quotes, backslashes and line ends are escaped where they would end a value or a line', () => {
  const info = gauge('test_info', 'Says "x\\y"\nand more.', { labels: { text: 'anything' } });
  const text = exposition([sample(info, 1, { text: 'a"b\\c\nd' })]);
  assert.ok(text.startsWith('# HELP test_info Says "x\\\\y"\\nand more.\n'));
  assert.ok(text.endsWith('test_info{text="a\\"b\\\\c\\nd"} 1\n'));
});

test('exposition: stale markers are left out, with their family if nothing else is in it', () => {
  const gone = gauge('test_gone', 'A test.');
  assert.equal(exposition([sample(gone, 'stale')]), '');
});

test('exposition: numbers are written as Go writes them', () => {
  const table: [number, string][] = [
    [1, '1'],
    [0, '0'],
    [-1, '-1'],
    [-0, '-0'],
    [100, '100'],
    [999_999, '999999'],
    [1_000_000, '1e+06'],
    [1_796_198_976, '1.796198976e+09'],
    [-62_135_596_800, '-6.21355968e+10'],
    [0.000_1, '0.0001'],
    [0.000_061_891, '6.1891e-05'],
    [5e-324, '5e-324'],
    [1.797_693_134_862_315_7e308, '1.7976931348623157e+308'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ];
  for (const [value, text] of table) assert.equal(numberText(value), text);
});

test('exposition: every number reads back the same', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(numberText(value)), value));
    }),
  );
});

test('exposition: whatever a label holds, each series stays on one line', () => {
  const info = gauge('test_info', 'A test.', { labels: { text: 'anything' } });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      assert.equal(exposition([sample(info, 1, { text: value })]).split('\n').length, 4);
    }),
  );
});
