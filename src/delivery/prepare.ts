import type { EpochMs } from '../kernel/check.ts';
import type { LabelPairs, Sample, Series } from '../kernel/sample.ts';

/** Why a sample cannot be sent. */
export type Unfit = 'label_names' | 'ahead_of_clock' | 'time';

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A sample this far ahead of the clock is refused: one far in the future makes Prometheus refuse all later ones. */
const mostAheadMs = 5 * 60_000;

/**
 * Whether a sample may be sent: the reason why not, or `undefined`. Names must be legal, labels sorted, none twice and none
 * empty, the time a whole number and not far ahead of `now`. A receiver may lose the whole request for one that is not.
 */
export const unfit = ({ series, at }: Sample, now: EpochMs): Unfit | undefined => {
  if (!Number.isSafeInteger(at)) return 'time';
  if (at > now + mostAheadMs) return 'ahead_of_clock';
  return isFit(series) ? undefined : 'label_names';
};

/** Kept by the labels, since those are the same for most series of a check. */
const fit = new WeakMap<LabelPairs, boolean>();
const fitMetrics = new WeakSet<Series['metric']>();
/** The labels looked at last, if they are fit: samples of a run follow each other. */
let fitLast: LabelPairs | undefined;

const isFit = ({ metric, labels }: Series): boolean => {
  if (!fitMetrics.has(metric)) {
    if (!metricName.test(metric.name)) return false;
    fitMetrics.add(metric);
  }
  if (labels === fitLast) return true;
  let known = fit.get(labels);
  if (known === undefined) {
    known = areFit(labels);
    fit.set(labels, known);
  }
  if (known) fitLast = labels;
  return known;
};

const areFit = (labels: LabelPairs): boolean => {
  let last = '';
  for (const [name, value] of labels) {
    if (name <= last || value === '' || name === '__name__' || !labelName.test(name)) return false;
    last = name;
  }
  return true;
};
