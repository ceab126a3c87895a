import { isPrivate } from '../config/hosts.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check, EpochMs } from '../kernel/check.ts';
import { failure } from '../kernel/reason.ts';
import type { Run } from '../kernel/run.ts';
import type { Sample, Series } from '../kernel/sample.ts';
import type { Moment } from '../net/marks.ts';
import type { Kit, Prober } from '../net/prober.ts';
import { descriptorRoom } from './descriptor-room.ts';
import { asNoRun } from './escapes.ts';
import { execute } from './execute.ts';
import { listPoints } from './list-series.ts';
import { madePoints } from './made-points.ts';
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
  /** Runs that may be under way at once; one more gives reason `local_resources`. As many as descriptors allow, unless given. */
  readonly mostRuns?: number;
};

type State = {
  readonly series: SeriesTable;
  memory: unknown;
  last: readonly Series[];
  lastAt: EpochMs;
  /** Runs since the last good one that were void because of a flood in which the target had a part. */
  flooded: number;
};

/** A target that floods must not be void for ever: the third such run since a good one counts. */
const mostFlooded = 2;

/** Makes a checker; checks are told apart by identity, so a list that was read anew starts anew. */
export const checker = (parts: CheckerParts): Checker => {
  const { probers, kit, clock, now = Date.now, mayReach = onlyPublic, mostRuns = descriptorRoom() } = parts;
  let underWay = 0;
  const states = new Map<Check, State>();
  const runKit: Kit = {
    ...kit,
    // What is opened once and shared belongs to no run, whichever needed it first.
    engine: () => asNoRun(() => kit.engine()),
    own: (key, make) => kit.own(key, () => asNoRun(make)),
  };
  const kitFor = ({ reach }: Check): Kit =>
    reach === undefined ? runKit : { ...runKit, mayDial: (ip) => kit.mayDial(ip) && mayReach(reach, ip) };
  const stateOf = (check: Check): State => {
    const known = states.get(check);
    if (known !== undefined) return known;
    const fresh: State = { series: seriesTable(check), memory: undefined, last: [], lastAt: 0, flooded: 0 };
    states.set(check, fresh);
    return fresh;
  };

  const run: Checker['run'] = async (check, signal) => {
    const state = stateOf(check);
    const prober = proberOf(check, probers);
    // The engine for ping and paths has a few sockets for all runs.
    const opens = prober.needs.includes('icmp') ? 0 : 1;
    underWay += opens;
    const ran = await execute(check, underWay * opens > mostRuns ? crowded(prober, mostRuns) : prober, kitFor(check), {
      clock,
      signal,
      now,
      memory: state.memory,
    });
    underWay -= opens;
    const ended = counted(ran, state);
    if (ended.outcome.void !== undefined) return { run: ended, prober, samples: [] };
    const { run: done, points, memory } = madePoints(ended, prober, state.memory);
    state.memory = memory;
    const samples = samplesOf(done, { points: () => points }, state.series);
    for (const { metric, labels, value } of listPoints(check)) {
      const series = state.series(metric, labels);
      if (series !== undefined) samples.push({ series, at: done.startedAt, value });
    }
    // A check that was forgotten while it ran has had its stale markers; its late samples would bring it back to life.
    if (states.get(check) !== state) return { run: done, prober, samples: [] };
    if (!isSame(state.last, samples)) {
      const said = samples.map(({ series }) => series);
      const alive = new Set(said);
      for (const series of state.last)
        if (!alive.has(series)) samples.push({ series, at: done.startedAt, value: 'stale' });
      state.last = said;
    }
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

/** Whether samples are of the same series in the same order, as those of most runs are. */
const isSame = (series: readonly Series[], samples: readonly Sample[]): boolean =>
  series.length === samples.length && series.every((each, index) => samples[index]?.series === each);

const proberOf = (check: Check, probers: ProberTable): Prober => {
  const prober = probers[check.module.prober];
  // `compile` refuses lists that name a prober we do not have.
  if (prober === undefined) throw new Error(`${check.id} needs the prober ${check.module.prober}, which is not there`);
  return prober;
};

/** Stands in for a prober whose run has no descriptor left to open. */
const crowded = (prober: Prober, mostRuns: number): Prober => {
  const detail = `${mostRuns} runs are under way, and the limit of open files leaves room for no more`;
  return { ...prober, probe: async () => ({ facts: {}, failures: [failure('local_resources', 'setup', detail)] }) };
};

/** A run, and `timeout` in place of a void that would be one too many in a row. */
const counted = (run: Run, state: State): Run => {
  const { void: why, ...outcome } = run.outcome;
  const isGood = why === undefined && outcome.failures.length === 0;
  state.flooded = why === 'flooded' ? state.flooded + 1 : isGood ? 0 : state.flooded;
  if (why !== 'flooded' || state.flooded <= mostFlooded) return run;
  const phase = outcome.failures[0]?.phase ?? 'transfer';
  const detail = `in ${state.flooded} runs the process was busy until the time limit, partly with what this target sent`;
  return { ...run, outcome: { ...outcome, failures: [failure('timeout', phase, detail)] } };
};
