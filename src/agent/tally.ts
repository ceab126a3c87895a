import type { Check, EpochMs } from '../kernel/check.ts';
import type { Due, Run } from '../kernel/run.ts';
import type { Heartbeat } from '../run/list-series.ts';
import type { Log } from './log.ts';
import { networkExporter } from './network-exporter.ts';

/** Above this a run's times are not to be trusted, in seconds. */
const doubtful = 0.006;

/** Counts what an agent does, and says when a check changes its mind. */
export type Tally = {
  readonly assigned: () => void;
  /** A run starts, so long after it was due. */
  readonly began: (check: Check, lagMs: number) => void;
  readonly ended: (run: Run) => void;
  readonly skipped: (due: Due, why: 'overlap' | 'late') => void;
  readonly forget: (check: Check) => void;
  readonly counts: () => RunCounts;
  /** The heartbeat since the one before. */
  readonly beat: () => Heartbeat;
  /** What network_exporter would say of itself. */
  readonly compatible: ReturnType<typeof networkExporter>['points'];
};

/** What an agent's runs have come to since it started. */
export type RunCounts = {
  readonly runs: Readonly<Record<'good' | 'failed' | 'void', number>>;
  readonly skipped: Readonly<Record<'overlap' | 'late', number>>;
  readonly doubtful: number;
  readonly lagMs: number;
};

/** Counts from nothing. */
export const tally = (log: Log, now: () => EpochMs = Date.now): Tally => {
  const runs = { good: 0, failed: 0, void: 0 };
  const skipped = { overlap: 0, late: 0 };
  const verdicts = new Map<Check, boolean>();
  const compatible = networkExporter();
  let doubts = 0;
  let lagMs = 0;
  let beat = emptyBeat(now());

  const ended: Tally['ended'] = (run) => {
    const { check, outcome, doubt } = run;
    compatible.ended(run, now());
    const verdict = outcome.void !== undefined ? 'void' : outcome.failures.length === 0 ? 'good' : 'failed';
    runs[verdict] += 1;
    if (verdict === 'void') beat.skipped += 1;
    else beat.finished += 1;
    if (doubt > doubtful) doubts += 1;
    const good = verdict === 'good';
    if (verdict === 'void' || (verdicts.get(check) ?? true) === good) return;
    verdicts.set(check, good);
    log(good ? 'info' : 'warn', changeText(run));
  };

  return {
    assigned: () => {
      beat.assigned += 1;
    },
    began: (check, late) => {
      compatible.began(check, late);
      beat.lagMs = Math.max(beat.lagMs, late);
      lagMs = Math.max(lagMs, late);
    },
    ended,
    skipped: ({ check }, why) => {
      compatible.skipped(check, why);
      skipped[why] += 1;
      beat.assigned += 1;
      beat.skipped += 1;
    },
    forget: (check) => {
      verdicts.delete(check);
    },
    counts: () => ({ runs, skipped, doubtful: doubts, lagMs }),
    beat: () => {
      const done = beat;
      beat = emptyBeat(now());
      return done;
    },
    compatible: compatible.points,
  };
};

const emptyBeat = (slot: EpochMs) => ({ slot, assigned: 0, finished: 0, skipped: 0, lagMs: 0 });

const changeText = ({ check, outcome }: Run): string => {
  const what = `${check.target.name} (${check.instance})`;
  const [first] = outcome.failures;
  return first === undefined
    ? `${what} is good again`
    : `${what} fails: ${first.reason} (${first.phase}): ${first.detail}`;
};
