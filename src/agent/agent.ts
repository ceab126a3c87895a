import type { BlockState } from '../discover/discovery.ts';
import type { Check } from '../kernel/check.ts';
import { collectGarbage } from '../kernel/garbage.ts';
import type { Point } from '../kernel/metric.ts';
import type { Due } from '../kernel/run.ts';
import type { Sample } from '../kernel/sample.ts';
import { version } from '../kernel/version.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { openEngine } from '../net/icmp/open-engine.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Moment } from '../net/marks.ts';
import { proxyProblem } from '../net/proxy.ts';
import type { FoundRow, Status } from '../page/status.ts';
import { exposition } from '../protocol/exposition.ts';
import { type Board, board as makeBoard } from '../receiver/board.ts';
import { checker as makeChecker } from '../run/checker.ts';
import { cpuShare } from '../run/cpu-share.ts';
import { reportEscaped } from '../run/escapes.ts';
import { heartbeats } from '../run/list-series.ts';
import { kindOf, pace as makePace } from '../run/pace.ts';
import { services } from '../run/services.ts';
import { type Shard, shardText } from '../run/shard.ts';
import { warmUp } from '../run/warm-up.ts';
import { deliveries as makeDeliveries, undeliveredSince } from './deliveries.ts';
import { deliveryRemarks } from './delivery-remarks.ts';
import { discoveryPoints } from './discovery-metrics.ts';
import { enginePoints } from './engine-metrics.ts';
import type { EscapedCounts } from './escape-watch.ts';
import { foundInUse } from './found-in-use.ts';
import { type Change, type ListInUse, listInUse } from './list-in-use.ts';
import { type ListSource, readList } from './list-keeper.ts';
import type { Log } from './log.ts';
import { publisher } from './publisher.ts';
import { remoteLists } from './remote-lists.ts';
import { scheduler as makeScheduler } from './scheduler.ts';
import { endedSamples, selfLabels, selfMetrics, selfPoints, selfSamples, sum } from './self-metrics.ts';
import { shortQueues } from './short-queues.ts';
import { tally as makeTally } from './tally.ts';

/** What an agent is started with. */
export type AgentOptions = {
  readonly source: ListSource;
  readonly shard: Shard;
  readonly clock: () => Moment;
  readonly log: Log;
  /** Takes the samples as well; for a demo that looks at several agents at once. */
  readonly board?: Board;
  /** Points of the door, which are exported with the agent's own. */
  readonly doorPoints?: () => readonly Point[];
  /** Errors that escaped in this process so far; none unless given. */
  readonly escaped?: () => EscapedCounts;
};

/** How an agent ended: samples that waited or came at its end and were not delivered. */
export type Stopped = { readonly undelivered: number };

/** The door of the inside: probes for as long as it lives. */
export type Agent = {
  readonly vantage: string;
  readonly checks: () => number;
  readonly status: () => Status;
  /** Its own metrics in Prometheus's text format. */
  readonly metrics: () => string;
  /** Sees whether the list has changed. A bad one changes nothing; then it says what is wrong. */
  readonly look: () => Promise<readonly string[]>;
  /** The same, and asks for lists elsewhere however short ago that was. */
  readonly reload: () => Promise<readonly string[]>;
  /** Ends what runs, says stale markers for everything, delivers for at most so long, and closes. */
  readonly stop: (deliveryMs: number) => Promise<Stopped>;
};

/** An agent that runs, or what is wrong with its list; `away` if that may mend by itself, as a list elsewhere that cannot be had. */
export type Started =
  | { readonly ok: true; readonly agent: Agent; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[]; readonly away: boolean };

/** How often an agent says that it is there, in milliseconds. */
const heartbeatMs = 15_000;
/** How long a new list waits for receivers to take the ends of many series, in milliseconds. */
const endsMs = 5_000;
/** How often the log is told how receivers are doing, in milliseconds. */
const lookMs = 5_000;

const noErrors: EscapedCounts = { check: 0, process: 0 };

/** Reads the list and starts probing. */
export const startAgent = async (options: AgentOptions): Promise<Started> => {
  const { shard, clock, log, board = makeBoard(), doorPoints = () => [], escaped = () => noErrors } = options;
  const startedAt = Date.now();
  const stopping = new AbortController();
  const literals = new Map<string, string>();
  let recent: ReadonlySet<string> = new Set();
  const kit = makeKit({
    environment: options.source.environment,
    literals,
    engine: openEngine,
    askForCredentials: askAwsCommandLine,
  });
  const remote = kit.own('remote lists', () => remoteLists(kit, options.source.environment));
  const source = { ...options.source, remote };
  const first = await readList(source, undefined, Date.now());
  if (first.kind !== 'new') {
    await kit[Symbol.asyncDispose]();
    return first.kind === 'bad' ? { ...first, ok: false } : { ok: false, problems: [], away: false };
  }
  const { vantage } = first.list;
  const deliveries = makeDeliveries(vantage.name, kit, log);
  const checker = makeChecker({
    probers: source.probers,
    kit,
    clock,
    mayReach: (reach, ip) => found.mayReach(reach, ip),
  });
  const pace = makePace({ share: cpuShare() });
  const tally = makeTally(log);

  const deliver = (samples: readonly Sample[]) => {
    deliveries.add(samples);
    board.observeOwn(samples);
  };
  /** Says the end of all series of checks, which are many at once. */
  const sayEnds = async (checks: readonly Check[], limit: AbortSignal) => {
    const ends = checks.flatMap((check) => checker.forget(check, Date.now()));
    board.observeOwn(ends);
    await deliveries.addAll(ends, limit);
  };

  /** What is in the list now: what left it while it waited for its turn is not run. */
  const current = new Set<Check>();
  const runOne = async ({ check, at }: Due, began: () => void) => {
    const wanted = () => current.has(check);
    if (!wanted()) return;
    tally.assigned();
    if (!(await pace.turn(kindOf(check), stopping.signal, wanted))) return;
    began();
    tally.began(check, Date.now() - at);
    const { run, samples } = await checker.run(check, stopping.signal);
    pace.ended(kindOf(check));
    tally.ended(run);
    deliver(samples);
  };
  const onFailed = ({ check }: Due, thrown: unknown) => reportEscaped(check, thrown);
  const scheduler = makeScheduler({ run: runOne, onFailed, onSkipped: tally.skipped });

  const tellShortQueues = shortQueues(log);
  let sayBeat = heartbeats(vantage, shardText(shard), first.list.externalLabels);
  const use = async ({ list, checks, fresh, gone }: Change) => {
    if (list.discovering?.discover?.publish === undefined) outside.nothing();
    // What still runs, and what is delivered to endpoints that leave, needs those of the list before.
    for (const reference of [...literals.keys()]) if (!recent.has(reference)) literals.delete(reference);
    recent = new Set(list.literals.keys());
    for (const [reference, text] of list.literals) literals.set(reference, text);
    await warmUp(fresh, source.probers, kit);
    const missing = kit.openedEngine()?.capabilities.why ?? '';
    if (missing !== '' && fresh.some(({ module }) => source.probers[module.prober]?.needs.includes('icmp')))
      log('warn', `pings and paths may fail: ${missing}`);
    collectGarbage();
    sayBeat = heartbeats(vantage, shardText(shard), list.externalLabels);
    for (const check of gone) current.delete(check);
    // What ends is said on the old ways, before they may close.
    await sayEnds(gone, AbortSignal.timeout(endsMs));
    for (const check of gone) {
      tally.forget(check);
      board.forget(check);
    }
    deliveries.set(list.endpoints);
    tellShortQueues(checks, list.endpoints);
    for (const check of fresh) {
      current.add(check);
      board.expect(check);
    }
    if (!stopping.signal.aborted) scheduler.set(checks);
  };
  const { probers, environment } = source;
  const unusable = proxyProblem(environment);
  const outside = publisher({ aws: kit.aws, log, probers });
  const found = foundInUse({
    vantage: vantage.name,
    probers,
    environment,
    file: kit.file,
    log,
    // One agent of the shards speaks for all: each of them finds everything.
    tell: (news) => {
      if (shard.index === 0) outside.tell(news);
    },
    changed: () => void started.promise.then((all) => all.foundAnew()),
  });
  const started = Promise.withResolvers<ListInUse>();
  const expand = services(kit.resolver, (check, count) =>
    log('warn', `${check.target.name}: ${count} hosts of this service are left out, since there are more than may be`),
  );
  const inUse = await listInUse({ first: first.list, source, shard, log, expand, found, use });
  started.resolve(inUse);

  const points = () => {
    const { hash, loadedAt } = inUse.list();
    const list = { hash, loadedAt, ok: inUse.problem() === undefined };
    const checks = inUse.checks().length;
    const counts = { deliveries: deliveries.counts(), escaped: escaped(), ...tally.counts() };
    const self = selfPoints({ startedAt, checks, list, ...counts });
    const discovered = discoveryPoints(found.state(), outside.state());
    return [...self, ...enginePoints(kit.openedEngine()), ...discovered, ...doorPoints()];
  };
  let ofOurselves: readonly Sample[] = [];
  const remark = deliveryRemarks(vantage.name, log);
  const look = setInterval(() => remark(deliveries.counts()), lookMs);
  const heart = setInterval(() => {
    deliver(sayBeat(tally.beat()));
    const labels = selfLabels(vantage, shard, inUse.list().externalLabels);
    const compatible = selfSamples(tally.compatible(inUse.checks()), { ...labels, host: vantage.name }, Date.now());
    const before = ofOurselves;
    ofOurselves = [...selfSamples(points(), labels, Date.now()), ...compatible];
    deliver([...ofOurselves, ...endedSamples(before, ofOurselves, Date.now())]);
  }, heartbeatMs);

  const status = (): Status => {
    const { hash, loadedAt, standsOn } = inUse.list();
    const problem = inUse.problem();
    const foundRows = found.state().map(foundRow);
    return {
      version,
      title: `agent ${vantage.name}`,
      now: Date.now(),
      checks: board.rows(),
      deliveries: deliveries.counts().map((one) => deliveryRow(vantage.name, one)),
      list: { hash, loadedAt, standsOn, found: foundRows, ...(problem === undefined ? {} : { problem }) },
    };
  };
  const stop: Agent['stop'] = async (deliveryMs) => {
    clearInterval(heart);
    clearInterval(look);
    stopping.abort('stopped');
    scheduler[Symbol.dispose]();
    await found[Symbol.asyncDispose]();
    await outside[Symbol.asyncDispose]();
    await inUse.settled();
    const before = deliveries.counts();
    await scheduler.idle();
    const limit = AbortSignal.timeout(deliveryMs);
    await sayEnds(inUse.checks(), limit);
    deliver(endedSamples(ofOurselves, [], Date.now()));
    await deliveries.flush(limit);
    remark(deliveries.counts());
    const undelivered = undeliveredSince(before, deliveries.counts());
    await deliveries[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
    return { undelivered };
  };
  const reload = () => {
    remote.askAgain();
    return inUse.reload();
  };
  const metrics = () => {
    const compatible = tally.compatible(inUse.checks()).filter(({ metric }) => metric !== selfMetrics.memory);
    return exposition(selfSamples([...points(), ...compatible], {}, Date.now()));
  };
  return {
    ok: true,
    warnings: [...first.warnings, ...(unusable === undefined ? [] : [unusable])],
    agent: {
      vantage: vantage.name,
      checks: () => inUse.checks().length,
      metrics,
      status,
      look: inUse.reload,
      reload,
      stop,
    },
  };
};

/** What a block of `discover` has, as the page is told. */
const foundRow = ({ name, found, problem }: BlockState): FoundRow => ({
  source: name,
  targets: found,
  ...(problem === undefined ? {} : { problem }),
});

/** What became of samples, as the page is told. */
const deliveryRow = (
  vantage: string,
  { endpoint, counts }: ReturnType<ReturnType<typeof makeDeliveries>['counts']>[number],
): Status['deliveries'][number] => ({
  vantage,
  endpoint,
  accepted: counts.accepted,
  waiting: counts.waiting,
  lost: counts.dropped + sum(counts.rejected) + sum(counts.lost),
  ...(counts.oldestWaiting === undefined ? {} : { oldestWaitingAt: counts.oldestWaiting }),
  ...(counts.lastProblem === undefined || counts.waiting === 0 ? {} : { problem: counts.lastProblem }),
});
