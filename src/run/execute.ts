import type * as z from 'zod';
import type { Check, EpochMs, Seconds } from '../kernel/check.ts';
import { type Failure, failure } from '../kernel/reason.ts';
import type { Outcome, Run } from '../kernel/run.ts';
import type { Moment } from '../net/marks.ts';
import type { Context, Kit, Prober } from '../net/prober.ts';
import { countReads } from '../net/reads.ts';
import { addressKind } from '../protocol/address-kind.ts';
import { addressBytes } from '../protocol/ip-address.ts';
import { describeThrown } from './describe-thrown.ts';
import { asRun, reportEscaped } from './escapes.ts';
import { type Hidden, hidden } from './hidden.ts';
import { hasShown, lateness } from './lateness.ts';
import { type Recorder, recorder } from './recorder.ts';

/** What a run needs besides its check, prober and kit. */
export type ExecuteOptions<M = unknown> = {
  /** The clock of the process, made once by `marks()`. */
  readonly clock: () => Moment;
  /** Fires when the process stops: running probes end at once and count as void. */
  readonly signal?: AbortSignal;
  /** Wall time. */
  readonly now?: () => EpochMs;
  /** What earlier runs of the check left behind. */
  readonly memory?: M | undefined;
};

/**
 * Runs a check once. Never rejects, and ends within the module's timeout plus 50 ms whatever the peer or the prober does:
 * the signal fires at the timeout, and a prober that has not settled {@link graceMs} later is left behind with reason `timeout`.
 * A prober that throws gives reason `unexpected`, and so does an error that escapes from a socket or timer of the run: it ends the
 * run at once, with everything closed. What a peer repeats of the run's secrets is masked in failures and trace. A run that
 * `options.signal` ended is void, and so is one that met its limit while the process was kept from running, by others, for more
 * than half of it; see {@link lateness}.
 */
export const execute = async <S extends z.ZodType, F extends object, M>(
  check: Check<z.output<S>>,
  prober: Prober<S, F, M>,
  kit: Kit,
  options: ExecuteOptions<M>,
): Promise<Run<F>> => {
  const startedAt = (options.now ?? Date.now)();
  const record = recorder(options.clock);
  const limit = limitedTo(check.module.timeoutMs, options.signal);
  const reads = countReads(limit.signal);
  const secrets = hidden(kitFor(check, kit), kit);
  const context = contextOf(secrets, limit.signal, record, options.memory);
  let escaped: Failure | undefined;
  const endBy = (what: string) => {
    // What escapes while the run is being ended from outside is no verdict on its target.
    if (limit.signal.reason === 'stopped') return;
    escaped ??= failure('unexpected', record.phase(), `an error escaped from the prober: ${what}`);
    limit.stop();
  };
  const probing = asRun({ check, end: endBy }, () => probe(prober, check, context.context, record));
  const outcome = secrets.outcome(await Promise.race([probing, limit.over.then(() => leftBehind<F>(check, record))]));
  limit.end();
  context.end();
  const took = record.mark('ended', outcome.stamped);
  const read = { own: reads.own(), all: reads.all() };
  reads.end();
  const run = { check, startedAt, took, doubt: record.doubt(), trace: record.close() };
  if (escaped !== undefined) return { ...run, outcome: { facts: outcome.facts, failures: [escaped] } };
  const stopped = limit.signal.aborted && limit.signal.reason === 'stopped';
  const late = limit.signal.aborted && !hasShown(outcome) && lateness(record.late(), check.module.timeoutMs, read);
  const ours = stopped ? 'stopped' : late;
  return { ...run, outcome: ours === undefined || ours === false ? outcome : { ...outcome, void: ours } };
};

/** A target that the list allows link-local addresses reaches those as well. */
const kitFor = ({ target }: Pick<Check, 'target'>, kit: Kit): Kit =>
  target.linkLocal === true ? { ...kit, mayDial: (ip) => kit.mayDial(ip) || isLinkLocal(ip) } : kit;

const isLinkLocal = (ip: string): boolean => {
  const bytes = addressBytes(ip);
  return bytes !== undefined && addressKind(bytes) === 'link_local';
};

/** How long a prober may take to close what it opened after its signal has fired. */
const graceMs = 35;

const probe = async <S extends z.ZodType, F extends object, M>(
  prober: Prober<S, F, M>,
  check: Check<z.output<S>>,
  context: Context<M>,
  record: Recorder,
): Promise<Outcome<F>> => {
  try {
    return await prober.probe(check.target.address, check.module.settings, context);
  } catch (error) {
    reportEscaped(check, error);
    return {
      facts: {},
      failures: [failure('unexpected', record.phase(), `the prober threw ${describeThrown(error)}`)],
    };
  }
};

const leftBehind = <F>(check: Check, record: Recorder): Outcome<F> => {
  const detail = `not finished after ${check.module.timeoutMs} ms, and the prober did not end when told to`;
  return { facts: {}, failures: [failure('timeout', record.phase(), detail)] };
};

type Limit = {
  readonly signal: AbortSignal;
  readonly over: Promise<void>;
  /** Fires the signal now. */
  readonly stop: () => void;
  readonly end: () => void;
};

const limitedTo = (timeoutMs: number, outer: AbortSignal | undefined): Limit => {
  const controller = new AbortController();
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let grace: NodeJS.Timeout | undefined;
  const abort = (reason: 'deadline' | 'stopped') => {
    if (controller.signal.aborted) return;
    // The grace begins when the signal has fired, not before: a process that was late itself still gives the prober its turn.
    grace = setTimeout(resolve, graceMs);
    controller.abort(reason);
  };
  const stop = () => abort('stopped');
  // A process that was kept from running finds its timers before what has come in meanwhile; that is looked at first.
  let lastLook: NodeJS.Immediate | undefined;
  const deadline = setTimeout(() => {
    lastLook = setImmediate(abort, 'deadline');
  }, timeoutMs);
  if (outer?.aborted === true) stop();
  else outer?.addEventListener('abort', stop, { once: true });
  const end = () => {
    clearTimeout(deadline);
    clearImmediate(lastLook);
    clearTimeout(grace);
    outer?.removeEventListener('abort', stop);
  };
  return { signal: controller.signal, over, stop, end };
};

const contextOf = <M>(
  { kit, hide, mask, traced }: Hidden,
  signal: AbortSignal,
  record: Recorder,
  memory: M | undefined,
) => {
  const waiting = new Set<() => void>();
  const sleep = (seconds: Seconds) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, seconds * 1_000);
      signal.addEventListener('abort', wake, { once: true });
      waiting.add(wake);
    });
  const context: Context<M> = {
    kit,
    signal,
    mark: record.mark,
    trace: traced(record.trace),
    sleep,
    memory,
    hide,
    mask,
  };
  const end = () => {
    for (const wake of waiting) wake();
  };
  return { context, end };
};
