import { collectGarbage } from '../kernel/garbage.ts';
import type { Due } from '../kernel/run.ts';
import { allLabels, type Sample } from '../kernel/sample.ts';
import { version } from '../kernel/version.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { openEngine } from '../net/icmp/open-engine.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Moment } from '../net/marks.ts';
import type { Status } from '../page/status.ts';
import { exposition } from '../protocol/exposition.ts';
import { type Board, board as makeBoard } from '../receiver/board.ts';
import { checker as makeChecker } from '../run/checker.ts';
import { cpuShare } from '../run/cpu-share.ts';
import { heartbeats } from '../run/list-series.ts';
import { kindOf, pace as makePace } from '../run/pace.ts';
import { services } from '../run/services.ts';
import { type Shard, shardText } from '../run/shard.ts';
import { warmUp } from '../run/warm-up.ts';
import { deliveries as makeDeliveries } from './deliveries.ts';
import { enginePoints } from './engine-metrics.ts';
import { discoveryPoints } from './discovery-metrics.ts';
import { foundInUse } from './found-in-use.ts';
import { type Change, type ListInUse, listInUse } from './list-in-use.ts';
import { type ListSource, readList } from './list-keeper.ts';
import type { Log } from './log.ts';
import { publisher } from './publisher.ts';
import { remoteLists } from './remote-lists.ts';
import { scheduler as makeScheduler } from './scheduler.ts';
import { selfLabels, selfMetrics, selfPoints, selfSamples, sum } from './self-metrics.ts';
import { tally as makeTally } from './tally.ts';

/** What an agent is started with. */
export type AgentOptions = {
  readonly source: ListSource;
  readonly shard: Shard;
  readonly clock: () => Moment;
  readonly log: Log;
  /** Takes the samples as well; for a demo that looks at several agents at once. */
  readonly board?: Board;
};

/** How an agent ended: samples that were not delivered. */
export type Stopped = { readonly undelivered: number };

/** The door of the inside: probes for as long as it lives. */
export type Agent = {
  readonly vantage: string;
  readonly checks: () => number;
  readonly status: () => Status;
  /** Its own metrics in Prometheus's text format. */
  readonly metrics: () => string;
  /** Reads the list anew. A bad one changes nothing; then it says what is wrong. */
  readonly reload: () => Promise<readonly string[]>;
  /** Ends what runs, says stale markers for everything, delivers for at most so long, and closes. */
  readonly stop: (deliveryMs: number) => Promise<Stopped>;
};

/** An agent that runs, or what is wrong with its list. */
export type Started =
  | { readonly ok: true; readonly agent: Agent; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** How often an agent says that it is there, in milliseconds. */
const heartbeatMs = 15_000;

/** Reads the list and starts probing. */
export const startAgent = async (options: AgentOptions): Promise<Started> => {
  const { shard, clock, log, board = makeBoard() } = options;
  const startedAt = Date.now();
  const stopping = new AbortController();
  const literals = new Map<string, string>();
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
    return { ok: false, problems: first.kind === 'bad' ? first.problems : [] };
  }
  const { vantage } = first.list;
  const deliveries = makeDeliveries(vantage.name, kit);
  const checker = makeChecker({ probers: source.probers, kit, clock });
  const pace = makePace({ share: cpuShare() });
  const tally = makeTally(log);

  const deliver = (samples: readonly Sample[]) => {
    deliveries.add(samples);
    board.observe(samples.map(({ series, at, value }) => ({ labels: allLabels(series), at, value })));
  };

  const runOne = async ({ check, at }: Due) => {
    tally.assigned();
    if (!(await pace.turn(kindOf(check), stopping.signal))) return;
    tally.began(check, Date.now() - at);
    const { run, samples } = await checker.run(check, stopping.signal);
    pace.ended(kindOf(check));
    tally.ended(run);
    deliver(samples);
  };
  const scheduler = makeScheduler({ run: runOne, onSkipped: tally.skipped });

  let sayBeat = heartbeats(vantage, shardText(shard), first.list.externalLabels);
  const use = async ({ list, checks, fresh, gone }: Change) => {
    literals.clear();
    for (const [reference, text] of list.literals) literals.set(reference, text);
    await warmUp(fresh, source.probers, kit);
    const missing = kit.openedEngine()?.capabilities.why ?? '';
    if (missing !== '' && fresh.some(({ module }) => source.probers[module.prober]?.needs.includes('icmp')))
      log('warn', `pings and paths may fail: ${missing}`);
    collectGarbage();
    sayBeat = heartbeats(vantage, shardText(shard), list.externalLabels);
    // What ends is said on the old ways, before they may close.
    for (const check of gone) {
      deliver(checker.forget(check, Date.now()));
      tally.forget(check);
    }
    deliveries.set(list.endpoints);
    for (const check of fresh) board.expect(check);
    if (!stopping.signal.aborted) scheduler.set(checks);
  };
  const { probers, environment } = source;
  const outside = publisher(kit.aws, log);
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
  const expand = services(kit.resolver);
  const inUse = await listInUse({ first: first.list, source, shard, log, expand, found, use });
  started.resolve(inUse);

  const points = () => {
    const { hash, loadedAt } = inUse.list();
    const list = { hash, loadedAt, ok: inUse.problem() === undefined };
    const checks = inUse.checks().length;
    const self = selfPoints({ startedAt, checks, list, deliveries: deliveries.counts(), ...tally.counts() });
    return [...self, ...enginePoints(kit.openedEngine()), ...discoveryPoints(found.state(), outside.state())];
  };
  let ofOurselves: readonly Sample[] = [];
  const heart = setInterval(() => {
    deliver(sayBeat(tally.beat()));
    const labels = selfLabels(vantage, shard, inUse.list().externalLabels);
    const compatible = selfSamples(tally.compatible(inUse.checks()), { ...labels, host: vantage.name }, Date.now());
    ofOurselves = [...selfSamples(points(), labels, Date.now()), ...compatible];
    deliver(ofOurselves);
  }, heartbeatMs);

  const status = (): Status => {
    const { hash, loadedAt } = inUse.list();
    const problem = inUse.problem();
    return {
      version,
      title: `agent ${vantage.name}`,
      now: Date.now(),
      checks: board.rows(),
      deliveries: deliveries.counts().map((one) => deliveryRow(vantage.name, one)),
      list: { hash, loadedAt, ...(problem === undefined ? {} : { problem }) },
    };
  };
  const stop: Agent['stop'] = async (deliveryMs) => {
    clearInterval(heart);
    stopping.abort('stopped');
    scheduler[Symbol.dispose]();
    await found[Symbol.asyncDispose]();
    await outside[Symbol.asyncDispose]();
    await inUse.settled();
    await scheduler.idle();
    for (const check of inUse.checks()) deliver(checker.forget(check, Date.now()));
    deliver(ofOurselves.map(({ series }) => ({ series, at: Date.now(), value: 'stale' })));
    await deliveries.flush(AbortSignal.timeout(deliveryMs));
    const undelivered = deliveries
      .counts()
      .reduce((total, { counts }) => total + counts.waiting + sum(counts.lost) + sum(counts.rejected), 0);
    await deliveries[Symbol.asyncDispose]();
    await kit[Symbol.asyncDispose]();
    return { undelivered };
  };
  const metrics = () => {
    const compatible = tally.compatible(inUse.checks()).filter(({ metric }) => metric !== selfMetrics.memory);
    return exposition(selfSamples([...points(), ...compatible], {}, Date.now()));
  };
  return {
    ok: true,
    warnings: first.warnings,
    agent: { vantage: vantage.name, checks: () => inUse.checks().length, metrics, status, reload: inUse.reload, stop },
  };
};

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
