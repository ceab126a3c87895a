import { hostname } from 'node:os';
import type { Counts } from '../delivery/deliver.ts';
import type { Labels, Vantage } from '../kernel/check.ts';
import { counter, gauge, type Point, point } from '../kernel/metric.ts';
import { type Sample, seriesKey } from '../kernel/sample.ts';
import { version } from '../kernel/version.ts';
import { type ListState, listStatePoints } from '../run/list-state.ts';
import { type Shard, shardText } from '../run/shard.ts';
import type { EscapedCounts } from './escape-watch.ts';
import { residentMemory } from './resident-memory.ts';

const endpoint = 'The receiver, by its name in the list.';

/** Metrics of the agent itself. Counters begin at 0 when it starts. */
export const selfMetrics = {
  build: gauge('bothways_build_info', 'The version that runs; always 1.', {
    labels: { version: 'Of Bothways.', node: 'Of Node.' },
  }),
  agent: gauge(
    'bothways_agent_info',
    'The agent that pushes these series; always 1. More than one of a vantage and shard write over each other.',
    { labels: { agent: 'Name of its host, in a cluster of its pod, and its process id where that is not 1.' } },
  ),
  started: gauge('process_start_time_seconds', 'When the process started, in Unix seconds.'),
  cpu: counter('process_cpu_seconds_total', 'CPU time that the process has used, in seconds.'),
  memory: gauge('process_resident_memory_bytes', 'Memory that the process holds, in bytes.'),
  checks: gauge('bothways_checks', 'Checks of the list that this agent runs.'),
  runs: counter('bothways_runs_total', 'Runs that have ended.', {
    labels: {
      outcome: {
        good: 'The target did what it should.',
        failed: 'The target did not.',
        void: 'Ended by a stop, or at its limit by a process that was kept from running: it says nothing about the target. One that floods is void twice, then it fails.',
      },
    },
  }),
  skipped: counter('bothways_runs_skipped_total', 'Runs that were due and did not take place.', {
    labels: {
      why: {
        overlap: 'The run before was still under way.',
        late: 'Its interval was over before its turn came.',
      },
    },
  }),
  doubtful: counter(
    'bothways_runs_doubtful_total',
    'Runs whose times are not to be trusted, because the process itself was late by more than 6 ms.',
  ),
  escaped: counter('bothways_escaped_errors_total', 'Errors that no code handled; please report them.', {
    labels: {
      from: {
        check: 'From the run of a check, which ended as `unexpected`; the log names the check.',
        process: 'From no run.',
      },
    },
  }),
  lag: gauge('bothways_runs_start_lag_max_seconds', 'How late the latest run so far started, in seconds.'),
  samples: counter('bothways_delivery_samples_total', 'What became of samples.', {
    labels: {
      endpoint,
      outcome: {
        accepted: 'The receiver took them.',
        dropped: 'The receiver threw them away on purpose.',
        rejected: 'The receiver refused them for good.',
        lost: 'They were never sent, or given up.',
      },
    },
  }),
  waiting: gauge('bothways_delivery_samples_waiting', 'Samples that are still to be delivered.', {
    labels: { endpoint },
  }),
  oldest: gauge(
    'bothways_delivery_oldest_waiting_timestamp_seconds',
    'Time of the oldest sample that waits, in Unix seconds; 0 when none does.',
    { labels: { endpoint } },
  ),
  requests: counter('bothways_delivery_requests_total', 'Requests to receivers.', { labels: { endpoint } }),
  retries: counter('bothways_delivery_retries_total', 'Requests that were sent again.', { labels: { endpoint } }),
};

/** What the agent has done so far. */
type Done = {
  readonly startedAt: number;
  readonly checks: number;
  readonly runs: Readonly<Record<'good' | 'failed' | 'void', number>>;
  readonly skipped: Readonly<Record<'overlap' | 'late', number>>;
  readonly doubtful: number;
  readonly lagMs: number;
  readonly escaped: EscapedCounts;
  readonly list: ListState;
  readonly deliveries: readonly { readonly endpoint: string; readonly counts: Counts }[];
};

/** What tells agents apart, two of one host too. In a container the process is 1, and the host's name is the container's own. */
export const agentName = (host: string, pid: number): string => (pid === 1 ? host : `${host}-${pid}`);

/** The points of {@link selfMetrics}. */
export const selfPoints = (done: Done): Point[] => {
  const { startedAt, checks, runs, skipped, doubtful, lagMs, escaped, list, deliveries } = done;
  const { user, system } = process.cpuUsage();
  const memory = residentMemory();
  return [
    point(selfMetrics.build, 1, { version, node: process.versions.node }),
    point(selfMetrics.agent, 1, { agent: agentName(hostname(), process.pid) }),
    point(selfMetrics.started, startedAt / 1_000),
    point(selfMetrics.cpu, (user + system) / 1e6),
    ...(memory === undefined ? [] : [point(selfMetrics.memory, memory)]),
    point(selfMetrics.checks, checks),
    point(selfMetrics.runs, runs.good, { outcome: 'good' }),
    point(selfMetrics.runs, runs.failed, { outcome: 'failed' }),
    point(selfMetrics.runs, runs.void, { outcome: 'void' }),
    point(selfMetrics.skipped, skipped.overlap, { why: 'overlap' }),
    point(selfMetrics.skipped, skipped.late, { why: 'late' }),
    point(selfMetrics.doubtful, doubtful),
    point(selfMetrics.escaped, escaped.check, { from: 'check' }),
    point(selfMetrics.escaped, escaped.process, { from: 'process' }),
    point(selfMetrics.lag, lagMs / 1_000),
    ...listStatePoints(list),
    ...deliveries.flatMap(({ endpoint: name, counts }) => deliveryPoints(name, counts)),
  ];
};

const deliveryPoints = (name: string, counts: Counts): Point[] => [
  point(selfMetrics.samples, counts.accepted, { endpoint: name, outcome: 'accepted' }),
  point(selfMetrics.samples, counts.dropped, { endpoint: name, outcome: 'dropped' }),
  point(selfMetrics.samples, sum(counts.rejected), { endpoint: name, outcome: 'rejected' }),
  point(selfMetrics.samples, sum(counts.lost), { endpoint: name, outcome: 'lost' }),
  point(selfMetrics.waiting, counts.waiting, { endpoint: name }),
  point(selfMetrics.oldest, (counts.oldestWaiting ?? 0) / 1_000, { endpoint: name }),
  point(selfMetrics.requests, counts.requests, { endpoint: name }),
  point(selfMetrics.retries, counts.retries, { endpoint: name }),
];

/** The sum of a table of counts. */
export const sum = (table: Readonly<Record<string, number>>): number =>
  Object.values(table).reduce((total, value) => total + value, 0);

/** Points as samples of now, with labels of ours under their own. For `/metrics` there are none: who scrapes says who we are. */
export const selfSamples = (points: readonly Point[], base: Labels, at: number): Sample[] =>
  points.map(({ metric, labels, value }) => ({
    series: { metric, labels: labelPairs({ ...base, ...labels }) },
    at,
    value,
  }));

/** Stale markers for series of ours that were there before and are not now, such as that of the list before. */
export const endedSamples = (before: readonly Sample[], now: readonly Sample[], at: number): Sample[] => {
  const there = new Set(now.map(({ series }) => seriesKey(series)));
  return before
    .filter((sample) => !there.has(seriesKey(sample.series)))
    .map(({ series }): Sample => ({ series, at, value: 'stale' }));
};

const labelPairs = (labels: Labels) =>
  Object.entries(labels)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** Labels of what an agent pushes about itself. Shards of one vantage have series of their own. */
export const selfLabels = ({ name, kind, region, labels }: Vantage, shard: Shard, external: Labels): Labels => ({
  ...external,
  ...labels,
  job: 'bothways',
  vantage: name,
  vantage_kind: kind,
  vantage_region: region ?? '',
  shard: shard.of === 1 ? '' : shardText(shard),
});
