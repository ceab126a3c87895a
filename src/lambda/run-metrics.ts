import { gauge, type Point, point } from '../kernel/metric.ts';

const shard = { shard: 'Which part of the targets, `0/1` for all: as many as were configured.' };

/** How one run of a shard went, beside its heartbeat. */
export const runMetrics = {
  attempt: gauge('bothways_run_attempt', 'Which try of its schedule the run was; 1 unless the schedule tries again.', {
    labels: shard,
  }),
  coldStart: gauge('bothways_run_cold_start', 'Whether the run was the first of its execution environment: 1 or 0.', {
    labels: shard,
  }),
  time: gauge('bothways_run_time_used_ratio', 'The part of its time limit that probing took in the run, 0 to 1.', {
    labels: shard,
  }),
  previousTime: gauge(
    'bothways_run_previous_time_used_ratio',
    'The part of its time limit that the run before took in this execution environment, delivery included, 0 to 1; not there after a cold start.',
    { labels: shard },
  ),
  cpuShare: gauge('bothways_run_cpu_share_ratio', 'The part of a core that the run had, by memory and control group.', {
    labels: shard,
  }),
  doubtful: gauge(
    'bothways_run_doubtful_checks',
    'Checks of the run whose times are not to be trusted, because the process itself was late by more than 6 ms.',
    { labels: shard },
  ),
  escaped: gauge(
    'bothways_run_escaped_errors',
    'Errors of the run that no code handled; the log names their checks. Please report them.',
    { labels: shard },
  ),
  doubt: gauge('bothways_run_doubt_max_seconds', 'How late the process itself was at most in the run, in seconds.', {
    labels: shard,
  }),
};

/** What {@link runMetrics} are made of. */
export type RunFacts = {
  readonly shard: string;
  readonly attempt: number;
  readonly coldStart: boolean;
  readonly timeUsed: number;
  readonly previousTimeUsed: number | undefined;
  readonly cpuShare: number;
  readonly doubtful: number;
  readonly escaped: number;
  readonly doubt: number;
};

/** The points of {@link runMetrics}. */
export const runPoints = ({ shard: part, ...facts }: RunFacts): Point[] => [
  point(runMetrics.attempt, facts.attempt, { shard: part }),
  point(runMetrics.coldStart, facts.coldStart ? 1 : 0, { shard: part }),
  point(runMetrics.time, facts.timeUsed, { shard: part }),
  ...(facts.previousTimeUsed === undefined
    ? []
    : [point(runMetrics.previousTime, facts.previousTimeUsed, { shard: part })]),
  point(runMetrics.cpuShare, facts.cpuShare, { shard: part }),
  point(runMetrics.doubtful, facts.doubtful, { shard: part }),
  point(runMetrics.escaped, facts.escaped, { shard: part }),
  point(runMetrics.doubt, facts.doubt, { shard: part }),
];
