import type { Seconds } from '../kernel/check.ts';
import { printable } from '../kernel/printable.ts';
import type { Phase } from '../kernel/reason.ts';
import type { TraceEvent } from '../kernel/run.ts';
import type { Moment } from '../net/marks.ts';

/** What one run notes: its marks, its trace, its doubt, and the phase it stands in. Nothing is added once it is closed. */
export type Recorder = {
  /** With `isStamped` the moment measures nothing and raises no doubt. */
  readonly mark: (what: string, isStamped?: boolean) => Seconds;
  readonly trace: (what: string, data?: TraceEvent['data']) => void;
  readonly doubt: () => Seconds;
  /** How late the process may have been at all of its marks together, in seconds. */
  readonly late: () => Seconds;
  readonly phase: () => Phase;
  readonly close: () => readonly TraceEvent[];
};

/** Where a probe stands after a mark of this name. Other marks change nothing. */
const standing: Readonly<Record<string, Phase>> = {
  resolving: 'resolve',
  resolved: 'connect',
  connected: 'request',
  secured: 'request',
  requested: 'processing',
  answered: 'transfer',
  transferred: 'check',
};

const traceLimit = { events: 200, text: 300 };

/**
 * Starts the record of a run now. Bounded: 200 events, 300 characters a value; what is beyond is cut and says so. Control characters
 * are made visible, since peers' words are among the values.
 * Times are seconds since the start. Doubt is how late the process may have been at the worst of its marks, in seconds:
 * the busy streak of the mark, or the time since the mark before if that is shorter.
 */
export const recorder = (clock: () => Moment): Recorder => {
  const start = clock().at;
  const events: TraceEvent[] = [];
  let closed = false;
  let doubt = 0;
  let late = 0;
  let phase: Phase = 'setup';
  let before = start;
  const add = (event: TraceEvent) => {
    if (closed || events.length > traceLimit.events) return;
    events.push(events.length < traceLimit.events ? event : { at: event.at, what: 'more happened than is kept' });
  };
  const mark = (what: string, isStamped = false) => {
    const { at, streak } = clock();
    // What is marked was waited for since the mark before, so it cannot have been noticed later than that.
    const lateNow = Math.min(streak, at - before);
    before = at;
    if (!closed) {
      if (!isStamped) doubt = Math.max(doubt, lateNow);
      late += lateNow;
    }
    phase = standing[what] ?? phase;
    add({ at: at - start, what });
    return at - start;
  };
  // A line of the record is no measurement, so it takes the plain time, which is cheaper than a moment.
  const trace = (what: string, data?: TraceEvent['data']) => {
    const at = performance.now() / 1_000 - start;
    add(data === undefined ? { at, what: shorten(what) } : { at, what: shorten(what), data: shortened(data) });
  };
  const close = () => {
    closed = true;
    return events;
  };
  return { mark, trace, doubt: () => doubt, late: () => late, phase: () => phase, close };
};

const shorten = (text: string) => {
  const cut = text.length > traceLimit.text ? `${text.slice(0, traceLimit.text)}…` : text;
  return printable(cut);
};

const shortened = (data: NonNullable<TraceEvent['data']>) => {
  for (const name in data) {
    const value = data[name];
    if (typeof value === 'string' && shorten(value) !== value)
      return Object.fromEntries(
        Object.entries(data).map(([key, it]) => [key, typeof it === 'string' ? shorten(it) : it]),
      );
  }
  return data;
};
