import type { Packed } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Counts } from '../delivery/deliver.ts';
import { push } from '../delivery/push.ts';
import type { Check, EpochMs } from '../kernel/check.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Moment } from '../net/marks.ts';
import { type Checked, checker as makeChecker } from '../run/checker.ts';
import { cpuShare } from '../run/cpu-share.ts';
import { due } from '../run/due.ts';
import { heartbeats } from '../run/list-series.ts';
import { pace as makePace } from '../run/pace.ts';
import { ofShard, shardText } from '../run/shard.ts';
import { sweep } from '../run/sweep.ts';
import { warmUp } from '../run/warm-up.ts';
import { type ProbeEvent, readEvent } from './event.ts';

/** What is said while probing; the messages hold no secrets. */
export type Say = (line: { readonly level: 'warn' | 'error'; readonly msg: string }) => void;

/** What a probe door is made of. `packed` is the list, `vantage` the name of where this runs. */
export type ProbeDoorParts = {
  readonly packed: Packed;
  readonly vantage: string;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: () => Moment;
  readonly log: Say;
  readonly now?: () => EpochMs;
};

/** The part of Lambda's context that is needed. */
export type InvocationContext = { readonly getRemainingTimeInMillis: () => number; readonly awsRequestId: string };

/** Why an invocation probed nothing. */
export type NotRun = 'late' | 'early' | 'duplicate' | 'no time';

/** What came of an invocation, for whoever called it by hand. Small, without secrets. `ms` is what it took. */
export type Summary = {
  readonly vantage: string;
  readonly shard: string;
  readonly slot: string;
  readonly assigned: number;
  readonly started: number;
  readonly good: number;
  readonly failed: number;
  readonly void: number;
  readonly samples: number;
  readonly delivered: number;
  readonly undelivered: number;
  readonly doubtful: number;
  readonly coldStart: boolean;
  readonly ms: number;
  readonly skipped?: NotRun;
};

/** One execution environment of the probe function. */
export type ProbeDoor = AsyncDisposable & {
  /**
   * Runs what is due in the event's window and delivers it before the invocation's time is over. Rejects only for an event of a
   * wrong shape; a target or receiver that is not there never makes it fail.
   */
  readonly handle: (event: unknown, context: InvocationContext) => Promise<Summary>;
};

/** Of the time left: what delivery gets at most, which part of it at least is left to probing, and what nobody gets. */
const budget = { deliveryMs: 10_000, deliveryPart: 5, spareMs: 200, leastMs: 1_000 };

/** Memory of a function that has a whole core. */
const wholeCoreMegabytes = 1_769;

/** Above this a run's times are not to be trusted, in seconds. */
const doubtful = 0.006;

/** Executions that are remembered. */
const remembered = 200;

/** Opens the door. Throws if the list has no such vantage; nothing is read or sent before the first event. */
export const probeDoor = (parts: ProbeDoorParts): ProbeDoor => {
  const { packed, probers, environment, clock, log, now = Date.now } = parts;
  const vantage = packed.vantages.find(({ name }) => name === parts.vantage);
  if (vantage === undefined) {
    const known = packed.vantages.map(({ name }) => name).join(', ');
    throw new Error(`the list has no vantage ${parts.vantage}; it has ${known}`);
  }
  const kit = makeKit({ environment, literals: packed.literals });
  const checker = makeChecker({ probers, kit, clock, now });
  const pace = makePace({ share: shareOf(environment) });
  const own = packed.checks.filter((check) => check.vantage.name === vantage.name);
  const endpoints = packed.endpoints.filter(({ from }) => from.includes(vantage.name));
  const seen = new Set<string>();
  const warm = new Set<Check>();
  let coldStart = true;

  const notRun = ({ slot, windowMs }: ProbeEvent, id: string, remaining: number): NotRun | undefined => {
    if (seen.has(id)) return 'duplicate';
    // What is older than its window is the business of a run that has been or will be; what it says would come too late.
    if (now() - slot > windowMs) return 'late';
    if (slot - now() > windowMs) return 'early';
    return remaining < budget.leastMs ? 'no time' : undefined;
  };

  const remember = (id: string) => {
    seen.add(id);
    const [oldest] = seen;
    if (seen.size > remembered && oldest !== undefined) seen.delete(oldest);
  };

  const handle: ProbeDoor['handle'] = async (value, context) => {
    const startedAt = performance.now();
    const remaining = context.getRemainingTimeInMillis();
    const read = readEvent(value);
    if (!read.ok) throw new Error(read.problem);
    const { event } = read;
    const id = event.id ?? context.awsRequestId;
    const cold = coldStart;
    coldStart = false;
    const skipped = notRun(event, id, remaining);
    const tally = { good: 0, failed: 0, void: 0, samples: 0, doubtful: 0 };
    const about = { vantage: vantage.name, shard: shardText(event.shard), slot: new Date(event.slot).toISOString() };
    const summary = (rest: Pick<Summary, 'assigned' | 'started' | 'delivered' | 'undelivered'>): Summary => ({
      ...about,
      ...rest,
      ...tally,
      coldStart: cold,
      ms: Math.round(performance.now() - startedAt),
      ...(skipped === undefined ? {} : { skipped }),
    });
    if (skipped !== undefined) {
      log({ level: 'warn', msg: `nothing probed: ${skipped}; slot ${about.slot}, shard ${about.shard}` });
      return summary({ assigned: 0, started: 0, delivered: 0, undelivered: 0 });
    }
    remember(id);
    const deliveryMs = Math.min(budget.deliveryMs, remaining / budget.deliveryPart);
    const leftMs = () => context.getRemainingTimeInMillis() - deliveryMs - budget.spareMs;
    const window = { from: event.slot, to: event.slot + event.windowMs };
    const checks = due(ofShard(own, event.shard), window).map(({ check }) => check);
    const cool = checks.filter((check) => !warm.has(check));
    await warmUp(cool, probers, kit);
    for (const check of cool) warm.add(check);
    await using ways = new AsyncDisposableStack();
    const deliveries = endpoints.map((endpoint) => ways.use(push(endpoint, vantage.name, kit)));
    const deliver = (samples: Checked['samples']) => {
      tally.samples += samples.length;
      for (const delivery of deliveries) delivery.add(samples);
    };
    const onChecked = ({ run, samples }: Checked) => {
      const { void: stopped, failures } = run.outcome;
      tally[stopped !== undefined ? 'void' : failures.length === 0 ? 'good' : 'failed'] += 1;
      if (run.doubt > doubtful) tally.doubtful += 1;
      deliver(samples);
    };
    const over = new AbortController();
    const end = setTimeout(() => over.abort(), Math.max(0, leftMs()));
    const mayStart = ({ module }: Check) => module.timeoutMs <= leftMs();
    const started = await sweep(checks, { checker, pace, signal: over.signal, onChecked, mayStart });
    clearTimeout(end);
    const finished = tally.good + tally.failed;
    const beat = heartbeats(vantage, about.shard, packed.externalLabels);
    const lagMs = Math.max(0, now() - event.slot);
    deliver(beat({ slot: event.slot, assigned: checks.length, finished, skipped: checks.length - finished, lagMs }));
    const limit = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - budget.spareMs));
    const counts = await Promise.all(deliveries.map((delivery) => delivery.flush(limit)));
    const undelivered = counts.reduce((sum, one) => sum + undeliveredOf(one), 0);
    for (const [index, one] of counts.entries()) {
      if (undeliveredOf(one) === 0) continue;
      const problem = one.lastProblem === undefined ? '' : `: ${one.lastProblem}`;
      log({
        level: 'error',
        msg: `${undeliveredOf(one)} samples not delivered to ${endpoints[index]?.name}${problem}`,
      });
    }
    if (started < checks.length)
      log({ level: 'warn', msg: `${checks.length - started} of ${checks.length} checks not started: no time left` });
    const delivered = counts.reduce((sum, { accepted }) => sum + accepted, 0);
    return summary({ assigned: checks.length, started, delivered, undelivered });
  };

  return { handle, [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose]() };
};

const undeliveredOf = ({ waiting, dropped, lost, rejected }: Counts): number =>
  waiting + dropped + [lost, rejected].flatMap((table) => Object.values(table)).reduce((sum, one) => sum + one, 0);

/** The function's share of a core by its memory, or the smaller one of its control group. */
const shareOf = (environment: ProbeDoorParts['environment']): number => {
  const megabytes = Number(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? Number.NaN);
  const share = megabytes > 0 ? megabytes / wholeCoreMegabytes : 1;
  return Math.max(0.01, Math.min(cpuShare(), share));
};
