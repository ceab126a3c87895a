import { type Batch, type Sample, seriesKey } from '../kernel/sample.ts';

/** Requests that the batches of a delivery may cost beyond one each, to save good samples from among refused ones. */
export type Allowance = { left: number };

/** The search through one batch: the requests that it has cost, and whether the receiver has taken any part. */
export type Rescue = { readonly allowance: Allowance; requests: number; accepted: boolean };

/** A batch at hand, or a part of one. `rescue` is shared by the parts of one batch; `since` is what was accepted when it began. */
export type Part = {
  readonly batch: Batch;
  attempts: number;
  readonly rescue: Rescue;
  readonly since: number;
};

/**
 * The two halves of a part of two samples or more. The cut is between targets where there is more than one, else between series, so
 * that a bad target or series is left alone with few requests; samples of one series are cut by time. Within a series the order is
 * kept, and two parts share no series unless that is all they have.
 */
export const halvesOf = ({ batch, rescue }: Part, since: number): readonly Part[] => {
  const groups = groupsOf(batch.samples);
  const samples = groups.flat();
  const middle = cutOf(groups);
  return [samples.slice(0, middle), samples.slice(middle)].map((half, index) => ({
    batch: { ...batch, id: `${batch.id}.${index}`, samples: half },
    attempts: 0,
    rescue,
    since,
  }));
};

/** The samples of each target together, within it those of each series, in the order in which they first came. */
const groupsOf = (samples: readonly Sample[]): readonly (readonly Sample[])[] => {
  const targets = groupedBy(samples, targetKey);
  if (targets.length > 1) return targets.map((those) => groupedBy(those, keyOf).flat());
  const series = groupedBy(samples, keyOf);
  return series.length > 1 ? series : samples.map((sample) => [sample]);
};

const groupedBy = (samples: readonly Sample[], key: (sample: Sample) => string): Sample[][] => {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const name = key(sample);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [sample]);
    else group.push(sample);
  }
  return [...groups.values()];
};

const keyOf = ({ series }: Sample): string => seriesKey(series);

/** What tells one target's series from another's. */
const targetLabels: ReadonlySet<string> = new Set(['job', 'instance', 'name', 'vantage']);
const targetKey = ({ series: { labels } }: Sample): string =>
  JSON.stringify(labels.filter(([name]) => targetLabels.has(name)));

/** The number of samples before the border that is nearest to the middle. */
const cutOf = (groups: readonly (readonly Sample[])[]): number => {
  const total = groups.reduce((sum, { length }) => sum + length, 0);
  let best = 0;
  let before = 0;
  for (const { length } of groups.slice(0, -1)) {
    before += length;
    if (best === 0 || Math.abs(before - total / 2) < Math.abs(best - total / 2)) best = before;
  }
  return best;
};

/** Whether a part has samples of more than one series. */
export const hasManySeries = ({ batch: { samples } }: Part): boolean => {
  const [first] = samples;
  return (
    first !== undefined && samples.some((sample) => sample.series !== first.series && keyOf(sample) !== keyOf(first))
  );
};

/**
 * Lets parts pass the first one. Only those that have none of its series, nor of one that stays behind it: receivers take the
 * samples of a series in order only.
 */
export const othersFirst = (parts: readonly Part[]): Part[] => {
  const [first, ...rest] = parts;
  if (first === undefined) return [];
  const held = new Set(seriesOf(first));
  const passing: Part[] = [];
  const behind = [first];
  for (const part of rest) {
    const own = seriesOf(part);
    if (!own.some((series) => held.has(series))) passing.push(part);
    else {
      behind.push(part);
      for (const series of own) held.add(series);
    }
  }
  return [...passing, ...behind];
};

const seriesOf = ({ batch }: Part): readonly string[] => batch.samples.map(keyOf);
