import type { Seconds } from '../../kernel/check.ts';
import { type EndState, type Hop, type HopAnswer, isLoop } from '../../protocol/hop-table.ts';
import type { ProbeEngine, ProbeOutcome, ProbeProtocol, ProbeRequest } from './engine.ts';
import { findPath } from './find-path.ts';
import { answerOf, answersForTarget } from './path-answers.ts';
import { shareHops } from './shared-hops.ts';

/** How a path is traced. */
export type PathOptions = {
  readonly address: string;
  readonly protocol: ProbeProtocol;
  readonly port?: number | undefined;
  /** Rounds of one packet per hop, after the path has been found. */
  readonly count: number;
  readonly intervalMs: number;
  readonly replyTimeoutMs: number;
  /** For the last hop, whose neighbour needs three seconds to find that nobody is there. */
  readonly finalTimeoutMs: number;
  readonly maxHops: number;
  readonly firstTtl: number;
  readonly payloadBytes?: number | undefined;
  readonly trafficClass?: number | undefined;
  readonly source?: string | undefined;
  /** How long the path was last time. */
  readonly knownLength?: number | undefined;
};

/** What a path was found to be. */
export type PathTrace = {
  /** From the first hop that was tried to the one that ended the path. */
  readonly hops: readonly Hop[];
  readonly end: EndState;
  /** Who said that the target is unreachable, and how, when the path ended so. */
  readonly objection?: Extract<ProbeOutcome, { kind: 'unreachable' }>;
  /** Packets that this run sent. An answer may count for several paths, so hops may have more. */
  readonly sent: number;
  /** Whether each round trip lies between two timestamps of the kernel. */
  readonly isStamped: boolean;
  /** What this host refused to send, as a code; the engine's own trouble as a sentence. Neither is loss. */
  readonly local?: string;
  readonly engine?: string;
};

/** What the tracing needs of its run. `random` gives 0 to 1. */
export type PathContext = {
  readonly signal: AbortSignal;
  readonly sleep: (seconds: Seconds) => Promise<void>;
  readonly random?: () => number;
  /** Told of each packet: `round` is 0 while the path is being found. */
  readonly onProbe?: (ttl: number, round: number, outcome: ProbeOutcome) => void;
};

/** The part of a round over which its packets are spread. */
const spread = 0.8;
const jitterPart = 0.1;

type Draft = {
  readonly ttl: number;
  readonly found: string | undefined;
  sent: number;
  late: number;
  readonly answers: (HopAnswer | undefined)[];
};
type Trouble = { local?: string; engine?: string };
type Objection = Extract<ProbeOutcome, { kind: 'unreachable' }>;

/**
 * Finds the hops to an address, several at once, and then sends each hop one packet per round, which is what routers answer
 * without a limit. Paths that are traced at once by one engine share what they learn of the routers that they all pass. Never rejects; ends
 * early when the signal fires, with what is known by then.
 */
export const tracePath = async (
  engine: ProbeEngine,
  options: PathOptions,
  context: PathContext,
): Promise<PathTrace> => {
  const { signal, sleep, random = Math.random } = context;
  const { firstTtl, intervalMs } = options;
  const trouble: Trouble = {};
  let sent = 0;
  let isStamped = true;
  const transmit = async (ttl: number, timeoutMs: number, onLater?: () => void): Promise<ProbeOutcome> => {
    sent += 1;
    const outcome = await engine.probe(requestFor(options, ttl, timeoutMs, onLater), signal);
    if (outcome.kind === 'local') trouble.local = outcome.code;
    if (outcome.kind === 'engine' && !signal.aborted) trouble.engine = outcome.why;
    if ('clock' in outcome && outcome.clock !== 'kernel') isStamped = false;
    return outcome;
  };
  const hops = shareHops(engine, {
    group: groupOf(options),
    target: `${options.address} ${options.port ?? ''}`,
    intervalMs,
    sleep,
    send: (ttl) => transmit(ttl, options.replyTimeoutMs, () => countLate(ttl)),
  });
  /** What was heard last of each place: of the target if of that at all, of routers else. */
  const latest = new Map<number, ProbeOutcome>();
  const before = (ttl: number): string | undefined => {
    if (ttl === 1) return '';
    const outcome = latest.get(ttl - 1);
    return hops.router(ttl - 1) ?? (outcome?.kind === 'hop' ? outcome.from : undefined);
  };
  const hear = (ttl: number, outcome: ProbeOutcome): void => {
    if (outcome.kind === 'timeout' || latest.get(ttl)?.kind === 'reply') return;
    latest.set(ttl, outcome);
  };

  const find = async (ttl: number): Promise<ProbeOutcome> => {
    const recent = await hops.recall(ttl);
    const outcome = recent?.kind === 'hop' ? recent : await transmit(ttl, options.replyTimeoutMs);
    hear(ttl, outcome);
    context.onProbe?.(ttl, 0, outcome);
    return outcome;
  };
  const found = await findPath(options, { send: find, sleep, signal });
  for (const [ttl, outcome] of [...found.outcomes].sort(([a], [b]) => a - b))
    if (ttl < found.last) hops.learn(ttl, before(ttl), outcome);

  const drafts = new Map<number, Draft>();
  const draftOf = (ttl: number): Draft => {
    let draft = drafts.get(ttl);
    if (draft === undefined) {
      draft = { ttl, found: answerOf(found.outcomes.get(ttl))?.from, sent: 0, late: 0, answers: [] };
      drafts.set(ttl, draft);
    }
    return draft;
  };
  const countLate = (ttl: number) => {
    draftOf(ttl).late += 1;
  };
  let { last } = found;
  let objection: Objection | undefined;
  for (const outcome of found.outcomes.values()) if (outcome.kind === 'unreachable') objection ??= outcome;

  const ownProbe = async (ttl: number): Promise<ProbeOutcome> => {
    const timeoutMs = ttl === last ? options.finalTimeoutMs : options.replyTimeoutMs;
    const outcome = await transmit(ttl, timeoutMs, () => countLate(ttl));
    if (ttl < last) hops.learn(ttl, before(ttl), outcome);
    return outcome;
  };
  const probeHop = async (ttl: number, round: number) => {
    const draft = draftOf(ttl);
    const place = draft.answers.push(undefined) - 1;
    draft.sent += 1;
    const shared = ttl < last ? hops.ask(ttl, before(ttl)) : undefined;
    const outcome = await (shared ?? ownProbe(ttl));
    if (outcome === undefined || outcome.kind === 'local' || outcome.kind === 'engine') draft.sent -= 1;
    if (outcome === undefined) return;
    context.onProbe?.(ttl, round, outcome);
    hear(ttl, outcome);
    const answer = answerOf(outcome);
    if (answer !== undefined) draft.answers[place] = answer;
    if (outcome.kind === 'reply') last = Math.min(last, ttl);
    if (outcome.kind === 'unreachable') objection ??= outcome;
    // The path has become longer since it was found.
    if (outcome.kind === 'hop' && ttl === last && ttl < options.maxHops && !found.isLoop) last = ttl + 1;
  };
  const inRounds: Promise<void>[] = [];
  for (let round = 1; round <= options.count && !signal.aborted; round += 1) {
    const startedAt = performance.now();
    // Finding the path has used up what routers answer in a second.
    if (round === 1) await sleep((intervalMs / 1_000) * (1 + jitterPart * random()));
    const step = ((intervalMs / 1_000) * spread) / Math.max(1, last - firstTtl + 1);
    const roundAt = round === 1 ? performance.now() : startedAt;
    for (let ttl = firstTtl; ttl <= last && !signal.aborted; ttl += 1) {
      inRounds.push(probeHop(ttl, round));
      await sleep(step * (1 + jitterPart * (2 * random() - 1)));
    }
    const left = roundAt + intervalMs - performance.now();
    if (round < options.count && left > 0) await sleep(left / 1_000);
  }
  hops.leave();
  await Promise.all(inRounds);

  const reachedAt = reachedIn(latest);
  const heard = [...drafts.values()].sort((a, b) => a.ttl - b.ttl);
  const path = heard.filter(({ ttl }) => ttl <= (reachedAt ?? ttl)).map(finished);
  return {
    hops: path,
    end: endOf(path, reachedAt, objection, options.maxHops),
    ...(objection === undefined || reachedAt !== undefined ? {} : { objection }),
    sent,
    isStamped: isStamped && engine.capabilities.sendStamps,
    ...trouble,
  };
};

/** Packets that routers treat alike: only these are shared. */
const groupOf = (options: PathOptions): string =>
  [
    options.address.includes(':') ? 6 : 4,
    options.protocol,
    options.source ?? '',
    options.trafficClass ?? 0,
    options.payloadBytes ?? '',
    options.replyTimeoutMs,
  ].join(' ');

const reachedIn = (latest: ReadonlyMap<number, ProbeOutcome>): number | undefined => {
  let reachedAt: number | undefined;
  for (const [ttl, outcome] of latest)
    if (answersForTarget(ttl, outcome, latest)) reachedAt = Math.min(reachedAt ?? ttl, ttl);
  return reachedAt;
};

const requestFor = (
  options: PathOptions,
  ttl: number,
  timeoutMs: number,
  onLater: (() => void) | undefined,
): ProbeRequest => ({
  address: options.address,
  protocol: options.protocol,
  ttl,
  timeoutMs,
  port: options.port,
  payloadBytes: options.payloadBytes,
  trafficClass: options.trafficClass,
  source: options.source,
  onLater: onLater === undefined ? undefined : (what) => (what === 'late' ? onLater() : undefined),
});

const finished = ({ ttl, found, sent, late, answers }: Draft): Hop => ({
  ttl,
  found,
  sent,
  late,
  answers: answers.filter((answer) => answer !== undefined),
});

const endOf = (
  hops: readonly Hop[],
  reachedAt: number | undefined,
  objection: ProbeOutcome | undefined,
  maxHops: number,
): EndState => {
  if (reachedAt !== undefined) return 'reached';
  if (objection !== undefined) return 'unreachable';
  if (isLoop(hops.map(({ answers, found }) => answers[0]?.from ?? found))) return 'loop';
  const last = hops.at(-1);
  return last !== undefined && last.ttl >= maxHops && last.answers.length > 0 ? 'max_hops' : 'silent';
};
