import type { BatchResult, PushedRun } from './batch.ts';
import type { HostilePeer } from './peer.ts';

/** The bars of a batch. `heldMs` and doubt are beyond what the run without hostile peers showed. */
export const bars = { heldMs: 50, peakMegabytes: 128, doubtMs: 50 } as const;

/** What the agent shows without any hostile peer, on this machine and in this hour. */
export type Baseline = Pick<BatchResult, 'heldMs' | 'lateMs' | 'peakMegabytes'> & { readonly doubtMs: number };

/** A peer of a batch as it was judged. */
export type Judged = {
  readonly name: string;
  readonly verdict: string;
  readonly expected: string;
  readonly ok: boolean;
};

/** The largest doubt of the canary's runs, in milliseconds. */
export const doubtMs = ({ canary }: BatchResult): number =>
  Math.max(0, ...canary.runs.map(({ doubt }) => doubt * 1_000));

/** The verdicts of runs, each once, the most frequent first. */
const verdictsOf = (runs: readonly PushedRun[]): string => {
  const counts = new Map<string, number>();
  for (const { verdict } of runs) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const all = [...counts].toSorted(([, a], [, b]) => b - a).map(([verdict]) => verdict);
  return all.length === 0 ? 'silence' : all.join(' | ');
};

/** Whether a peer had the verdict of its row in each of its runs, and had runs at all. */
export const judgePeer = (peer: HostilePeer, result: BatchResult): Judged => {
  const runs = result.runs[peer.name] ?? [];
  const expected: readonly string[] = peer.expect;
  return {
    name: peer.name,
    verdict: verdictsOf(runs),
    expected: expected.join(' | '),
    ok: runs.length > 0 && runs.every(({ verdict }) => expected.includes(verdict)),
  };
};

/** What is wrong with a batch besides the verdicts: whom nothing can be blamed on when it had several peers. */
export const problemsOf = (result: BatchResult, baseline: Baseline): string[] => {
  const { canary, heldMs, peakMegabytes, exit, escaped } = result;
  const problems: string[] = [];
  if (exit !== undefined) problems.push(`the agent ${exit}`);
  const bad = canary.runs.filter(({ verdict }) => verdict !== 'good');
  // One run more or less is a matter of when the counting begins.
  if (canary.runs.length < canary.expected - 1)
    problems.push(`the canary has ${canary.runs.length} runs instead of ${canary.expected}`);
  if (bad.length > 0) problems.push(`the canary fails: ${verdictsOf(bad)}`);
  const doubt = doubtMs(result);
  if (doubt > baseline.doubtMs + bars.doubtMs)
    problems.push(`the canary's doubt is ${doubt.toFixed(1)} ms, ${baseline.doubtMs.toFixed(1)} ms without the peers`);
  if (heldMs > baseline.heldMs + bars.heldMs)
    problems.push(
      `the event loop was held for ${heldMs.toFixed(0)} ms, ${baseline.heldMs.toFixed(0)} ms without the peers`,
    );
  if (peakMegabytes > bars.peakMegabytes) problems.push(`the agent held ${peakMegabytes.toFixed(0)} MB`);
  if (escaped > 0) problems.push(`${escaped} errors escaped`);
  return problems;
};
