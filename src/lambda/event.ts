import type { EpochMs } from '../kernel/check.ts';
import type { Shard } from '../run/shard.ts';

/** What a schedule asks for: the checks of a shard that are due in the window that begins at the slot. `id` is unique per execution, `attempt` counts from 1. */
export type ProbeEvent = {
  readonly shard: Shard;
  readonly slot: EpochMs;
  readonly windowMs: number;
  readonly id: string | undefined;
  readonly attempt: number;
};

/** An event, or what is wrong with it. */
export type ReadEvent =
  | { readonly ok: true; readonly event: ProbeEvent }
  | { readonly ok: false; readonly problem: string };

/** As many as a stack may have resources: nobody has more schedules, and sharing a list out takes its time for each. */
const mostShards = 500;
const longestWindow = 86_400;

/**
 * Reads `{ shard, of, slot, window?, id?, attempt? }`: whole numbers, also as text, since EventBridge Scheduler sends text; the slot as an
 * ISO time or Unix seconds; the window in seconds, 60 unless given. Other keys are left alone.
 */
export const readEvent = (value: unknown): ReadEvent => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return bad('the event is no object; send {"shard":0,"of":1,"slot":"2026-11-23T09:00:00Z"}');
  const given = new Map<string, unknown>(Object.entries(value));
  const of = whole(given.get('of') ?? 1);
  if (of === undefined || of < 1 || of > mostShards) return bad(`of: write a whole number from 1 to ${mostShards}`);
  const index = whole(given.get('shard') ?? 0);
  if (index === undefined || index < 0 || index >= of) return bad(`shard: write a whole number from 0 to ${of - 1}`);
  const slot = timeOf(given.get('slot'));
  if (slot === undefined) return bad('slot: write a time such as "2026-11-23T09:00:00Z", or Unix seconds');
  const window = whole(given.get('window') ?? 60);
  if (window === undefined || window < 1 || window > longestWindow)
    return bad(`window: write seconds, a whole number from 1 to ${longestWindow}`);
  const id = given.get('id');
  if (id !== undefined && typeof id !== 'string') return bad('id: write text');
  // For the record alone, so one that makes no sense is not worth a refusal.
  const attempt = whole(given.get('attempt')) ?? 1;
  return { ok: true, event: { shard: { index, of }, slot, windowMs: window * 1_000, id, attempt } };
};

const bad = (problem: string): ReadEvent => ({ ok: false, problem });

const whole = (value: unknown): number | undefined => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
};

/** Years 2001 to 2286: seconds that somebody took for milliseconds, or the other way round, are none of them. */
const plausible = { from: 1e9, to: 1e10 };

const timeOf = (value: unknown): EpochMs | undefined => {
  const seconds = whole(value);
  if (seconds !== undefined) return seconds >= plausible.from && seconds < plausible.to ? seconds * 1_000 : undefined;
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
};
