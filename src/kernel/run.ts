import type { Check, Dialect, EpochMs, Seconds } from './check.ts';
import type { Failure } from './reason.ts';

/**
 * What a prober returns: the facts it got, however far it came, and why it failed. No failures: it succeeded.
 * `stamped` says that the kernel took the times of what was answered, at both ends: how late the process was then matters to none.
 * `void` says that we did it to ourselves (stopped, engine died): no samples, never a failure of the target.
 */
export type Outcome<F = object> = {
  readonly facts: Partial<F>;
  readonly failures: readonly Failure[];
  readonly stamped?: boolean;
  readonly void?: string;
};

/** One line of a run's record: seconds since its start, what happened, a few values. No secrets. */
export type TraceEvent = {
  readonly at: Seconds;
  readonly what: string;
  readonly data?: Readonly<Record<string, string | number | boolean>>;
};

/**
 * One execution of a check. `startedAt` is wall time; `took` and `doubt` are seconds.
 * `doubt` bounds how late the process itself may have been at any of the run's marks that measure something.
 */
export type Run<F = object> = {
  readonly check: Check;
  readonly startedAt: EpochMs;
  readonly took: Seconds;
  readonly outcome: Outcome<F>;
  readonly doubt: Seconds;
  readonly trace: readonly TraceEvent[];
};

/** A check whose time has come. */
export type Due = { readonly check: Check; readonly at: EpochMs };

/** Whether a run's target asks for the metric names of a dialect; what nobody asks for need not be made. */
export const speaks = ({ check }: Pick<Run, 'check'>, dialect: Dialect): boolean =>
  check.target.names.includes(dialect);
