import type { Run } from '../kernel/run.ts';

/** Above this a run's times are not to be trusted, in seconds. */
const doubtful = 0.006;

/** What came of the checks of one invocation. */
export type Tally = {
  readonly good: number;
  readonly failed: number;
  readonly void: number;
  readonly samples: number;
  readonly doubtful: number;
  /** Errors that no code handled. */
  readonly escaped: number;
};

/** Counts of an invocation while they are made. */
export type RunTally = {
  readonly ended: (run: Run) => void;
  readonly said: (samples: number) => void;
  readonly escaped: () => void;
  readonly counts: () => Tally;
  /** Checks that were run to their end, and those of so many that were not. */
  readonly ends: (assigned: number) => { readonly finished: number; readonly skipped: number };
  /** The greatest so far, in seconds. */
  readonly doubt: () => number;
};

/** Counts runs and samples. */
export const tally = (): RunTally => {
  const counts = { good: 0, failed: 0, void: 0, samples: 0, doubtful: 0, escaped: 0 };
  let doubt = 0;
  return {
    ended: ({ outcome, doubt: ofRun }) => {
      counts[outcome.void !== undefined ? 'void' : outcome.failures.length === 0 ? 'good' : 'failed'] += 1;
      if (ofRun > doubtful) counts.doubtful += 1;
      doubt = Math.max(doubt, ofRun);
    },
    said: (samples) => {
      counts.samples += samples;
    },
    escaped: () => {
      counts.escaped += 1;
    },
    counts: () => counts,
    ends: (assigned) => {
      const finished = counts.good + counts.failed;
      return { finished, skipped: assigned - finished };
    },
    doubt: () => doubt,
  };
};
