import type { Check, Dialect, Labels, Profile } from '../kernel/check.ts';
import type { Metric, Point } from '../kernel/metric.ts';
import type { Run } from '../kernel/run.ts';
import type { LabelPairs, Sample, Series } from '../kernel/sample.ts';
import { everyRunPoints } from './every-run.ts';
import { peerLabels } from './peer-labels.ts';

/**
 * The series of one check, one object each, made when first seen. Kept from run to run, so that encoders can keep their bytes.
 * `undefined` for a metric that the target's profile or names leave out. Labels are those of {@link peerLabels}.
 */
export type SeriesTable = (metric: Metric, labels: Labels) => Known | undefined;

/**
 * A series of the table. Runs say the same series in the same order, so each knows which came after it, and most need no search; and
 * which collection of samples it was last in, so that it is in each only once.
 */
type Known = Series & { readonly own: Labels; next: Known | undefined; seenIn: number };

/** Starts the series table of a check: its labels under those of each metric, sorted by name, empty ones dropped. */
export const seriesTable = (check: Check): SeriesTable => {
  const labelsFor = labelTable(check);
  // A metric without labels of its own has one series, and most have none: no table for those.
  const known = new Map<Metric, Known | Map<string, Known> | undefined>();
  let isCrowded = false;
  let before: Known | undefined;
  const make = (metric: Metric, key: string, own: Labels): Known => ({
    metric,
    labels: labelsFor(metric, key, own),
    own,
    next: undefined,
    seenIn: 0,
  });
  const search = (metric: Metric, given: Labels): Known | undefined => {
    let ofMetric = known.get(metric);
    if (ofMetric === undefined) {
      if (known.has(metric)) return undefined;
      if (!isWanted(metric, check)) ofMetric = undefined;
      else ofMetric = isEmpty(given) ? make(metric, '', given) : new Map();
      known.set(metric, ofMetric);
      if (ofMetric === undefined) return undefined;
    }
    if (!(ofMetric instanceof Map)) {
      if (isEmpty(given)) return ofMetric;
      ofMetric = new Map([['', ofMetric]]);
      known.set(metric, ofMetric);
    }
    const labels = peerLabels(given);
    const key = keyOf(labels);
    const there = ofMetric.get(key);
    if (there !== undefined && ofMetric.size <= mostPerRun) return there;
    const series = there ?? make(metric, key, labels);
    // Labels such as a certificate's fingerprint change over the months. Once there are many, their order is that of the last use and
    // the oldest leaves; what the last two runs used stays, since a series must be the same object from run to run.
    ofMetric.delete(key);
    ofMetric.set(key, series);
    if (ofMetric.size > mostPerRun) isCrowded = true;
    if (ofMetric.size > mostPerRun * 3) ofMetric.delete(ofMetric.keys().next().value ?? '');
    return series;
  };
  return (metric, labels) => {
    const guess = before?.next;
    if (!isCrowded && guess?.metric === metric && isSame(guess.own, labels)) {
      before = guess;
      return guess;
    }
    const found = search(metric, labels);
    if (found === undefined) return undefined;
    if (before !== undefined) before.next = found;
    before = found;
    return found;
  };
};

const isSame = (one: Labels, other: Labels): boolean => {
  if (one === other) return true;
  let names = 0;
  for (const name in one) {
    if (one[name] !== other[name]) return false;
    names += 1;
  }
  for (const _name in other) names -= 1;
  return names === 0;
};

const isEmpty = (labels: Labels): boolean => {
  for (const _name in labels) return false;
  return true;
};

/** The labels of a check's series: those of most are the same, and kept once. */
const labelTable = (check: Check) => {
  const plain = pairsOf(check.labels);
  return (metric: Metric, key: string, labels: Labels): LabelPairs => {
    // network_exporter's dashboards find the prober by this label.
    if (metric.dialect === 'network_exporter')
      return pairsOf({ ...check.labels, ...labels, host: check.vantage.name }, plain);
    return key === '' ? plain : pairsOf({ ...check.labels, ...labels }, plain);
  };
};

/** Sorted pairs, empty ones dropped; those that are in `known` as well are the same objects. */
const pairsOf = (labels: Labels, known: LabelPairs = []): LabelPairs =>
  Object.entries(labels)
    .filter(([, value]) => value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => known.find(([name, value]) => name === pair[0] && value === pair[1]) ?? pair);

let collections = 0;

/**
 * All samples of a run: its prober's points and those of every run, filtered by profile and dialect, all at the run's start.
 * A void run has none, since nothing was learned about the target. A series has one sample, the first, and a metric at most 256
 * series, however many a peer's answer would make.
 */
export const samplesOf = <F extends object, M>(
  run: Run<F>,
  prober: { points(run: Run<F>, memory: M | undefined): readonly Point[] },
  series: SeriesTable,
  memory?: M,
): Sample[] => {
  const samples: Sample[] = [];
  if (run.outcome.void !== undefined) return samples;
  collections += 1;
  const at = run.startedAt;
  const add = (points: readonly Point[]) => {
    // Fewer points than that need not be counted.
    const counts = points.length > mostPerRun ? new Map<Metric, number>() : undefined;
    // By number: this is the innermost loop of an agent, and iterators are objects too.
    for (let index = 0; index < points.length; index += 1) {
      const given = points[index];
      if (given === undefined) continue;
      const count = counts?.get(given.metric) ?? 0;
      if (count >= mostPerRun) continue;
      const found = series(given.metric, given.labels);
      if (found === undefined || found.seenIn === collections) continue;
      found.seenIn = collections;
      counts?.set(given.metric, count + 1);
      samples.push({ series: found, at, value: given.value });
    }
  };
  add(everyRunPoints(run));
  add(prober.points(run, memory));
  return samples;
};

/** Series that one metric can have in a run. */
const mostPerRun = 256;

const rank: Readonly<Record<Profile, number>> = { lean: 0, standard: 1, full: 2 };
const always: ReadonlySet<Dialect> = new Set<Dialect>(['blackbox_exporter', 'bothways']);

const isWanted = ({ profile, dialect }: Metric, { target }: Check): boolean =>
  rank[profile] <= rank[target.profile] && (always.has(dialect) || target.names.includes(dialect));

/** Lengths stand before the texts, so that no value a peer chooses can look like another pair of labels. */
const keyOf = (labels: Labels): string => {
  let key = '';
  for (const name in labels) {
    const value = labels[name] ?? '';
    key += `${name}=${value.length}:${value}`;
  }
  return key;
};
