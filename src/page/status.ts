import type { EpochMs, Labels, Side, StandsOn } from '../kernel/check.ts';

/** What the status page is told (`GET /api/status`): plain data that survives JSON. */
export type Status = {
  readonly version: string;
  /** Who answers: `agent prod-a`, `demo`. */
  readonly title: string;
  /** The clock of who answers; ages are counted from it, not from the browser's. */
  readonly now: EpochMs;
  readonly checks: readonly CheckRow[];
  readonly deliveries: readonly DeliveryRow[];
  readonly list: ListState;
};

/** One check as its newest samples say. `id` is unique and stays the same from answer to answer. */
export type CheckRow = {
  readonly id: string;
  readonly name: string;
  readonly instance: string;
  readonly side: Side;
  readonly vantage: string;
  readonly vantageKind: string;
  /** All labels of its series but those above. */
  readonly labels: Labels;
  /** When its newest run started; missing before the first one. */
  readonly at?: EpochMs;
  readonly intervalMs?: number;
  readonly up?: boolean;
  /** Why it failed; empty while it is good. */
  readonly failures: readonly { readonly phase: string; readonly reason: string }[];
  /** Duration of the newest run. */
  readonly seconds?: number;
  /** Seconds per phase of the newest run, in the order in which phases come. */
  readonly phases: readonly (readonly [phase: string, seconds: number])[];
  /** When the first certificate of its chain expires. */
  readonly certificateExpiresAt?: EpochMs;
  /** How late the prober itself may have been, in seconds. */
  readonly doubt?: number;
  /** Runs so far, oldest first, bounded: start, duration in seconds, whether it was good. */
  readonly recent: readonly (readonly [at: EpochMs, seconds: number, good: boolean])[];
};

/** What became of the samples of one vantage on their way to one receiver. */
export type DeliveryRow = {
  readonly vantage: string;
  readonly endpoint: string;
  readonly accepted: number;
  readonly waiting: number;
  /** Given up, refused or thrown away by the receiver. */
  readonly lost: number;
  readonly oldestWaitingAt?: EpochMs;
  readonly problem?: string;
};

/**
 * The target list that is in use. `problem` is why a newer one is not; `found` is what it finds besides its own targets; `standsOn`
 * is what its targets say by `inside:`, whoever probes them.
 */
export type ListState = {
  readonly hash: string;
  readonly loadedAt: EpochMs;
  readonly problem?: string;
  readonly found?: readonly FoundRow[];
  readonly standsOn?: readonly StandsOn[];
};

/** What a block of `discover` has found. `problem` is why that may be out of date. */
export type FoundRow = { readonly source: string; readonly targets: number; readonly problem?: string };
