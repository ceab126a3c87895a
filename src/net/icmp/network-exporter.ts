import type { Seconds } from '../../kernel/check.ts';
import { counter, gauge, type Point, point } from '../../kernel/metric.ts';
import { lossRatio, sampleDeviation, statisticsOf, sumOf } from '../../protocol/statistics.ts';

const dialect = { dialect: 'network_exporter' } as const;

/** The statistics that network_exporter's dashboards ask for by the label `type`. */
const pingType = {
  best: 'The shortest.',
  worst: 'The longest.',
  mean: 'The sum divided by their number.',
  sum: 'The sum.',
  usd: 'The standard deviation of the whole population.',
  csd: 'The standard deviation of a sample.',
  range: 'The longest less the shortest.',
} as const;
const hopType = {
  ...pingType,
  last: 'The most recent one.',
  loss: 'Not a time: the share of packets that were not answered, 0 to 1.',
} as const;

/** Round trips as network_exporter tells them: 0 for all where nothing was answered. */
const roundTripTypes = (rtts: readonly Seconds[]): Readonly<Record<keyof typeof pingType, number>> => {
  const { best = 0, worst = 0, mean = 0, deviation = 0 } = statisticsOf(rtts) ?? {};
  return { best, worst, mean, sum: sumOf(rtts), usd: deviation, csd: sampleDeviation(rtts), range: worst - best };
};

const pingLabels = {
  target: 'The host as the list has it.',
  target_ip:
    'The address that was probed; one each with `addresses: all`, else one. Absent for a name that has never had an address.',
} as const;

/** network_exporter's series of a ping. */
export const pingMetrics = {
  pingStatus: gauge('ping_status', 'Whether at least one packet of the last run was answered: 1 or 0.', {
    ...dialect,
    labels: pingLabels,
  }),
  pingLoss: gauge(
    'ping_loss_percent',
    'Share of packets lost in the last run: a ratio, 0 to 1, despite its name; 1 where none could be sent.',
    {
      ...dialect,
      labels: pingLabels,
    },
  ),
  pingRtt: gauge('ping_rtt_seconds', 'Round trips of the last run, in seconds; all 0 when nothing was answered.', {
    ...dialect,
    labels: { ...pingLabels, type: pingType },
  }),
  pingSent: counter('ping_rtt_snt_count', 'Packets sent.', { ...dialect, labels: pingLabels }),
  pingFailed: counter('ping_rtt_snt_fail_count', 'Packets not answered in time.', { ...dialect, labels: pingLabels }),
  pingSeconds: counter('ping_rtt_snt_seconds', 'Sum of all round trips, in seconds.', {
    ...dialect,
    labels: pingLabels,
  }),
};

type PingBurst = { readonly ip: string; readonly sent: number; readonly rtts: readonly Seconds[] };
type PingTotals = { readonly sent: number; readonly received: number; readonly rttSeconds: Seconds };

/** The points of {@link pingMetrics} of one run: one set for each address. */
export const pingPoints = (
  target: string,
  bursts: readonly PingBurst[],
  totals: ReadonlyMap<string, PingTotals> | undefined,
): Point[] =>
  bursts.flatMap(({ ip, sent, rtts }) => {
    const labels = { target, target_ip: ip };
    const points = [
      point(pingMetrics.pingStatus, rtts.length > 0 ? 1 : 0, labels),
      point(pingMetrics.pingLoss, lossRatio(sent, rtts.length), labels),
    ];
    // safe: the names of the table are those of the record
    for (const [type, value] of Object.entries(roundTripTypes(rtts)) as [keyof typeof pingType, number][])
      points.push(point(pingMetrics.pingRtt, value, { ...labels, type }));
    const total = totals?.get(ip);
    if (total === undefined) return points;
    points.push(
      point(pingMetrics.pingSent, total.sent, labels),
      point(pingMetrics.pingFailed, total.sent - total.received, labels),
      point(pingMetrics.pingSeconds, total.rttSeconds, labels),
    );
    return points;
  });

const pathLabels = { target: 'The address that the path leads to.' } as const;
const hopLabels = {
  ...pathLabels,
  ttl: 'The place of the hop in the path, 1 to 30.',
  path: 'The address of the hop, `unknown` if nobody answered, or `other` when a target has shown too many.',
} as const;

/** network_exporter's series of a path. */
export const mtrMetrics = {
  mtrHops: gauge('mtr_hops', 'Number of hops, silent ones included.', { ...dialect, labels: pathLabels }),
  mtrRtt: gauge('mtr_rtt_seconds', 'Round trips of a hop in the last run, in seconds; 0 when it did not answer.', {
    ...dialect,
    labels: { ...hopLabels, type: hopType },
  }),
  mtrSent: counter('mtr_rtt_snt_count', 'Packets sent to a hop.', { ...dialect, labels: hopLabels }),
  mtrFailed: counter('mtr_rtt_snt_fail_count', 'Packets that a hop did not answer.', { ...dialect, labels: hopLabels }),
  mtrSeconds: counter('mtr_rtt_snt_seconds', 'Sum of all round trips of a hop, in seconds.', {
    ...dialect,
    labels: hopLabels,
  }),
};

/** A hop of the last run, as far as network_exporter tells of it. */
export type MtrHop = {
  readonly ttl: number;
  /** The value of the label `path`. */
  readonly path: string;
  readonly rtts: readonly Seconds[];
  readonly loss: number;
};

/** What was sent to one address at one place of the path, since the first run. */
export type MtrPair = {
  readonly ttl: number;
  readonly path: string;
  readonly sent: number;
  readonly failed: number;
  readonly rttSeconds: Seconds;
};

/** The points of {@link mtrMetrics} of one run. */
export const mtrPoints = (target: string, hops: readonly MtrHop[], pairs: Iterable<MtrPair>): Point[] => {
  const points = [point(mtrMetrics.mtrHops, hops.length, { target })];
  for (const { ttl, path, rtts, loss } of hops) {
    const labels = { target, ttl: String(ttl), path };
    const types = { ...roundTripTypes(rtts), last: rtts.at(-1) ?? 0, loss };
    // safe: the names of the table are those of the record
    for (const [type, value] of Object.entries(types) as [keyof typeof hopType, number][])
      points.push(point(mtrMetrics.mtrRtt, value, { ...labels, type }));
  }
  for (const { ttl, path, sent, failed, rttSeconds } of pairs) {
    const labels = { target, ttl: String(ttl), path };
    points.push(
      point(mtrMetrics.mtrSent, sent, labels),
      point(mtrMetrics.mtrFailed, failed, labels),
      point(mtrMetrics.mtrSeconds, rttSeconds, labels),
    );
  }
  return points;
};
