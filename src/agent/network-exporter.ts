import type { Check, EpochMs } from '../kernel/check.ts';
import { counter, gauge, type Metric, type Point, point } from '../kernel/metric.ts';
import type { Run } from '../kernel/run.ts';
import { residentMemory } from './resident-memory.ts';
import { selfMetrics } from './self-metrics.ts';

// What network_exporter says of itself, so that its dashboards find it here. Said by an agent with targets of these names.

const dialect = { dialect: 'network_exporter' } as const;
const type = {
  ping: 'The prober icmp.',
  mtr: 'The prober mtr.',
  tcp: 'The prober tcp.',
  http: 'The prober http.',
} as const;
type Type = keyof typeof type;
const types = ['ping', 'mtr', 'tcp', 'http'] as const satisfies readonly Type[];

const up = (name: string) =>
  gauge(
    `${name}_up`,
    'Whether at least one target of this kind has been probed: 1 or 0. Not whether it answers.',
    dialect,
  );
const targets = (name: string) => gauge(`${name}_targets`, 'Targets of this kind that have been probed.', dialect);

const le = 'The upper bound of a bucket, in seconds; 16 of them, each twice the one before, and +Inf.';

/** A histogram as Prometheus's text format has it: three series by their endings. */
const histogram = <const L extends Readonly<Record<string, string | Readonly<Record<string, string>>>>>(
  name: string,
  help: string,
  labels: L,
) => ({
  bucket: counter(`${name}_bucket`, help, { ...dialect, labels: { ...labels, le } }),
  sum: counter(`${name}_sum`, help, { ...dialect, labels }),
  count: counter(`${name}_count`, help, { ...dialect, labels }),
});

const ups = { ping: up('ping'), mtr: up('mtr'), tcp: up('tcp'), http: up('http_get') } as const;
const counts = { ping: targets('ping'), mtr: targets('mtr'), tcp: targets('tcp'), http: targets('http_get') } as const;
const duration = histogram('network_exporter_probe_duration_seconds', 'How long runs took.', { type });
const queueWait = histogram('network_exporter_probe_queue_wait_seconds', 'How long runs waited for their turn.', {
  type,
});
const collect = histogram(
  'network_exporter_collector_scrape_duration_seconds',
  'How long it took to count what has been probed.',
  { collector: type },
);
const total = counter('network_exporter_probe_total', 'Runs that have ended.', {
  ...dialect,
  labels: { type, result: { success: 'The target did what it should.', failure: 'The target did not.' } },
});
const inflight = gauge('network_exporter_probe_inflight', 'Runs that are under way.', { ...dialect, labels: { type } });
const skipped = counter('network_exporter_probe_skipped_total', 'Runs that were due and did not take place.', {
  ...dialect,
  labels: {
    type,
    reason: { saturation: 'There was no turn for it in time.', inflight: 'The run before was still under way.' },
  },
});
const last = gauge(
  'network_exporter_probe_last_completion_timestamp_seconds',
  'When the latest run ended, in Unix seconds.',
  {
    ...dialect,
    labels: { type },
  },
);
const goroutines = gauge(
  'go_goroutines',
  'What the event loop waits for (sockets, timers); dashboards made for Go look for it under this name.',
  dialect,
);

/** Metrics under network_exporter's names for itself. */
export const networkExporterMetrics: Readonly<Record<string, Metric>> = Object.fromEntries(
  [
    ...types.flatMap((each) => [ups[each], counts[each]]),
    ...[duration, queueWait, collect].flatMap(({ bucket, sum, count }) => [bucket, sum, count]),
    total,
    inflight,
    skipped,
    last,
    goroutines,
  ].map((metric) => [metric.name, metric]),
);

const typeOf = ({ target, module }: Check): Type | undefined => {
  if (!target.names.includes('network_exporter')) return undefined;
  if (module.prober === 'icmp') return 'ping';
  return types.find((each) => each === module.prober);
};

/** Keeps network_exporter's counts of itself. */
export type NetworkExporter = {
  readonly began: (check: Check, waitedMs: number) => void;
  readonly ended: (run: Run, now: EpochMs) => void;
  readonly skipped: (check: Check, why: 'overlap' | 'late') => void;
  /** Empty unless one of the checks asks for these names. */
  readonly points: (checks: readonly Check[]) => Point[];
};

/** Fresh counts, all 0. */
export const networkExporter = (): NetworkExporter => {
  const probed = new Set<Check>();
  const table = Object.fromEntries(types.map((each) => [each, fresh()])) as Record<Type, ReturnType<typeof fresh>>;
  const of = (check: Check) => {
    const found = typeOf(check);
    return found === undefined ? undefined : table[found];
  };
  return {
    began: (check, waitedMs) => {
      const row = of(check);
      if (row === undefined) return;
      row.inflight += 1;
      observe(row.waits, waitedMs / 1_000);
    },
    ended: ({ check, outcome, took }, now) => {
      const row = of(check);
      if (row === undefined) return;
      row.inflight -= 1;
      if (outcome.void !== undefined) return;
      probed.add(check);
      row.results[outcome.failures.length === 0 ? 'success' : 'failure'] += 1;
      row.endedAt = now;
      observe(row.durations, took);
    },
    skipped: (check, why) => {
      const row = of(check);
      if (row !== undefined) row.skipped[why === 'late' ? 'saturation' : 'inflight'] += 1;
    },
    points: (checks) => {
      if (!checks.some((check) => typeOf(check) !== undefined)) return [];
      const still = new Set(checks);
      for (const check of probed) if (!still.has(check)) probed.delete(check);
      const memory = residentMemory();
      const points: Point[] = [point(goroutines, process.getActiveResourcesInfo().length)];
      if (memory !== undefined) points.push(point(selfMetrics.memory, memory));
      for (const each of types) {
        const startedAt = performance.now();
        const count = [...probed].filter((check) => typeOf(check) === each).length;
        observe(table[each].collects, (performance.now() - startedAt) / 1_000);
        points.push(point(ups[each], count > 0 ? 1 : 0), point(counts[each], count), ...rowPoints(each, table[each]));
      }
      return points;
    },
  };
};

const buckets = 16;
type Histogram = { readonly first: number; readonly counts: number[]; sum: number; count: number };
const emptyHistogram = (first: number): Histogram => ({
  first,
  counts: new Array<number>(buckets).fill(0),
  sum: 0,
  count: 0,
});

const observe = (into: Histogram, value: number): void => {
  into.sum += value;
  into.count += 1;
  for (let index = 0; index < buckets; index += 1)
    if (value <= into.first * 2 ** index) into.counts[index] = (into.counts[index] ?? 0) + 1;
};

const fresh = () => ({
  inflight: 0,
  results: { success: 0, failure: 0 },
  skipped: { saturation: 0, inflight: 0 },
  endedAt: 0,
  durations: emptyHistogram(0.001),
  waits: emptyHistogram(0.0005),
  collects: emptyHistogram(0.0005),
});

const rowPoints = (each: Type, row: ReturnType<typeof fresh>): Point[] => [
  point(total, row.results.success, { type: each, result: 'success' }),
  point(total, row.results.failure, { type: each, result: 'failure' }),
  point(inflight, row.inflight, { type: each }),
  point(skipped, row.skipped.saturation, { type: each, reason: 'saturation' }),
  point(skipped, row.skipped.inflight, { type: each, reason: 'inflight' }),
  point(last, row.endedAt / 1_000, { type: each }),
  ...bounds(row.durations, (value, bound) => point(duration.bucket, value, { type: each, le: bound })),
  point(duration.sum, row.durations.sum, { type: each }),
  point(duration.count, row.durations.count, { type: each }),
  ...bounds(row.waits, (value, bound) => point(queueWait.bucket, value, { type: each, le: bound })),
  point(queueWait.sum, row.waits.sum, { type: each }),
  point(queueWait.count, row.waits.count, { type: each }),
  ...bounds(row.collects, (value, bound) => point(collect.bucket, value, { collector: each, le: bound })),
  point(collect.sum, row.collects.sum, { collector: each }),
  point(collect.count, row.collects.count, { collector: each }),
];

const bounds = (
  { first, counts: filled, count }: Histogram,
  make: (value: number, bound: string) => Point,
): Point[] => [...filled.map((value, index) => make(value, String(first * 2 ** index))), make(count, '+Inf')];
