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
};

/** Counts runs and samples; `doubt` is the greatest so far, in seconds. */
export const tally = () => {
  const counts = { good: 0, failed: 0, void: 0, samples: 0, doubtful: 0 };
  let doubt = 0;
  return {
    ended: ({ outcome, doubt: ofRun }: Run) => {
      counts[outcome.void !== undefined ? 'void' : outcome.failures.length === 0 ? 'good' : 'failed'] += 1;
      if (ofRun > doubtful) counts.doubtful += 1;
      doubt = Math.max(doubt, ofRun);
    },
    said: (samples: number) => {
      counts.samples += samples;
    },
    counts: (): Tally => counts,
    doubt: () => doubt,
  };
};
