import type { Seconds } from '../../kernel/check.ts';
import { type EndState, type Hop, type HopAnswer, isLoop } from '../../protocol/hop-table.ts';
import type { ProbeEngine, ProbeOutcome, ProbeProtocol, ProbeRequest } from './engine.ts';

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
  readonly sent: number;
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

/** Hops that are tried at once while the path is not known; all 30 would give the target two dozen packets too many. */
const window = 6;
const mostSilent = 5;
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

/**
 * Finds the hops to an address, several at once, and then sends each hop one packet per round, which is what routers answer
 * without a limit. Never rejects; ends early when the signal fires, with what is known by then.
 */
export const tracePath = async (
  engine: ProbeEngine,
  options: PathOptions,
  context: PathContext,
): Promise<PathTrace> => {
  const { signal, sleep, random = Math.random } = context;
  const trouble: Trouble = {};
  let sent = 0;
  let last = 0;
  const send = async (ttl: number, round: number, onLater?: () => void): Promise<ProbeOutcome> => {
    sent += 1;
    const timeoutMs = round > 0 && ttl === last ? options.finalTimeoutMs : options.replyTimeoutMs;
    const outcome = await engine.probe(requestFor(options, ttl, timeoutMs, onLater), signal);
    if (outcome.kind === 'local') trouble.local = outcome.code;
    if (outcome.kind === 'engine' && !signal.aborted) trouble.engine = outcome.why;
    context.onProbe?.(ttl, round, outcome);
    return outcome;
  };

  const found = await discover(options, (ttl) => send(ttl, 0), signal);
  const drafts = new Map<number, Draft>();
  const draftOf = (ttl: number): Draft => {
    let draft = drafts.get(ttl);
    if (draft === undefined) {
      draft = { ttl, found: found.responders[ttl - options.firstTtl], sent: 0, late: 0, answers: [] };
      drafts.set(ttl, draft);
    }
    return draft;
  };
  last = found.last;
  let { reachedAt, objection } = found;
  const inRounds: Promise<void>[] = [];
  const probeHop = async (ttl: number, round: number) => {
    const draft = draftOf(ttl);
    const place = draft.answers.push(undefined) - 1;
    draft.sent += 1;
    const outcome = await send(ttl, round, () => {
      draft.late += 1;
    });
    if (outcome.kind === 'local' || outcome.kind === 'engine') draft.sent -= 1;
    const answer = answerOf(outcome);
    if (answer !== undefined) draft.answers[place] = answer;
    if (outcome.kind === 'reply') reachedAt = Math.min(reachedAt ?? ttl, ttl);
    if (outcome.kind === 'unreachable') objection ??= outcome;
    // The path has become longer since it was found.
    if (outcome.kind === 'hop' && ttl === last && ttl < options.maxHops && found.end !== 'loop') last = ttl + 1;
  };
  for (let round = 1; round <= options.count && !signal.aborted; round += 1) {
    const startedAt = performance.now();
    // Finding the path has used up what routers answer in a second.
    if (round === 1) await sleep((options.intervalMs / 1_000) * (1 + jitterPart * random()));
    const hops = last - options.firstTtl + 1;
    const step = ((options.intervalMs / 1_000) * spread) / Math.max(1, hops);
    const roundAt = round === 1 ? performance.now() : startedAt;
    for (let ttl = options.firstTtl; ttl <= last && !signal.aborted; ttl += 1) {
      inRounds.push(probeHop(ttl, round));
      await sleep(step * (1 + jitterPart * (2 * random() - 1)));
    }
    const left = roundAt + options.intervalMs - performance.now();
    if (round < options.count && left > 0) await sleep(left / 1_000);
  }
  await Promise.all(inRounds);

  const heard = [...drafts.values()].sort((a, b) => a.ttl - b.ttl);
  const hops = (reachedAt === undefined ? heard : heard.filter(({ ttl }) => ttl <= (reachedAt ?? ttl))).map(finished);
  return {
    hops,
    end: endOf(hops, reachedAt, objection, options.maxHops),
    ...(objection === undefined || reachedAt !== undefined ? {} : { objection }),
    sent,
    ...trouble,
  };
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

const answerOf = (outcome: ProbeOutcome): HopAnswer | undefined =>
  outcome.kind === 'reply' || outcome.kind === 'hop' || (outcome.kind === 'unreachable' && !outcome.own)
    ? { from: outcome.from, rtt: outcome.rtt }
    : undefined;

const finished = ({ ttl, found, sent, late, answers }: Draft): Hop => ({
  ttl,
  found,
  sent,
  late,
  answers: answers.filter((answer) => answer !== undefined),
});

type Discovery = {
  /** The hop to which it is worth sending. */
  readonly last: number;
  readonly reachedAt: number | undefined;
  readonly objection: Extract<ProbeOutcome, { kind: 'unreachable' }> | undefined;
  readonly end: 'loop' | 'other';
  /** Whoever answered, from the first hop on. */
  readonly responders: readonly (string | undefined)[];
};

const discover = async (
  { firstTtl, maxHops, knownLength }: PathOptions,
  send: (ttl: number) => Promise<ProbeOutcome>,
  signal: AbortSignal,
): Promise<Discovery> => {
  const outcomes: ProbeOutcome[] = [];
  const responders = () => outcomes.map((outcome) => answerOf(outcome)?.from);
  let next = firstTtl;
  let size = Math.max(1, Math.min(knownLength ?? window, maxHops) - firstTtl + 1);
  if (knownLength === undefined) size = Math.min(window, maxHops - firstTtl + 1);
  while (next <= maxHops && !signal.aborted) {
    const ttls = Array.from({ length: Math.min(size, maxHops - next + 1) }, (_, index) => next + index);
    outcomes.push(...(await Promise.all(ttls.map(send))));
    next += ttls.length;
    size = window;
    const ended = outcomes.findIndex(({ kind }) => kind === 'reply' || kind === 'unreachable');
    if (ended >= 0) {
      const outcome = outcomes[ended];
      return {
        last: firstTtl + ended,
        reachedAt: outcome?.kind === 'reply' ? firstTtl + ended : undefined,
        objection: outcome?.kind === 'unreachable' ? outcome : undefined,
        end: 'other',
        responders: responders(),
      };
    }
    if (isLoop(responders())) return { ...lastHeard(responders(), firstTtl), end: 'loop' };
    if (outcomes.slice(-mostSilent).every(({ kind }) => kind !== 'hop') && outcomes.length >= mostSilent) break;
  }
  const heard = lastHeard(responders(), firstTtl);
  // One hop further, since the next one is where it breaks; and as far as the path went before, since it may come back.
  return { ...heard, last: Math.min(maxHops, Math.max(heard.last + 1, knownLength ?? 0)), end: 'other' };
};

const lastHeard = (responders: readonly (string | undefined)[], firstTtl: number) => ({
  last: firstTtl + responders.findLastIndex((responder) => responder !== undefined),
  reachedAt: undefined,
  objection: undefined,
  responders,
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
