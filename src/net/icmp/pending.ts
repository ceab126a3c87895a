import type { ProbeOutcome, ProbeRequest, RttClock } from './engine.ts';
import type { Track } from './renewal.ts';

/** Whatever a probe was sent from. */
export type Home = {
  /** Ends a probe, unless it has its verdict. */
  readonly giveUp: (pending: Pending, outcome: ProbeOutcome) => void;
};

/** A probe from its sending until nothing more can come of it. */
export type Pending = {
  readonly request: ProbeRequest;
  /** The destination as the kernel wants it. */
  readonly to: Uint8Array;
  /** Bytes of a local address, if one was asked for. */
  readonly source: Uint8Array | undefined;
  /** What an answer must bring back, so that it cannot be guessed: 32 random bits each. */
  readonly tokenHigh: number;
  readonly tokenLow: number;
  /** What it was sent from, which can give it up. */
  home: Home | undefined;
  /** What is known of its target on the sockets of its kind. */
  track: Track | undefined;
  /** Its number on its socket, by which answers find it. */
  key: number;
  /** Its place in the order of sending on its socket. */
  packet: number;
  /** Monotonic milliseconds; 0 while it waits to be sent. */
  sentAt: number;
  /** Wall time right before it was sent, and when it left, in nanoseconds since the base; NaN if the kernel has not said. */
  sentWall: number;
  leftAt: number;
  state: 'waiting' | 'answered' | 'over';
  /** Its neighbours among those that wait as long; kept by {@link deadlines}. */
  before: Pending | undefined;
  after: Pending | undefined;
  /** Gives the verdict; nothing more once it is given, so that who waited for it is not kept. */
  settle: (outcome: ProbeOutcome) => void;
};

/**
 * Notes when a probe is sent, by both clocks (`wall` gives nanoseconds since the base). The monotonic one is read first: a process
 * that is held up between the two has then waited longer than its stamps say, never shorter, which would look like a clock set.
 */
export const noteSending = (pending: Pending, wall: () => number): void => {
  pending.sentAt = performance.now();
  pending.sentWall = wall();
};

/** A round trip in nanoseconds, and whose clock measured it. `isStepped` when the stamps disagreed with the monotonic clock. */
export type RoundTrip = { readonly ns: number; readonly clock: RttClock; readonly isStepped: boolean };

const toleranceNs = 1e6;

/**
 * The round trip of a probe whose answer came at `stamp` (wall time, NaN if unknown) and was read at `readAt` (monotonic milliseconds).
 * The kernel's stamps are taken unless they contradict the monotonic clock: a negative time, or one longer than we waited.
 */
export const roundTrip = (pending: Pending, stamp: number, readAt: number): RoundTrip => {
  const waited = (readAt - pending.sentAt) * 1e6;
  const start = Number.isNaN(pending.leftAt) ? pending.sentWall : pending.leftAt;
  if (Number.isNaN(stamp)) return { ns: waited, clock: 'monotonic', isStepped: false };
  const ns = stamp - start;
  if (ns < 0 || ns > waited + toleranceNs) return { ns: waited, clock: 'monotonic', isStepped: true };
  return { ns, clock: Number.isNaN(pending.leftAt) ? 'mixed' : 'kernel', isStepped: false };
};

/** Tells when probes are overdue. */
export type Deadlines = {
  readonly add: (pending: Pending) => void;
  /** Lets go of a probe that has its verdict; nothing of it is kept. */
  readonly remove: (pending: Pending) => void;
  /** Stops all timers; those still waiting are given back. */
  readonly close: () => readonly Pending[];
};

type Row = { first: Pending | undefined; last: Pending | undefined; timer: NodeJS.Timeout | undefined };

/**
 * One list for each length of time, since probes of one length are due in the order in which they were sent, and one timer a
 * list. `look` is called before anything is given up, so that what has come in meanwhile counts: after a blocked loop the
 * timers run first.
 */
export const deadlines = (look: () => void, overdue: (pending: Pending) => void): Deadlines => {
  const rows = new Map<number, Row>();
  const arm = (timeoutMs: number, row: Row, delay: number) => {
    row.timer = setTimeout(expire, delay, timeoutMs, row);
  };
  const expire = (timeoutMs: number, row: Row) => {
    row.timer = undefined;
    look();
    const now = performance.now();
    let next = row.first;
    while (next !== undefined && next.sentAt + timeoutMs <= now) {
      remove(next);
      overdue(next);
      next = row.first;
    }
    if (next !== undefined) arm(timeoutMs, row, Math.max(1, next.sentAt + timeoutMs - now));
  };
  const remove: Deadlines['remove'] = (pending) => {
    const { timeoutMs } = pending.request;
    const row = rows.get(timeoutMs);
    const { before, after } = pending;
    if (row === undefined || (before === undefined && row.first !== pending)) return;
    if (before === undefined) row.first = after;
    else before.after = after;
    if (after === undefined) row.last = before;
    else after.before = before;
    pending.before = undefined;
    pending.after = undefined;
  };
  return {
    add: (pending) => {
      const { timeoutMs } = pending.request;
      let row = rows.get(timeoutMs);
      if (row === undefined) {
        if (rows.size >= mostRows) forgetEmpty(rows);
        row = { first: undefined, last: undefined, timer: undefined };
        rows.set(timeoutMs, row);
      }
      pending.before = row.last;
      if (row.last === undefined) row.first = pending;
      else row.last.after = pending;
      row.last = pending;
      // A timer of earlier probes may come too early for this one; it is then set again.
      if (row.timer === undefined) arm(timeoutMs, row, timeoutMs);
      else row.timer.ref();
    },
    remove: (pending) => {
      remove(pending);
      // The timer stays for the next probe, and holds no process that has nothing to wait for.
      const row = rows.get(pending.request.timeoutMs);
      if (row?.first === undefined) row?.timer?.unref();
    },
    close: () => {
      const left: Pending[] = [];
      for (const { timer, first } of rows.values()) {
        clearTimeout(timer);
        for (let next = first; next !== undefined; next = next.after) left.push(next);
      }
      rows.clear();
      return left;
    },
  };
};

/** Lengths of time that are kept while no probe waits for them. */
const mostRows = 64;

const forgetEmpty = (rows: Map<number, Row>): void => {
  for (const [timeoutMs, { first, timer }] of rows) {
    if (first !== undefined) continue;
    clearTimeout(timer);
    rows.delete(timeoutMs);
  }
};
