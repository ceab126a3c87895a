import { catchEscapes, type Escaped } from '../run/escapes.ts';
import type { Log } from './log.ts';
import { restartRule } from './restart-rule.ts';

/** Errors that escaped since the process started: from the runs of checks, and from no run. */
export type EscapedCounts = { readonly check: number; readonly process: number };

/** What an agent does about escaped errors; disposing gives them back to Node. */
export type EscapeWatch = Disposable & {
  readonly counts: () => EscapedCounts;
  /** Fires when the process is to be restarted in order. */
  readonly restart: AbortSignal;
  /** The agent has started: from now on it survives errors of no run. Before, one ends the process. */
  readonly started: () => void;
};

/** An error is logged again after so long, in milliseconds, and so many different ones are remembered. */
const quietMs = 600_000;
const mostRemembered = 256;

/** Counts and logs escaped errors, each with its check and without its message, and asks for a restart by the rule. */
export const escapeWatch = (log: Log, isRestartDue: (escaped: Escaped) => boolean = restartRule()): EscapeWatch => {
  const counts = { check: 0, process: 0 };
  const restart = new AbortController();
  const logged = new Map<string, number>();
  let hasStarted = false;
  const remark = (text: string) => {
    const now = performance.now();
    const before = logged.get(text);
    if (before !== undefined && now - before < quietMs) return;
    if (logged.size >= mostRemembered) logged.clear();
    logged.set(text, now);
    log('error', text);
  };
  const caught = catchEscapes({
    survives: () => hasStarted,
    onEscaped: (escaped) => {
      counts[escaped.check === undefined ? 'process' : 'check'] += 1;
      remark(escapedText(escaped));
      if (!isRestartDue(escaped) || restart.signal.aborted) return;
      log('error', 'too many errors escaped: the process ends in order, to be started again');
      restart.abort();
    },
  });
  return {
    counts: () => counts,
    restart: restart.signal,
    started: () => {
      hasStarted = true;
    },
    [Symbol.dispose]: () => caught[Symbol.dispose](),
  };
};

const escapedText = ({ check, what }: Escaped): string =>
  check === undefined
    ? `an error escaped: ${what}; please report it`
    : `${check.target.name} (${check.instance}): an error escaped: ${what}; its run ended as unexpected; please report it`;
