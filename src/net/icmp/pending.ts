import type { ProbeOutcome, ProbeRequest, RttClock } from './engine.ts';

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
  /** Stops all timers; those still waiting are given back. */
  readonly close: () => readonly Pending[];
};

type Row = { readonly waiting: Pending[]; head: number; timer: NodeJS.Timeout | undefined };

/**
 * One queue for each length of time, since probes of one length are due in the order in which they were sent, and one timer a
 * queue. `look` is called before anything is given up, so that what has come in meanwhile counts: after a blocked loop the
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
    for (; row.head < row.waiting.length; row.head += 1) {
      const next = row.waiting[row.head];
      if (next === undefined || next.state !== 'waiting') continue;
      const left = next.sentAt + timeoutMs - now;
      if (left > 0) break;
      overdue(next);
    }
    if (row.head >= row.waiting.length) {
      rows.delete(timeoutMs);
      return;
    }
    if (row.head > 1_024) {
      row.waiting.splice(0, row.head);
      row.head = 0;
    }
    const next = row.waiting[row.head];
    if (next !== undefined) arm(timeoutMs, row, Math.max(1, next.sentAt + timeoutMs - now));
  };
  return {
    add: (pending) => {
      const { timeoutMs } = pending.request;
      let row = rows.get(timeoutMs);
      if (row === undefined) {
        row = { waiting: [], head: 0, timer: undefined };
        rows.set(timeoutMs, row);
      }
      row.waiting.push(pending);
      if (row.timer === undefined) arm(timeoutMs, row, timeoutMs);
    },
    close: () => {
      const left: Pending[] = [];
      for (const { timer, waiting, head } of rows.values()) {
        clearTimeout(timer);
        left.push(...waiting.slice(head).filter(({ state }) => state === 'waiting'));
      }
      rows.clear();
      return left;
    },
  };
};
