import type { Counts } from '../delivery/deliver.ts';
import { printable } from '../kernel/printable.ts';
import { counted, type Paint } from './paint.ts';

/** What became of the samples for one receiver. `url` without user info and query. */
export type Pushed = { readonly name: string; readonly url: string; readonly counts: Counts };

/** What a run over a list came to. */
export type RunSummary = {
  readonly vantage: string;
  readonly checks: number;
  readonly good: number;
  readonly failed: number;
  readonly void: number;
  readonly samples: number;
  readonly pushed: readonly Pushed[];
};

const sum = (table: Readonly<Record<string, number>>) =>
  Object.values(table).reduce((total, count) => total + count, 0);

/** Samples that did not reach a receiver: rejected, lost, thrown away by it, or still waiting. */
export const undelivered = ({ rejected, lost, dropped, waiting }: Counts): number =>
  sum(rejected) + sum(lost) + dropped + waiting;

/** The summary as plain data for `--json`. */
export const summaryData = ({ pushed, ...rest }: RunSummary) => ({
  ...rest,
  receivers: pushed.map(({ name, url, counts }) => ({ name, url, delivered: undelivered(counts) === 0, ...counts })),
});

/** The summary for people: the probes in one line, and a sentence for each receiver. */
export const summaryText = (summary: RunSummary, paint: Paint): string => {
  const { checks, good, failed, samples, pushed, vantage } = summary;
  const missing = checks - good - failed;
  const parts = [
    paint.good(`${good} good`),
    failed > 0 ? paint.bad(`${failed} failed`) : '0 failed',
    ...(missing > 0 ? [`${missing} not run to the end`] : []),
  ];
  const lines = [
    `${counted(checks, 'check')} at ${vantage}: ${parts.join(', ')}; ${counted(samples, 'sample')}.`,
    ...(pushed.length === 0 ? ['No receiver takes samples from here, so nothing was pushed.'] : []),
    ...pushed.map((one) => receiverText(one, paint)),
  ];
  return lines.map((line) => `${line}\n`).join('');
};

const receiverText = ({ url, counts }: Pushed, paint: Paint): string => {
  const missing = undelivered(counts);
  if (missing === 0) return `${paint.good('✓')} ${url} took ${counted(counts.accepted, 'sample')}.`;
  const { rejected, lost, dropped, waiting, lastProblem } = counts;
  const fates = [
    ...Object.entries(rejected).map(([status, count]) => `${count} refused with status ${status}`),
    ...Object.entries(lost).map(([why, count]) => `${count} lost (${why})`),
    ...(dropped > 0 ? [`${dropped} thrown away by the receiver (status 202)`] : []),
    ...(waiting > 0 ? [`${waiting} not taken in time`] : []),
  ];
  const why = lastProblem === undefined ? '' : `; it last said: ${printable(lastProblem)}`;
  const took = `${url} took ${counts.accepted} of ${counted(counts.accepted + missing, 'sample')}`;
  return `${paint.bad('✗')} ${took}: ${fates.join(', ')}${why}`;
};
