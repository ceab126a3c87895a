import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gauge, type Metric, type Point, point } from '../../src/kernel/metric.ts';
import { failure } from '../../src/kernel/reason.ts';
import type { Run } from '../../src/kernel/run.ts';
import { allLabels } from '../../src/kernel/sample.ts';
import { probers } from '../../src/probers/index.ts';
import { everyRun } from '../../src/run/every-run.ts';
import { samplesOf, seriesTable } from '../../src/run/samples.ts';
import { exampleCheck } from './example.ts';

const runOf = (different: Partial<Run> = {}): Run => ({
  check: exampleCheck(),
  startedAt: 1_700_000_000_000,
  took: 0.25,
  outcome: { facts: {}, failures: [] },
  doubt: 0.001,
  trace: [],
  ...different,
});

const says = (...points: Point[]) => ({ points: () => points });
const namesOf = (run: Run, points: Point[]) =>
  samplesOf(run, says(...points), seriesTable(run.check)).map(({ series }) => series.metric.name);

test('samples: a good run has success, duration, timeout and doubt, all at its start', () => {
  const run = runOf();
  const samples = samplesOf(run, says(), seriesTable(run.check));
  assert.deepEqual(
    samples.map(({ series, value, at }) => [series.metric.name, value, at]),
    [
      ['probe_success', 1, 1_700_000_000_000],
      ['probe_duration_seconds', 0.25, 1_700_000_000_000],
      ['probe_timeout_seconds', 5, 1_700_000_000_000],
      ['bothways_timing_doubt_seconds', 0.001, 1_700_000_000_000],
    ],
  );
});

test('samples: a series has the labels of its check and its own, with the name, sorted, none empty', () => {
  const check = exampleCheck({ labels: { team: 'checkout', empty: '' } });
  const phase = gauge('test_phase_seconds', 'A test.', { labels: { phase: { connect: 'x' }, zone: 'open' } });
  const run = runOf({ check });
  const samples = samplesOf(run, says(point(phase, 1, { phase: 'connect', zone: '' })), seriesTable(check));
  const { series } = samples.at(-1) ?? assert.fail();
  assert.deepEqual(allLabels(series), [
    ['__name__', 'test_phase_seconds'],
    ['instance', 'https://shop.example.com'],
    ['job', 'bothways'],
    ['name', 'shop'],
    ['phase', 'connect'],
    ['team', 'checkout'],
    ['vantage', 'eu-west-1'],
    ['vantage_kind', 'lambda'],
  ]);
});

test('samples: a failed run says why, at most twice and nothing twice', () => {
  const expired = failure('tls_expired', 'tls', 'since yesterday');
  const misnamed = failure('tls_name_mismatch', 'tls', 'for another name');
  const infos = (failures: Run['outcome']['failures']) => {
    const run = runOf({ outcome: { facts: {}, failures } });
    return samplesOf(run, says(), seriesTable(run.check))
      .filter(({ series }) => series.metric.name === 'probe_failure_info')
      .map(({ series }) => Object.fromEntries(series.labels).reason);
  };
  assert.deepEqual(infos([expired, misnamed]), ['tls_expired', 'tls_name_mismatch']);
  assert.deepEqual(infos([expired, expired, misnamed, failure('timeout', 'tls', 'x')]), [
    'tls_expired',
    'tls_name_mismatch',
  ]);
  assert.deepEqual(infos([expired, expired]), ['tls_expired']);
});

test('samples: a void run has none', () => {
  assert.deepEqual(namesOf(runOf({ outcome: { facts: {}, failures: [], void: 'stopped' } }), []), []);
});

test('samples: a profile leaves out what only larger ones have', () => {
  const lean = point(gauge('test_lean', 'A test.', { profile: 'lean' }), 1);
  const standard = point(gauge('test_standard', 'A test.'), 1);
  const full = point(gauge('test_full', 'A test.', { profile: 'full' }), 1);
  const own = (profile: 'lean' | 'standard' | 'full') =>
    namesOf(runOf({ check: exampleCheck({ target: { profile } }) }), [lean, standard, full]).filter((name) =>
      name.startsWith('test_'),
    );
  assert.deepEqual(own('lean'), ['test_lean']);
  assert.deepEqual(own('standard'), ['test_lean', 'test_standard']);
  assert.deepEqual(own('full'), ['test_lean', 'test_standard', 'test_full']);
});

test("samples: network_exporter's names are there only when asked for, and carry the label host", () => {
  const rtt = point(gauge('test_rtt_seconds', 'A test.', { dialect: 'network_exporter' }), 1);
  assert.ok(!namesOf(runOf(), [rtt]).includes('test_rtt_seconds'));
  const asked = runOf({ check: exampleCheck({ target: { names: ['network_exporter'] } }) });
  const samples = samplesOf(asked, says(rtt), seriesTable(asked.check));
  assert.equal(Object.fromEntries(samples.at(-1)?.series.labels ?? []).host, 'eu-west-1');
});

test('samples: a series is the same object in every run of its check', () => {
  const hop = gauge('test_hop', 'A test.', { labels: { a: 'open', b: 'open' } });
  const points = [point(hop, 1, { a: 'x', b: 'y' }), point(hop, 2, { a: 'xy', b: '' })];
  const table = seriesTable(exampleCheck());
  const first = samplesOf(runOf(), says(...points), table);
  const second = samplesOf(runOf(), says(...points), table);
  assert.equal(new Set(first.map(({ series }) => series)).size, 6);
  for (const [index, { series }] of first.entries()) assert.equal(second[index]?.series, series);
});

test('samples: label values that a peer chooses never share a series with others', () => {
  const issuer = gauge('test_issuer', 'A test.', { labels: { a: 'open', b: 'open' } });
  const table = seriesTable(exampleCheck());
  const first = table(issuer, { a: 'x', b: 'b=1:z' });
  const second = table(issuer, { a: 'xb=1:z', b: '' });
  assert.notEqual(first, second);
  assert.notEqual(table(issuer, { a: 'xb=', b: '' }), table(issuer, { a: 'x', b: 'b=' }));
});

test('samples: the table of a series with ever new labels stays small', () => {
  const fingerprint = gauge('test_fingerprint', 'A test.', { labels: { fingerprint: 'one per certificate' } });
  const table = seriesTable(exampleCheck());
  const first = table(fingerprint, { fingerprint: '0' });
  for (let i = 1; i < 1_000; i += 1) table(fingerprint, { fingerprint: String(i) });
  assert.notEqual(table(fingerprint, { fingerprint: '0' }), first);
});

test('samples: the lean profile has about eight samples for an HTTPS run', () => {
  const all: Metric[] = [...Object.values(everyRun), ...Object.values(probers.http.metrics)];
  const lean = all.filter(({ name, profile }) => profile === 'lean' && name !== everyRun.failureInfo.name);
  const samples = lean.map(({ labels }) => ('phase' in labels ? Object.keys(labels.phase ?? {}).length : 1));
  const count = samples.reduce((sum, of) => sum + of, 0);
  assert.ok(count >= 7 && count <= 9, `${count}: ${lean.map(({ name }) => name)}`);
});

test('samples: series of a check share the labels that are the same, and a metric may come with and without its own', () => {
  const table = seriesTable(exampleCheck());
  const one = gauge('probe_example_one', 'One.');
  const two = gauge('probe_example_two', 'Two.', { labels: { part: 'A part.' } });
  const [plain, other] = [table(one, {}), table(two, {})];
  assert.ok(plain !== undefined && plain.labels === other?.labels);
  const part = table(two, { part: 'a' });
  assert.deepEqual(
    part?.labels.find(([name]) => name === 'part'),
    ['part', 'a'],
  );
  assert.equal(table(two, {}), other);
  assert.equal(table(two, { part: 'a' }), part);
});

test('samples: a label in capitals comes before the name, and the labels stay sorted', () => {
  const series = seriesTable(exampleCheck({ labels: { Env: 'prod' } }))(gauge('probe_example_one', 'One.'), {});
  const names = series === undefined ? [] : allLabels(series).map(([name]) => name);
  assert.deepEqual(names.slice(0, 2), ['Env', '__name__']);
  assert.deepEqual(
    names,
    names.toSorted((a, b) => (a < b ? -1 : 1)),
  );
});

const found = gauge('test_found_info', 'A test.', { labels: { text: 'chosen by the peer' } });
const textsOf = (samples: ReturnType<typeof samplesOf>) =>
  samples.flatMap(({ series }) =>
    series.metric === found ? series.labels.flatMap(([name, value]) => (name === 'text' ? [value] : [])) : [],
  );

test('samples: what a peer writes into a label is bounded and printable', () => {
  const run = runOf();
  const said = [`${'a'.repeat(90_000)}1`, `${'a'.repeat(90_000)}2`, '\u001b[2J\u202e'];
  const texts = textsOf(samplesOf(run, says(...said.map((text) => point(found, 1, { text }))), seriesTable(run.check)));
  assert.deepEqual(
    texts.map((text) => Buffer.byteLength(text)),
    [1_024, 1_024, 13],
  );
  assert.equal(new Set(texts).size, 3);
  assert.equal(texts[2], '\\x1b[2J\\u202e');
});

test('samples: two values that look alike once they are printable make one sample', () => {
  const run = runOf();
  const points = ['\u0007', '\\x07'].map((text, index) => point(found, index, { text }));
  const samples = samplesOf(run, says(...points), seriesTable(run.check));
  assert.deepEqual(textsOf(samples), ['\\x07']);
  assert.equal(samples.at(-1)?.value, 0);
});

test('samples: a metric has at most 256 series in a run, and a series is the same object in the next', () => {
  const run = runOf();
  const table = seriesTable(run.check);
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => point(found, 1, { text: String(from + index) }));
  const first = samplesOf(run, says(...many(0, 10_000)), table);
  assert.equal(textsOf(first).length, 256);
  // Each run has half of its texts in common with the one before, and hundreds have come and gone by the end.
  let before = new Map(first.map(({ series }) => [JSON.stringify(series), series]));
  for (let from = 128; from < 4_000; from += 128) {
    const samples = samplesOf(run, says(...many(from, 256)), table);
    const now = new Map(samples.map(({ series }) => [JSON.stringify(series), series]));
    for (const [key, series] of now) assert.equal(before.get(key) ?? series, series, key);
    before = now;
  }
});
