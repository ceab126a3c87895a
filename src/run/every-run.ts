import { gauge, type Metric, type Point, point } from '../kernel/metric.ts';
import { type Failure, phases, type Reason, reasons } from '../kernel/reason.ts';
import type { Run } from '../kernel/run.ts';

/** Each reason with what it means: the closed set of the label `reason`. */
const meanings = Object.fromEntries(
  Object.entries(reasons).map(([name, { means }]) => [name, means]),
  // safe: the same keys as the table it is made from
) as Readonly<Record<Reason, string>>;

const success = gauge('probe_success', 'Whether the probe succeeded: 1 or 0.', {
  profile: 'lean',
  dialect: 'blackbox_exporter',
});
const duration = gauge('probe_duration_seconds', 'How long the probe took, in seconds.', {
  profile: 'lean',
  dialect: 'blackbox_exporter',
});
const timeout = gauge('probe_timeout_seconds', 'How long the probe was allowed to take, in seconds.', {
  dialect: 'blackbox_exporter',
});
const failureInfo = gauge(
  'probe_failure_info',
  'Why the probe failed, and in which phase; 1, and there only while it fails. At most two per run.',
  { profile: 'lean', labels: { phase: phases, reason: meanings } },
);
const doubt = gauge(
  'bothways_timing_doubt_seconds',
  'How late the prober itself may have been at any moment that it measured, in seconds. Above 0.006 the phases of the run are not to be trusted. Round trips between two timestamps of the kernel are beyond doubt.',
);

/** The metrics that every run has, whatever its prober. */
export const everyRun = { success, duration, timeout, failureInfo, doubt } as const satisfies Readonly<
  Record<string, Metric>
>;

/** The points of {@link everyRun}. At most two failures, and none twice, since each is a series while it lasts. */
export const everyRunPoints = (run: Run): Point[] => {
  const { failures } = run.outcome;
  const points = [
    point(success, failures.length === 0 ? 1 : 0),
    point(duration, run.took),
    point(timeout, run.check.module.timeoutMs / 1_000),
    point(doubt, run.doubt),
  ];
  for (const { phase, reason } of exported(failures)) points.push(point(failureInfo, 1, { phase, reason }));
  return points;
};

const exported = ([first, ...others]: readonly Failure[]): readonly Failure[] => {
  if (first === undefined) return [];
  const second = others.find(({ phase, reason }) => phase !== first.phase || reason !== first.reason);
  return second === undefined ? [first] : [first, second];
};
