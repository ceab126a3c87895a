import type { Check, EpochMs } from '../kernel/check.ts';
import type { LabelPairs, Sample } from '../kernel/sample.ts';
import { tlsMetrics } from '../net/tls-facts.ts';
import type { CheckRow } from '../page/status.ts';
import { everyRun } from '../run/every-run.ts';
import { listMetrics } from '../run/list-series.ts';

/** A sample as anybody may have sent it: labels with `__name__`. */
export type Observation = {
  readonly labels: LabelPairs;
  readonly at: EpochMs;
  readonly value: number | 'stale';
};

/** What samples say of checks, newest first of all: the picture that people look at. */
export type Board = {
  readonly observe: (samples: Iterable<Observation>) => void;
  /** The same for samples of this process. */
  readonly observeOwn: (samples: readonly Sample[]) => void;
  /** Shows a check before its first run. */
  readonly expect: (check: Check) => void;
  /** Takes away the row of a check that has left the list, whether it ever ran or not. */
  readonly forget: (check: Check) => void;
  /** One row a check, in the order in which they were first seen. */
  readonly rows: () => readonly CheckRow[];
};

/** Runs kept per check, and checks kept in all: what comes beyond is not shown. */
const limits = { recent: 120, checks: 20_000 };

const phaseOrder = ['setup', 'resolve', 'connect', 'tls', 'request', 'processing', 'rtt', 'transfer', 'check'];
const hidden = new Set(['__name__', 'job', 'name', 'instance', 'vantage', 'vantage_kind', 'le', 'phase', 'reason']);

/** The metrics that make a row, and how the names of those end that have the phases. */
const shown: ReadonlySet<string> = new Set([
  ...Object.values(everyRun).map(({ name }) => name),
  ...Object.values(listMetrics).map(({ name }) => name),
  tlsMetrics.earliestExpiry.name,
]);
const phases = '_duration_seconds';

type Newest = {
  at: EpochMs;
  up?: boolean;
  seconds?: number;
  doubt?: number;
  readonly failures: { phase: string; reason: string }[];
  readonly phases: Map<string, number>;
};

type Entry = {
  readonly key: string;
  readonly fixed: Pick<CheckRow, 'id' | 'name' | 'instance' | 'vantage' | 'vantageKind'>;
  labels: CheckRow['labels'];
  side: CheckRow['side'];
  intervalMs?: number;
  certificateExpiresAt?: EpochMs;
  newest: Newest;
  /** Start, seconds, and 1 if it was good, in turn: plain numbers take a fifth of what lists of three take. */
  readonly recent: number[];
};

/** An empty board. It goes by the labels alone, so it does not matter who probed. */
export const board = (): Board => {
  const entries = new Map<string, Entry>();

  const entryOf = (labels: LabelPairs, mayBeNew: boolean): Entry | undefined => {
    const key = keyOf(labels);
    const known = entries.get(key);
    if (known !== undefined || !mayBeNew || entries.size >= limits.checks) return known;
    const [job, name, instance, vantage] = identity.map((label) => labelIn(labels, label) ?? '');
    const entry: Entry = {
      key,
      fixed: {
        id: [name, vantage, instance, ...(job === 'bothways' ? [] : [job])].join(' '),
        name: name ?? '',
        instance: instance ?? '',
        vantage: vantage ?? '',
        vantageKind: labelIn(labels, 'vantage_kind') ?? '',
      },
      labels: Object.fromEntries(labels.filter(([label]) => !hidden.has(label))),
      side: 'outside',
      newest: newest(0),
      recent: [],
    };
    entries.set(key, entry);
    return entry;
  };

  const take = (metric: string, labels: LabelPairs, at: EpochMs, value: Observation['value']): void => {
    if (!shown.has(metric) && !metric.endsWith(phases)) return;
    // What has no name is about us, not about a target.
    if (labelIn(labels, 'name') === undefined || labelIn(labels, 'vantage') === undefined) return;
    const entry = entryOf(labels, value !== 'stale');
    if (entry === undefined || at < entry.newest.at) return;
    if (value === 'stale') {
      if (metric === everyRun.success.name) entries.delete(entry.key);
      return;
    }
    if (at > entry.newest.at) {
      keep(entry);
      entry.newest = newest(at);
    }
    note(entry, metric, labels, value);
  };
  const observe: Board['observe'] = (samples) => {
    for (const { labels, at, value } of samples) take(labelIn(labels, '__name__') ?? '', labels, at, value);
  };
  const observeOwn: Board['observeOwn'] = (samples) => {
    for (let index = 0; index < samples.length; index += 1) {
      const sample = samples[index];
      if (sample !== undefined) take(sample.series.metric.name, sample.series.labels, sample.at, sample.value);
    }
  };

  const expect = ({ labels, target }: Check) => {
    const entry = entryOf(Object.entries(labels), true);
    if (entry === undefined) return;
    entry.side = target.side;
    entry.intervalMs = target.intervalMs;
  };

  const forget = ({ labels }: Check) => void entries.delete(keyOf(Object.entries(labels)));

  return { observe, observeOwn, expect, forget, rows: () => [...entries.values()].map(rowOf) };
};

/** The labels that tell rows apart. */
const identity = ['job', 'name', 'instance', 'vantage'];

const labelIn = (labels: LabelPairs, label: string): string | undefined => {
  // Looked at for every sample: nothing is made on the way.
  for (let index = 0; index < labels.length; index += 1) if (labels[index]?.[0] === label) return labels[index]?.[1];
  return undefined;
};

const keyOf = (labels: LabelPairs): string => {
  let key = '';
  for (const label of identity) key += `${labelIn(labels, label) ?? ''}\n`;
  return key;
};

const newest = (at: EpochMs): Newest => ({ at, failures: [], phases: new Map() });

/** Puts the newest run among the earlier ones, before a newer takes its place. */
const keep = ({ newest: { at, seconds, up }, recent }: Entry): void => {
  if (seconds === undefined || up === undefined) return;
  recent.push(at, seconds, up ? 1 : 0);
  if (recent.length > 3 * limits.recent) recent.splice(0, 3);
};

const note = (entry: Entry, metric: string, labels: LabelPairs, value: number): void => {
  const { newest: run } = entry;
  const phase = labelIn(labels, 'phase');
  switch (metric) {
    case everyRun.success.name:
      run.up = value === 1;
      return;
    case everyRun.duration.name:
      run.seconds = value;
      return;
    case everyRun.doubt.name:
      run.doubt = value;
      return;
    case everyRun.failureInfo.name:
      run.failures.push({ phase: phase ?? '', reason: labelIn(labels, 'reason') ?? '' });
      return;
    case tlsMetrics.earliestExpiry.name:
      entry.certificateExpiresAt = value * 1_000;
      return;
    case listMetrics.info.name:
      entry.side = labelIn(labels, 'side') === 'inside' ? 'inside' : 'outside';
      return;
    case listMetrics.interval.name:
      entry.intervalMs = value * 1_000;
      return;
    default:
      if (phase !== undefined) run.phases.set(phase, value);
  }
};

const rowOf = ({ fixed, labels, side, intervalMs, certificateExpiresAt, newest: run, recent }: Entry): CheckRow => {
  const { at, up, seconds, doubt, failures, phases } = run;
  const last = seconds === undefined || up === undefined ? [] : [[at, seconds, up] as const];
  const earlier = Array.from(
    { length: recent.length / 3 },
    (_, index) => [recent[3 * index] ?? 0, recent[3 * index + 1] ?? 0, recent[3 * index + 2] === 1] as const,
  );
  return {
    ...fixed,
    labels,
    side,
    failures,
    phases: [...phases].sort(([a], [b]) => phaseOrder.indexOf(a) - phaseOrder.indexOf(b)),
    recent: [...earlier, ...last].slice(-limits.recent),
    ...(at === 0 ? {} : { at }),
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(up === undefined ? {} : { up }),
    ...(seconds === undefined ? {} : { seconds }),
    ...(doubt === undefined ? {} : { doubt }),
    ...(certificateExpiresAt === undefined ? {} : { certificateExpiresAt }),
  };
};
