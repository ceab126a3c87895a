import { isPrivate } from '../config/hosts.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check, EpochMs } from '../kernel/check.ts';
import type { Run } from '../kernel/run.ts';
import type { Sample, Series } from '../kernel/sample.ts';
import type { Moment } from '../net/marks.ts';
import type { Kit, Prober } from '../net/prober.ts';
import { execute } from './execute.ts';
import { listPoints } from './list-series.ts';
import { type SeriesTable, samplesOf, seriesTable } from './samples.ts';

/** A run and what it says: the samples of the run and of the list, and stale markers for series of the run before that ended. */
export type Checked = { readonly run: Run; readonly prober: Prober; readonly samples: readonly Sample[] };

/** Runs checks and keeps what outlives a run: series, memory, what was said last. */
export type Checker = {
  /** Runs a check once. Never rejects. A void run has no samples and ends no series. */
  readonly run: (check: Check, signal: AbortSignal) => Promise<Checked>;
  /** Stale markers for all that a check said last; what was kept of it is gone. */
  readonly forget: (check: Check, at: EpochMs) => readonly Sample[];
};

/** What {@link checker} is made of. `now` is wall time, the system's unless given. */
export type CheckerParts = {
  readonly probers: ProberTable;
  readonly kit: Kit;
  readonly clock: () => Moment;
  readonly now?: () => EpochMs;
  /** Whether a check with this `reach` may dial an address; public ones only unless given. */
  readonly mayReach?: (reach: string, ip: string) => boolean;
};

type State = { readonly series: SeriesTable; memory: unknown; last: readonly Series[]; lastAt: EpochMs };

/** Makes a checker; checks are told apart by identity, so a list that was read anew starts anew. */
export const checker = ({ probers, kit, clock, now = Date.now, mayReach = onlyPublic }: CheckerParts): Checker => {
  const states = new Map<Check, State>();
  const kitFor = ({ reach }: Check): Kit =>
    reach === undefined ? kit : { ...kit, mayDial: (ip) => kit.mayDial(ip) && mayReach(reach, ip) };
  const stateOf = (check: Check): State => {
    const known = states.get(check);
    if (known !== undefined) return known;
    const fresh: State = { series: seriesTable(check), memory: undefined, last: [], lastAt: 0 };
    states.set(check, fresh);
    return fresh;
  };

  const run: Checker['run'] = async (check, signal) => {
    const state = stateOf(check);
    const prober = proberOf(check, probers);
    const { memory } = state;
    const done = await execute(check, prober, kitFor(check), { clock, signal, now, memory });
    if (done.outcome.void !== undefined) return { run: done, prober, samples: [] };
    state.memory = prober.remember?.(memory, done.outcome) ?? memory;
    const samples = samplesOf(done, prober, state.series, state.memory);
    for (const { metric, labels, value } of listPoints(check)) {
      const series = state.series(metric, labels);
      if (series !== undefined) samples.push({ series, at: done.startedAt, value });
    }
    // A check that was forgotten while it ran has had its stale markers; its late samples would bring it back to life.
    if (states.get(check) !== state) return { run: done, prober, samples: [] };
    const said = samples.map(({ series }) => series);
    const alive = new Set(said);
    for (const series of state.last)
      if (!alive.has(series)) samples.push({ series, at: done.startedAt, value: 'stale' });
    state.last = said;
    state.lastAt = done.startedAt;
    return { run: done, prober, samples };
  };

  const forget: Checker['forget'] = (check, at) => {
    const state = states.get(check);
    states.delete(check);
    // Two samples of one series at one time would be refused.
    const time = Math.max(at, (state?.lastAt ?? 0) + 1);
    return (state?.last ?? []).map((series) => ({ series, at: time, value: 'stale' }));
  };

  return { run, forget };
};

const onlyPublic = (_reach: string, ip: string): boolean => !isPrivate(ip);

const proberOf = (check: Check, probers: ProberTable): Prober => {
  const prober = probers[check.module.prober];
  // `compile` refuses lists that name a prober we do not have.
  if (prober === undefined) throw new Error(`${check.id} needs the prober ${check.module.prober}, which is not there`);
  return prober;
};
