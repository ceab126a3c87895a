import { functionTime } from '../config/function-time.ts';
import type { Packed } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import { push } from '../delivery/push.ts';
import type { Check, EpochMs } from '../kernel/check.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Moment } from '../net/marks.ts';
import type { Resolver } from '../net/resolve.ts';
import { type Checked, checker as makeChecker } from '../run/checker.ts';
import { due } from '../run/due.ts';
import { catchEscapes } from '../run/escapes.ts';
import { heartbeatPoints, shardSamples } from '../run/list-series.ts';
import { pace as makePace } from '../run/pace.ts';
import { shardText } from '../run/shard.ts';
import { sweep } from '../run/sweep.ts';
import { warmUp } from '../run/warm-up.ts';
import { clusterPoints } from './cluster-metrics.ts';
import { type ProbeEvent, readEvent } from './event.ts';
import { functionShare } from './function-share.ts';
import { type InvocationTime, invocationTime } from './invocation-time.ts';
import { sayLeftOut, tooLongSayer, undeliveredOf } from './left-out.ts';
import { listAtHand } from './list-at-hand.ts';
import { ownFirst } from './own-first.ts';
import { runPoints } from './run-metrics.ts';
import type { Say } from './say.ts';
import { tally as makeTally, type RunTally, type Tally } from './tally.ts';

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
  /** Names to addresses; as the system has them unless given. */
  readonly resolver?: Resolver;
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

/** What an invocation brings along. `leftMs` is the time to its deadline. */
type AtHand = { readonly leftMs: () => number; readonly cold: boolean; readonly tally: RunTally };
/** What came of one. */
type Done = Pick<Summary, 'assigned' | 'started' | 'delivered' | 'undelivered'>;

/** Executions that are remembered. */
const remembered = 200;

/** Opens the door. Throws if the list has no such vantage; nothing is read or sent before the first event. */
export const probeDoor = (parts: ProbeDoorParts): ProbeDoor => {
  const { probers, environment, clock, log, now = Date.now } = parts;
  const literals = new Map(parts.packed.literals);
  const { resolver, packedFiles = '' } = parts;
  const kit = makeKit({ environment, literals, packedFiles, ...(resolver === undefined ? {} : { resolver }) });
  const checker = makeChecker({ probers, kit, clock, now });
  const cpuShare = functionShare(environment);
  const pace = makePace({ share: cpuShare });
  const seen = new Set<string>();
  const warm = new Set<Check>();
  const sayTooLong = tooLongSayer(log);
  const list = listAtHand({
    ...{ deployed: parts.packed, vantage: parts.vantage, literals, probers, environment, aws: kit.aws, log, now },
    onGone: (check) => {
      checker.forget(check, now());
      warm.delete(check);
    },
  });
  let coldStart = true;
  let previousTimeUsed: number | undefined;

  const notRun = ({ slot, windowMs }: ProbeEvent, id: string, remaining: number): NotRun | undefined => {
    if (seen.has(id)) return 'duplicate';
    // What is older than its window is the business of a run that has been or will be; what it says would come too late.
    if (now() - slot > windowMs) return 'late';
    if (slot - now() > windowMs) return 'early';
    return remaining < functionTime.leastMs ? 'no time' : undefined;
  };

  const remember = (id: string) => {
    seen.add(id);
    const [oldest] = seen;
    if (seen.size > remembered && oldest !== undefined) seen.delete(oldest);
  };

  const dueAt = ({ shard, slot, windowMs }: ProbeEvent): readonly Check[] =>
    ownFirst(due(list.use().ofShard(shard), { from: slot, to: slot + windowMs }).map(({ check }) => check));

  const warmUpOnce = async (checks: readonly Check[]) => {
    const cool = checks.filter((check) => !warm.has(check));
    await warmUp(cool, probers, kit);
    for (const check of cool) warm.add(check);
  };

  /** Runs the checks while there is time; resolves with how many were started. */
  const probe = async (checks: readonly Check[], time: InvocationTime, onChecked: (checked: Checked) => void) => {
    const mayStart = ({ module }: Check) => module.timeoutMs <= time.probingMs();
    sayTooLong(checks.filter((check) => !mayStart(check)));
    const over = new AbortController();
    const end = setTimeout(() => over.abort(), Math.max(0, time.probingMs()));
    const started = await sweep(checks, { checker, pace, signal: over.signal, onChecked, mayStart });
    clearTimeout(end);
    return started;
  };

  /** Probes what is due, delivers it, and says what was left out. */
  const probeDue = async (event: ProbeEvent, { leftMs, cold, tally }: AtHand): Promise<Done> => {
    const time = invocationTime(leftMs);
    const { listPoints, clusters } = await list.look();
    const { vantage, endpoints, packed } = list.use();
    const checks = dueAt(event);
    await warmUpOnce(checks);
    await using ways = new AsyncDisposableStack();
    const deliveries = endpoints.map((endpoint) => ways.use(push(endpoint, vantage.name, kit)));
    const deliver = (samples: Checked['samples']) => {
      tally.said(samples.length);
      for (const delivery of deliveries) delivery.add(samples);
    };
    // Of the run, not of its slot: an execution that comes twice then says two things at two times.
    const beganAt = now();
    const started = await probe(checks, time, ({ run, samples }) => {
      tally.ended(run);
      deliver(samples);
    });
    const shard = shardText(event.shard);
    const lagMs = Math.max(0, beganAt - event.slot);
    const { attempt } = event;
    const points = [
      ...heartbeatPoints(shard, { slot: event.slot, assigned: checks.length, ...tally.ends(checks.length), lagMs }),
      ...runPoints({
        ...{ shard, attempt, coldStart: cold, timeUsed: time.usedRatio(), previousTimeUsed, cpuShare },
        ...{ doubtful: tally.counts().doubtful, escaped: tally.counts().escaped, doubt: tally.doubt() },
      }),
      ...listPoints,
      ...clusterPoints(shard, clusters, beganAt),
    ];
    deliver(shardSamples(vantage, shard, packed.externalLabels)(points, beganAt));
    const limit = AbortSignal.timeout(Math.max(0, time.deliveryMs()));
    const counts = await Promise.all(deliveries.map((delivery) => delivery.flush(limit)));
    sayLeftOut({ checks: checks.length, started, counts, endpoints }, log);
    previousTimeUsed = time.usedRatio();
    return {
      assigned: checks.length,
      started,
      delivered: counts.reduce((sum, { accepted }) => sum + accepted, 0),
      undelivered: counts.reduce((sum, one) => sum + undeliveredOf(one), 0),
    };
  };

  const handle: ProbeDoor['handle'] = async (value, context) => {
    const startedAt = performance.now();
    const leftMs = () => context.getRemainingTimeInMillis();
    const read = readEvent(value);
    if (!read.ok) throw new Error(read.problem);
    const { event } = read;
    const id = event.id ?? context.awsRequestId;
    const cold = coldStart;
    coldStart = false;
    const tally = makeTally();
    const shard = shardText(event.shard);
    const slot = new Date(event.slot).toISOString();
    const summary = (done: Done, skipped?: NotRun): Summary => ({
      vantage: parts.vantage,
      shard,
      slot,
      list: list.use().packed.hash,
      ...done,
      ...tally.counts(),
      coldStart: cold,
      ms: Math.round(performance.now() - startedAt),
      ...(skipped === undefined ? {} : { skipped }),
    });
    const skipped = notRun(event, id, leftMs());
    if (skipped !== undefined) {
      // What comes twice was probed the first time.
      const unprobed = skipped === 'duplicate' ? {} : { unprobed: dueAt(event).length };
      log({ level: 'warn', msg: `nothing probed: ${skipped}; slot ${slot}, shard ${shard}`, ...unprobed });
      return summary({ assigned: 0, started: 0, delivered: 0, undelivered: 0 }, skipped);
    }
    remember(id);
    // What a check does to itself ends that check; the others of the minute are probed and delivered.
    using _escapes = catchEscapes({
      survives: () => true,
      onEscaped: ({ check, what }) => {
        tally.escaped();
        const name = check === undefined ? '' : `${check.target.name} (${check.instance}): `;
        log({ level: 'error', msg: `${name}an error escaped: ${what}; please report it` });
      },
    });
    return summary(await probeDue(event, { leftMs, cold, tally }));
  };

  return { handle, [Symbol.asyncDispose]: () => kit[Symbol.asyncDispose]() };
};
