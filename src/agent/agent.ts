import type { Check, EpochMs } from '../kernel/check.ts';
import type { Due, Run } from '../kernel/run.ts';
import { allLabels, type Sample } from '../kernel/sample.ts';
import { version } from '../kernel/version.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Moment } from '../net/marks.ts';
import type { Status } from '../page/status.ts';
import { exposition } from '../protocol/exposition.ts';
import { type Board, board as makeBoard } from '../receiver/board.ts';
import { checker as makeChecker } from '../run/checker.ts';
import { cpuShare } from '../run/cpu-share.ts';
import { heartbeats } from '../run/list-series.ts';
import { kindOf, pace as makePace } from '../run/pace.ts';
import { ofShard, type Shard, shardText } from '../run/shard.ts';
import { warmUp } from '../run/warm-up.ts';
import { deliveries as makeDeliveries } from './deliveries.ts';
import { type InUse, type ListSource, readList } from './list-keeper.ts';
import { scheduler as makeScheduler } from './scheduler.ts';
import { selfLabels, selfPoints, selfSamples, sum } from './self-metrics.ts';

/** Says something to whoever runs the agent. Never a secret. */
export type Log = (level: 'info' | 'warn' | 'error', message: string) => void;

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

/** Above this a run's times are not to be trusted, in seconds. */
const doubtful = 0.006;

/** Reads the list and starts probing. */
export const startAgent = async (options: AgentOptions): Promise<Started> => {
  const { source, shard, clock, log, board = makeBoard() } = options;
  const first = await readList(source, undefined, Date.now());
  if (first.kind !== 'new') return { ok: false, problems: first.kind === 'bad' ? first.problems : [] };
  const startedAt = Date.now();
  const stopping = new AbortController();
  const literals = new Map<string, string>();
  const kit = makeKit({ environment: source.environment, literals });
  const { vantage } = first.list;
  const deliveries = makeDeliveries(vantage.name, kit);
  const checker = makeChecker({ probers: source.probers, kit, clock });
  const pace = makePace({ share: cpuShare() });
  const runs = { good: 0, failed: 0, void: 0 };
  const skipped = { overlap: 0, late: 0 };
  let doubts = 0;
  let lagMs = 0;
  let beat = emptyBeat(startedAt);
  let list: InUse = first.list;
  let problem: string | undefined;
  let seen = first.list.hash;
  let checks: readonly Check[] = [];
  let reloading: Promise<readonly string[]> | undefined;
  const verdicts = new Map<Check, boolean>();

  const deliver = (samples: readonly Sample[]) => {
    deliveries.add(samples);
    board.observe(samples.map(({ series, at, value }) => ({ labels: allLabels(series), at, value })));
  };

  const runOne = async ({ check, at }: Due) => {
    beat.assigned += 1;
    if (!(await pace.turn(kindOf(check), stopping.signal))) return;
    beat.lagMs = Math.max(beat.lagMs, Date.now() - at);
    lagMs = Math.max(lagMs, beat.lagMs);
    const { run, samples } = await checker.run(check, stopping.signal);
    pace.ended(kindOf(check));
    count(run);
    deliver(samples);
  };

  const count = (run: Run) => {
    const { check, outcome, doubt } = run;
    const verdict = outcome.void !== undefined ? 'void' : outcome.failures.length === 0 ? 'good' : 'failed';
    runs[verdict] += 1;
    if (verdict === 'void') beat.skipped += 1;
    else beat.finished += 1;
    if (doubt > doubtful) doubts += 1;
    const good = verdict === 'good';
    if (verdict === 'void' || (verdicts.get(check) ?? true) === good) return;
    verdicts.set(check, good);
    log(good ? 'info' : 'warn', changeText(run));
  };

  const scheduler = makeScheduler({
    run: runOne,
    onSkipped: (_due, why) => {
      skipped[why] += 1;
      beat.assigned += 1;
      beat.skipped += 1;
    },
  });

  let sayBeat = heartbeats(vantage, shardText(shard), list.externalLabels);
  const heart = setInterval(() => {
    const { slot, assigned, finished, skipped: left, lagMs } = beat;
    beat = emptyBeat(Date.now());
    deliver(sayBeat({ slot, assigned, finished, skipped: left, lagMs }));
    deliver(selfSamples(points(), selfLabels(vantage, list.externalLabels), Date.now()));
  }, heartbeatMs);

  const points = () =>
    selfPoints({
      startedAt,
      checks: checks.length,
      runs,
      skipped,
      doubtful: doubts,
      lagMs,
      list: { hash: list.hash, loadedAt: list.loadedAt, ok: problem === undefined },
      deliveries: deliveries.counts(),
    });

  const use = async (next: InUse) => {
    list = next;
    literals.clear();
    for (const [reference, text] of next.literals) literals.set(reference, text);
    const wanted = sameObjects(checks, ofShard(next.checks, shard));
    const [before, after] = [new Set(checks), new Set(wanted)];
    const fresh = wanted.filter((check) => !before.has(check));
    const gone = checks.filter((check) => !after.has(check));
    await warmUp(fresh, source.probers, kit);
    collectGarbage();
    sayBeat = heartbeats(vantage, shardText(shard), next.externalLabels);
    // What ends is said on the old ways, before they may close.
    for (const check of gone) {
      deliver(checker.forget(check, Date.now()));
      verdicts.delete(check);
    }
    deliveries.set(next.endpoints);
    for (const check of fresh) board.expect(check);
    checks = wanted;
    if (!stopping.signal.aborted) scheduler.set(wanted);
  };

  const readAnew = async (): Promise<readonly string[]> => {
    const reading = await readList({ ...source, vantage: vantage.name }, seen, Date.now());
    if (reading.kind === 'same') return problem === undefined ? [] : [problem];
    if (reading.kind === 'bad') {
      seen = reading.hash;
      problem = reading.problems[0] ?? 'the list cannot be read';
      for (const text of reading.problems) log('error', `${text}; the list before stays in use`);
      return reading.problems;
    }
    seen = reading.list.hash;
    problem = undefined;
    for (const text of reading.warnings) log('warn', text);
    await use(reading.list);
    log('info', `list ${list.hash} is in use: ${checks.length} checks`);
    return [];
  };

  await use(first.list);
  return {
    ok: true,
    warnings: first.warnings,
    agent: {
      vantage: vantage.name,
      checks: () => checks.length,
      metrics: () => exposition(selfSamples(points(), {}, Date.now())),
      status: () => ({
        version,
        title: `agent ${vantage.name}`,
        now: Date.now(),
        checks: board.rows(),
        deliveries: deliveries.counts().map((one) => deliveryRow(vantage.name, one)),
        list: { hash: list.hash, loadedAt: list.loadedAt, ...(problem === undefined ? {} : { problem }) },
      }),
      reload: () => {
        reloading ??= readAnew().finally(() => {
          reloading = undefined;
        });
        return reloading;
      },
      stop: async (deliveryMs) => {
        clearInterval(heart);
        stopping.abort('stopped');
        scheduler[Symbol.dispose]();
        await reloading;
        await scheduler.idle();
        for (const check of checks) deliver(checker.forget(check, Date.now()));
        await deliveries.flush(AbortSignal.timeout(deliveryMs));
        const undelivered = deliveries
          .counts()
          .reduce((total, { counts }) => total + counts.waiting + sum(counts.lost) + sum(counts.rejected), 0);
        await deliveries[Symbol.asyncDispose]();
        await kit[Symbol.asyncDispose]();
        return { undelivered };
      },
    },
  };
};

/**
 * What reading a list leaves behind is more than what is kept of it, and V8 would let as much pile up before it collects again.
 * The launcher makes the function known; without it V8 does as it likes.
 */
const collectGarbage = (): void => globalThis.gc?.();

const emptyBeat = (slot: EpochMs) => ({ slot, assigned: 0, finished: 0, skipped: 0, lagMs: 0 });

/** Checks that are as before are the same objects as before, so that what was kept of them stays. */
const sameObjects = (before: readonly Check[], after: readonly Check[]): readonly Check[] => {
  const known = new Map(before.map((check) => [JSON.stringify(check), check]));
  return after.map((check) => known.get(JSON.stringify(check)) ?? check);
};

const changeText = ({ check, outcome }: Run): string => {
  const what = `${check.target.name} (${check.instance})`;
  const [first] = outcome.failures;
  return first === undefined
    ? `${what} is good again`
    : `${what} fails: ${first.reason} (${first.phase}): ${first.detail}`;
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
