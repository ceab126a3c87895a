import type { Check, EpochMs, Labels, Vantage } from '../kernel/check.ts';
import { gauge, type Point, point } from '../kernel/metric.ts';
import type { Sample, Series } from '../kernel/sample.ts';

// The list travels as series, so that alert rules can be generic over it; a heartbeat says that somebody is there at all.

/** Metrics that every check has beside those of its runs: what the list says of it. */
export const listMetrics = {
  info: gauge('bothways_target_info', 'A target of the list, as this vantage probes it; always 1.', {
    profile: 'lean',
    labels: {
      side: { outside: 'What users see.', inside: 'What workloads depend on.' },
      quorum: 'How many vantages must fail before the target counts as broken: majority, any, all, each or a number.',
      prober: 'The prober: one of the table.',
      module: 'The module: one of the list or a built-in one.',
    },
  }),
  interval: gauge('bothways_target_interval_seconds', 'Time from one run of the check to the next, in seconds.', {
    profile: 'lean',
  }),
  objective: gauge('bothways_target_slo_objective_ratio', 'The share of good runs that the target promises, 0 to 1.', {
    profile: 'lean',
  }),
  window: gauge('bothways_target_slo_window_seconds', 'The time that the objective is about, in seconds.', {
    profile: 'lean',
  }),
};

/** The points of {@link listMetrics} for a check. */
export const listPoints = ({ target, module }: Check): Point[] => {
  const { side, quorum, intervalMs, slo } = target;
  const points = [
    point(listMetrics.info, 1, { side, quorum: String(quorum), prober: module.prober, module: module.name }),
    point(listMetrics.interval, intervalMs / 1_000),
  ];
  if (slo !== undefined)
    points.push(point(listMetrics.objective, slo.objective), point(listMetrics.window, slo.windowMs / 1_000));
  return points;
};

const shard = { shard: 'Which part of the targets, `0/1` for all: as many as were configured.' };

/** Metrics of one stretch of work of one vantage and shard. */
export const heartbeatMetrics = {
  slot: gauge(
    'bothways_heartbeat_slot_timestamp_seconds',
    'The time that the newest stretch of work was for, in Unix seconds. It stands still when nobody probes.',
    { labels: shard },
  ),
  assigned: gauge('bothways_heartbeat_checks_assigned', 'Checks that were due in that time.', { labels: shard }),
  finished: gauge('bothways_heartbeat_checks_finished', 'Checks of those that were run to their end.', {
    labels: shard,
  }),
  skipped: gauge('bothways_heartbeat_checks_skipped', 'Checks of those that were not run, or void.', { labels: shard }),
  lag: gauge('bothways_heartbeat_lag_seconds', 'How late the latest of these runs started, in seconds.', {
    labels: shard,
  }),
};

/** What a heartbeat says. `slot` is the start of the time that the work was for. */
export type Heartbeat = {
  readonly slot: EpochMs;
  readonly assigned: number;
  readonly finished: number;
  readonly skipped: number;
  readonly lagMs: number;
};

/**
 * Makes samples about the work of a vantage and shard out of points, one object per series; shards never share one. `labels` are
 * those of every series of the list (`external_labels`).
 */
export const shardSamples = (
  vantage: Vantage,
  part: string,
  labels: Labels,
): ((points: readonly Point[], at: EpochMs) => Sample[]) => {
  const own: Record<string, string> = {
    ...labels,
    ...vantage.labels,
    job: 'bothways',
    vantage: vantage.name,
    vantage_kind: vantage.kind,
    vantage_region: vantage.region ?? '',
    shard: part,
  };
  const known = new Map<string, Series>();
  const seriesOf = ({ metric, labels: more }: Point): Series => {
    const key = `${metric.name}${JSON.stringify(more)}`;
    let series = known.get(key);
    if (series === undefined) {
      const pairs = Object.entries({ ...own, ...more }).filter(([, value]) => value !== '');
      series = { metric, labels: pairs.sort(([a], [b]) => (a < b ? -1 : 1)) };
      // A list's hash is a label; old ones are forgotten.
      if (known.size >= mostSeries) known.clear();
      known.set(key, series);
    }
    return series;
  };
  return (points, at) => points.map((one) => ({ series: seriesOf(one), at, value: one.value }));
};

const mostSeries = 1_000;

/** The points of {@link heartbeatMetrics}. */
export const heartbeatPoints = (part: string, { slot, assigned, finished, skipped, lagMs }: Heartbeat): Point[] => [
  point(heartbeatMetrics.slot, slot / 1_000, { shard: part }),
  point(heartbeatMetrics.assigned, assigned, { shard: part }),
  point(heartbeatMetrics.finished, finished, { shard: part }),
  point(heartbeatMetrics.skipped, skipped, { shard: part }),
  point(heartbeatMetrics.lag, lagMs / 1_000, { shard: part }),
];

/** Makes the heartbeat samples of a vantage and shard. */
export const heartbeats = (vantage: Vantage, part: string, labels: Labels): ((beat: Heartbeat) => Sample[]) => {
  const samples = shardSamples(vantage, part, labels);
  return (beat) => samples(heartbeatPoints(part, beat), beat.slot);
};
