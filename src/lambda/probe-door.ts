import type { Packed } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Counts } from '../delivery/deliver.ts';
import { push } from '../delivery/push.ts';
import type { Check, EpochMs } from '../kernel/check.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Moment } from '../net/marks.ts';
import { type Checked, checker as makeChecker } from '../run/checker.ts';
import { due } from '../run/due.ts';
import { heartbeatPoints, shardSamples } from '../run/list-series.ts';
import { listStatePoints } from '../run/list-state.ts';
import { pace as makePace } from '../run/pace.ts';
import { shardText } from '../run/shard.ts';
import { sweep } from '../run/sweep.ts';
import { warmUp } from '../run/warm-up.ts';
import { type ProbeEvent, readEvent } from './event.ts';
import { functionShare } from './function-share.ts';
import { newestLists, s3ObjectsOf } from './newest-list.ts';
import { runPoints } from './run-metrics.ts';
import { type Tally, tally as makeTally } from './tally.ts';
import { vantageInUse } from './vantage-in-use.ts';

/** What is said while probing; the messages hold no secrets. `undelivered` are samples, for the alarm that counts them. */
export type Say = (line: {
  readonly level: 'warn' | 'error';
  readonly msg: string;
  readonly undelivered?: number;
}) => void;

/** What a probe door is made of. `packed` is the list it was deployed with, `vantage` the name of where this runs. */
export type ProbeDoorParts = {
  readonly packed: Packed;
  readonly vantage: string;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder of the files that travel with the list. */
  readonly packedFiles?: string;
  readonly clock: () => Moment;
  readonly log: Say;
  readonly now?: () => EpochMs;
};

/** The part of Lambda's context that is needed. */
export type InvocationContext = { readonly getRemainingTimeInMillis: () => number; readonly awsRequestId: string };

/** Why an invocation probed nothing. */
export type NotRun = 'late' | 'early' | 'duplicate' | 'no time';

/** What came of an invocation, for whoever called it by hand. Small, without secrets. `list` is its hash, `ms` what it took. */
export type Summary = Tally & {
  readonly vantage: string;
  readonly shard: string;
  readonly slot: string;
  readonly list: string;
  readonly assigned: number;
  readonly started: number;
  readonly delivered: number;
  readonly undelivered: number;
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

/** Executions that are remembered. */
const remembered = 200;

/** Opens the door. Throws if the list has no such vantage; nothing is read or sent before the first event. */
export const probeDoor = (parts: ProbeDoorParts): ProbeDoor => {
  const { probers, environment, clock, log, now = Date.now } = parts;
  let use = vantageInUse(parts.packed, parts.vantage);
  const literals = new Map(parts.packed.literals);
  const kit = makeKit({ environment, literals, packedFiles: parts.packedFiles ?? '' });
  const lists = newestLists({
    deployed: parts.packed,
    vantage: parts.vantage,
    objects: s3ObjectsOf(environment.BOTHWAYS_LIST_S3, environment.BOTHWAYS_LIST_REGION),
    aws: kit.aws,
    now,
  });
  const checker = makeChecker({ probers, kit, clock, now });
  const cpuShare = functionShare(environment);
  const pace = makePace({ share: cpuShare });
  const seen = new Set<string>();
  const warm = new Set<Check>();
  let coldStart = true;
  let said: string | undefined;

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

  /** The newest list that is good. What is wrong with a newer one is said once. */
  const lookAtList = async () => {
    const list = await lists();
    const before = use;
    use = vantageInUse(list.packed, parts.vantage, before);
    if (use !== before) {
      literals.clear();
      for (const [reference, text] of use.packed.literals) literals.set(reference, text);
      const kept = new Set(use.checks);
      for (const check of before.checks) if (!kept.has(check)) checker.forget(check, now());
      for (const check of warm) if (!kept.has(check)) warm.delete(check);
    }
    if (list.problem !== undefined && list.problem !== said)
      log({ level: 'error', msg: `${list.problem}; list ${use.packed.hash} stays in use` });
    said = list.problem;
    return listStatePoints({ hash: use.packed.hash, loadedAt: list.loadedAt, ok: list.problem === undefined });
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
    const tally = makeTally();
    const shard = shardText(event.shard);
    const slot = new Date(event.slot).toISOString();
    const summary = (rest: Pick<Summary, 'assigned' | 'started' | 'delivered' | 'undelivered'>): Summary => ({
      vantage: parts.vantage,
      shard,
      slot,
      list: use.packed.hash,
      ...rest,
      ...tally.counts(),
      coldStart: cold,
      ms: Math.round(performance.now() - startedAt),
      ...(skipped === undefined ? {} : { skipped }),
    });
    if (skipped !== undefined) {
      log({ level: 'warn', msg: `nothing probed: ${skipped}; slot ${slot}, shard ${shard}` });
      return summary({ assigned: 0, started: 0, delivered: 0, undelivered: 0 });
    }
    remember(id);
    const listPoints = await lookAtList();
    const { vantage, endpoints, packed } = use;
    const deliveryMs = Math.min(budget.deliveryMs, remaining / budget.deliveryPart);
    const leftMs = () => context.getRemainingTimeInMillis() - deliveryMs - budget.spareMs;
    const window = { from: event.slot, to: event.slot + event.windowMs };
    const checks = due(use.ofShard(event.shard), window).map(({ check }) => check);
    const cool = checks.filter((check) => !warm.has(check));
    await warmUp(cool, probers, kit);
    for (const check of cool) warm.add(check);
    await using ways = new AsyncDisposableStack();
    const deliveries = endpoints.map((endpoint) => ways.use(push(endpoint, vantage.name, kit)));
    const deliver = (samples: Checked['samples']) => {
      tally.said(samples.length);
      for (const delivery of deliveries) delivery.add(samples);
    };
    const onChecked = ({ run, samples }: Checked) => {
      tally.ended(run);
      deliver(samples);
    };
    const over = new AbortController();
    const end = setTimeout(() => over.abort(), Math.max(0, leftMs()));
    const mayStart = ({ module }: Check) => module.timeoutMs <= leftMs();
    const lagMs = Math.max(0, now() - event.slot);
    const started = await sweep(checks, { checker, pace, signal: over.signal, onChecked, mayStart });
    clearTimeout(end);
    const { good, failed, doubtful } = tally.counts();
    const finished = good + failed;
    const timeUsed = (performance.now() - startedAt) / remaining;
    const facts = {
      shard,
      attempt: event.attempt,
      coldStart: cold,
      timeUsed,
      cpuShare,
      doubtful,
      doubt: tally.doubt(),
    };
    const beat = { slot: event.slot, assigned: checks.length, finished, skipped: checks.length - finished, lagMs };
    const about = [...heartbeatPoints(shard, beat), ...runPoints(facts), ...listPoints];
    deliver(shardSamples(vantage, packed.externalLabels)(about, event.slot));
    const limit = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - budget.spareMs));
    const counts = await Promise.all(deliveries.map((delivery) => delivery.flush(limit)));
    for (const [index, one] of counts.entries()) sayUndelivered(one, endpoints[index]?.name ?? '', log);
    if (started < checks.length)
      log({ level: 'warn', msg: `${checks.length - started} of ${checks.length} checks not started: no time left` });
    const delivered = counts.reduce((sum, { accepted }) => sum + accepted, 0);
    const undelivered = counts.reduce((sum, one) => sum + undeliveredOf(one), 0);
    return summary({ assigned: checks.length, started, delivered, undelivered });
  };

  return { handle, [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose]() };
};

const sayUndelivered = (counts: Counts, endpoint: string, log: Say): void => {
  const undelivered = undeliveredOf(counts);
  if (undelivered === 0) return;
  const problem = counts.lastProblem === undefined ? '' : `: ${counts.lastProblem}`;
  log({ level: 'error', msg: `${undelivered} samples not delivered to ${endpoint}${problem}`, undelivered });
};

const undeliveredOf = ({ waiting, dropped, lost, rejected }: Counts): number =>
  waiting + dropped + [lost, rejected].flatMap((table) => Object.values(table)).reduce((sum, one) => sum + one, 0);
