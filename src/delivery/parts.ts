import { type Batch, seriesKey } from '../kernel/sample.ts';

/** A batch at hand, or a part of one. `rescues` is shared by the parts of one batch; `since` is what was accepted when it began. */
export type Part = {
  readonly batch: Batch;
  attempts: number;
  readonly rescues: { left: number };
  readonly since: number;
};

/** The two halves of a part, in order. */
export const halvesOf = ({ batch, rescues }: Part, since: number): readonly Part[] => {
  const middle = batch.samples.length >> 1;
  return [batch.samples.slice(0, middle), batch.samples.slice(middle)].map((samples, index) => ({
    batch: { ...batch, id: `${batch.id}.${index}`, samples },
    attempts: 0,
    rescues,
    since,
  }));
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

const seriesOf = ({ batch }: Part): readonly string[] => batch.samples.map(({ series }) => seriesKey(series));
