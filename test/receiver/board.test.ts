import assert from 'node:assert/strict';
import { test } from 'node:test';
import { board, type Observation } from '../../src/receiver/board.ts';
import { exampleCheck } from '../run/example.ts';

const labelled = (
  metric: string,
  at: number,
  value: number | 'stale',
  extra: Record<string, string> = {},
): Observation => ({
  labels: Object.entries({
    __name__: metric,
    instance: 'https://shop.example.com',
    job: 'bothways',
    name: 'shop',
    team: 'checkout',
    vantage: 'eu-west-1',
    vantage_kind: 'lambda',
    vantage_region: 'eu-west-1',
    ...extra,
  }),
  at,
  value,
});

const good = (at: number, seconds = 0.1) => [
  labelled('probe_success', at, 1),
  labelled('probe_duration_seconds', at, seconds),
  labelled('probe_http_duration_seconds', at, 0.06, { phase: 'transfer' }),
  labelled('probe_http_duration_seconds', at, 0.04, { phase: 'connect' }),
  labelled('probe_ssl_earliest_cert_expiry', at, 1_800_000_000),
  labelled('bothways_timing_doubt_seconds', at, 0.002),
  labelled('bothways_target_info', at, 1, { side: 'outside', quorum: 'majority' }),
  labelled('bothways_target_interval_seconds', at, 60),
];

test('board: a good run is a row with everything that people look at', () => {
  const { observe, rows } = board();
  observe(good(60_000));
  assert.deepEqual(rows(), [
    {
      id: 'shop eu-west-1 https://shop.example.com',
      name: 'shop',
      instance: 'https://shop.example.com',
      vantage: 'eu-west-1',
      vantageKind: 'lambda',
      labels: { team: 'checkout', vantage_region: 'eu-west-1' },
      side: 'outside',
      failures: [],
      phases: [
        ['connect', 0.04],
        ['transfer', 0.06],
      ],
      recent: [[60_000, 0.1, true]],
      at: 60_000,
      intervalMs: 60_000,
      up: true,
      seconds: 0.1,
      doubt: 0.002,
      certificateExpiresAt: 1_800_000_000_000,
    },
  ]);
});

test('board: a failed run has its reasons, and the next good one has none', () => {
  const { observe, rows } = board();
  observe([
    labelled('probe_success', 1_000, 0),
    labelled('probe_duration_seconds', 1_000, 0.2),
    labelled('probe_failure_info', 1_000, 1, { phase: 'tls', reason: 'tls_expired' }),
    labelled('probe_failure_info', 1_000, 1, { phase: 'tls', reason: 'tls_name_mismatch' }),
  ]);
  assert.deepEqual(rows()[0]?.failures, [
    { phase: 'tls', reason: 'tls_expired' },
    { phase: 'tls', reason: 'tls_name_mismatch' },
  ]);
  observe([...good(2_000), labelled('probe_failure_info', 2_000, 'stale', { phase: 'tls', reason: 'tls_expired' })]);
  const [row] = rows();
  assert.deepEqual([row?.up, row?.failures], [true, []]);
  assert.deepEqual(row?.recent, [
    [1_000, 0.2, false],
    [2_000, 0.1, true],
  ]);
});

test('board: a run that comes in two requests is one run, and an older one changes nothing', () => {
  const { observe, rows } = board();
  const samples = good(5_000);
  observe(samples.slice(0, 1));
  observe(samples.slice(1));
  observe([labelled('probe_success', 4_000, 0)]);
  assert.deepEqual([rows()[0]?.up, rows()[0]?.recent.length], [true, 1]);
});

test('board: what ended is no longer shown', () => {
  const { observe, rows } = board();
  observe(good(1_000));
  observe(good(2_000).map((sample) => ({ ...sample, value: 'stale' as const })));
  assert.deepEqual(rows(), []);
});

test('board: the past is bounded', () => {
  const { observe, rows } = board();
  for (let at = 1; at <= 500; at += 1) observe(good(at));
  const { recent = [] } = rows()[0] ?? {};
  assert.deepEqual([recent.length, recent.at(-1)?.[0]], [120, 500]);
});

test('board: a check is there before its first run, and series about ourselves are not shown', () => {
  const { observe, expect, rows } = board();
  expect(exampleCheck());
  observe([
    {
      labels: [
        ['__name__', 'bothways_heartbeat_checks_assigned'],
        ['vantage', 'eu-west-1'],
      ],
      at: 1,
      value: 1,
    },
  ]);
  assert.deepEqual(
    rows().map(({ name, at, up }) => [name, at, up]),
    [['shop', undefined, undefined]],
  );
});

test('board: a check that leaves before its first run leaves no row, and one that comes again has a new one', () => {
  const { expect, forget, observe, rows } = board();
  const check = exampleCheck({ name: 'other' });
  expect(check);
  assert.equal(rows().length, 1);
  forget(check);
  assert.deepEqual(rows(), []);
  forget(check);
  expect(check);
  observe(good(60_000));
  assert.equal(rows().length, 2);
  forget(check);
  assert.deepEqual(
    rows().map(({ name }) => name),
    ['shop'],
  );
});
