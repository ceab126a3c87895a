import type { Seconds } from '../kernel/check.ts';
import type { Reason } from '../kernel/reason.ts';
import type { Outcome } from '../kernel/run.ts';

/**
 * Why a run that met its limit is void. `starved`: the process was kept from running by others. `flooded`: by others too, but
 * the target had a part in it.
 */
export type Late = 'starved' | 'flooded';

/** The part of its time limit by which a run that met the limit may have been late, and still counts. */
const mostLate = 0.5;

/** Bytes that a process reads in a second and still has time for others. */
const easyBytes = 50e6;
/** Bytes a second of the limit that no target sends unless it floods, or sends a large body. */
const manyBytes = 1e6;

/**
 * Whether a run that met its limit says nothing about its target, because the process was late by more than half of the limit
 * and others were the cause: busy neighbours, a CPU quota, other checks. What the run itself read is the target's doing: of the
 * time that the process was late, the run's share of all that was read meanwhile, as far as so many bytes take time at all.
 * `late` are seconds, as the marks of the run show them.
 */
export const lateness = (
  late: Seconds,
  limitMs: number,
  { own, all }: { readonly own: number; readonly all: number },
): Late | undefined => {
  const limit = limitMs / 1_000;
  const share = all === 0 ? 0 : own / all;
  const byTarget = Math.min(late * share, own / easyBytes);
  if (late - byTarget <= limit * mostLate) return undefined;
  return own > limit * manyBytes ? 'flooded' : 'starved';
};

/** What an answer shows before all of it is there: a verdict that time does not change. */
const shown: ReadonlySet<Reason> = new Set<Reason>([
  'http_status',
  'http_version',
  'ssl_unexpected',
  'ssl_missing',
  'header_mismatch',
  'headers_too_large',
  'body_too_large',
  'dns_rcode',
]);

/** Whether a run failed for a reason that stands, however late the process was. */
export const hasShown = ({ failures }: Outcome): boolean => failures.some(({ reason }) => shown.has(reason));
