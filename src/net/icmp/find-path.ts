import type { Seconds } from '../../kernel/check.ts';
import { isLoop } from '../../protocol/hop-table.ts';
import type { ProbeOutcome } from './engine.ts';
import { answersForTarget } from './path-answers.ts';

/** What is asked of the search for a path. */
export type FindOptions = {
  readonly firstTtl: number;
  readonly maxHops: number;
  readonly replyTimeoutMs: number;
  /** How long the path was last time. */
  readonly knownLength?: number | undefined;
};

/** What the search needs of its run. */
export type FindContext = {
  /** Sends one packet. Never rejects. */
  readonly send: (ttl: number) => Promise<ProbeOutcome>;
  readonly sleep: (seconds: Seconds) => Promise<void>;
  readonly signal: AbortSignal;
};

/** A path as far as it was found. */
export type FoundPath = {
  /** The hop to which it is worth sending. */
  readonly last: number;
  readonly isReached: boolean;
  readonly isLoop: boolean;
  /** What came of each time to live that was tried. */
  readonly outcomes: ReadonlyMap<number, ProbeOutcome>;
};

/** Hops that are tried at once while the path is not known; all 30 would give the target two dozen packets too many. */
const window = 6;
const mostSilent = 5;
/** Packets with the full time to live before a path counts as silent: one may be lost. */
const mostFar = 3;
/** Hops that are tried at once between the last that answered and the target. */
const searchWidth = 4;

/**
 * Finds how far a target is, and who answers on the way: several hops at once, until the target answers. Where five hops in a row are
 * silent, or routers seem to go round in a circle, the target is asked with the full time to live; if it answers, the search goes on to its
 * distance, with at most 15 more packets. Clouds, MPLS and some cluster networks have such silent parts.
 */
export const findPath = async (options: FindOptions, context: FindContext): Promise<FoundPath> => {
  const { firstTtl, maxHops, knownLength } = options;
  const outcomes = new Map<number, ProbeOutcome>();
  const sendAll = async (ttls: readonly number[]) => {
    const got = await Promise.all(ttls.map(context.send));
    for (const [index, ttl] of ttls.entries()) {
      const outcome = got[index];
      if (outcome !== undefined) outcomes.set(ttl, outcome);
    }
  };
  let size = knownLength === undefined ? window : Math.max(1, knownLength - firstTtl + 1);
  let isCircle = false;
  for (let next = firstTtl; next <= maxHops && !context.signal.aborted; ) {
    const ttls = Array.from({ length: Math.min(size, maxHops - next + 1) }, (_, index) => next + index);
    await sendAll(ttls);
    next += ttls.length;
    size = window;
    const reachedAt = reachedIn(outcomes);
    if (reachedAt !== undefined) return { last: reachedAt, isReached: true, isLoop: false, outcomes };
    const objector = objectorIn(outcomes);
    // A router that answers from behind an objection shows that the objection is not about all packets.
    if (objector !== undefined && lastHeard(outcomes, firstTtl) <= objector)
      return { last: objector, isReached: false, isLoop: false, outcomes };
    isCircle = isLoop(respondersIn(outcomes));
    if (isCircle || objector !== undefined || isSilentFrom(next - mostSilent, next, outcomes)) break;
  }
  const heard = lastHeard(outcomes, firstTtl);
  if (!context.signal.aborted && (await askFar(options, context, outcomes))) {
    await narrow(options, outcomes, sendAll, context.signal);
    const reachedAt = reachedIn(outcomes);
    const last = reachedAt ?? endIn(outcomes) ?? maxHops;
    return { last, isReached: reachedAt !== undefined, isLoop: false, outcomes };
  }
  if (isCircle) return { last: heard, isReached: false, isLoop: true, outcomes };
  // One hop further, since the next one is where it breaks; and as far as the path went before, since it may come back.
  const last = objectorIn(outcomes) ?? Math.max(heard + 1, knownLength ?? 0);
  return { last: Math.min(maxHops, last), isReached: false, isLoop: false, outcomes };
};

/** Asks with the full time to live, again where there is silence. True when the target answers, or somebody objects on the way. */
const askFar = async (
  { maxHops, replyTimeoutMs }: FindOptions,
  { send, sleep, signal }: FindContext,
  outcomes: Map<number, ProbeOutcome>,
): Promise<boolean> => {
  // What a router said about the full time to live is said.
  const known = outcomes.get(maxHops);
  if (known !== undefined && known.kind !== 'timeout') return false;
  const isFar = (outcome: ProbeOutcome) => {
    if (outcome.kind !== 'timeout') outcomes.set(maxHops, outcome);
    return outcome.kind !== 'timeout';
  };
  const asked: Promise<boolean>[] = [];
  for (let tries = 0; tries < mostFar && !signal.aborted; tries += 1) {
    asked.push(send(maxHops).then(isFar));
    const isOver = await Promise.race([
      Promise.any(asked.map(rejectSilence)).catch(() => false),
      sleep(replyTimeoutMs / 1_000 / mostFar).then(() => false),
    ]);
    if (isOver) break;
  }
  await Promise.all(asked);
  const far = outcomes.get(maxHops);
  return far?.kind === 'reply' || (far?.kind === 'unreachable' && !far.own);
};

const rejectSilence = async (asked: Promise<boolean>): Promise<true> => {
  if (await asked) return true;
  throw new Error('silent');
};

/** Narrows down the distance at which the full time to live was answered. A lost answer makes it too great, never too small. */
const narrow = async (
  { firstTtl, maxHops }: FindOptions,
  outcomes: Map<number, ProbeOutcome>,
  sendAll: (ttls: readonly number[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  let high = maxHops;
  let low = Math.max(firstTtl - 1, ...[...outcomes.keys()].filter((ttl) => ttl < high));
  while (high - low > 1 && !signal.aborted) {
    const step = Math.max(1, Math.ceil((high - low) / (searchWidth + 1)));
    const ttls: number[] = [];
    for (let ttl = low + step; ttl < high; ttl += step) ttls.push(ttl);
    await sendAll(ttls);
    high = endIn(outcomes, low) ?? high;
    low = Math.max(low, ...ttls.filter((ttl) => ttl < high));
  }
};

/** The nearest hop at which the target answered. */
const reachedIn = (outcomes: ReadonlyMap<number, ProbeOutcome>): number | undefined =>
  nearest(outcomes, (ttl, outcome) => answersForTarget(ttl, outcome, outcomes));

/** The nearest hop that said that the target cannot be reached. */
const objectorIn = (outcomes: ReadonlyMap<number, ProbeOutcome>): number | undefined =>
  nearest(outcomes, (_, { kind }) => kind === 'unreachable');

/** The nearest hop behind `after` that answered for the target or objected. */
const endIn = (outcomes: ReadonlyMap<number, ProbeOutcome>, after = 0): number | undefined =>
  nearest(outcomes, (ttl, { kind }) => ttl > after && (kind === 'reply' || kind === 'unreachable'));

const nearest = (
  outcomes: ReadonlyMap<number, ProbeOutcome>,
  isWanted: (ttl: number, outcome: ProbeOutcome) => boolean,
): number | undefined => {
  let found: number | undefined;
  for (const [ttl, outcome] of outcomes) if (isWanted(ttl, outcome) && ttl < (found ?? Infinity)) found = ttl;
  return found;
};

/** The farthest router or objector that was heard; the place before the first hop if none was. */
const lastHeard = (outcomes: ReadonlyMap<number, ProbeOutcome>, firstTtl: number): number => {
  let last = firstTtl - 1;
  for (const [ttl, outcome] of outcomes)
    if (outcome.kind === 'hop' || (outcome.kind === 'unreachable' && !outcome.own)) last = Math.max(last, ttl);
  return last;
};

const respondersIn = (outcomes: ReadonlyMap<number, ProbeOutcome>): (string | undefined)[] =>
  [...outcomes].sort(([a], [b]) => a - b).map(([, outcome]) => (outcome.kind === 'hop' ? outcome.from : undefined));

const isSilentFrom = (from: number, to: number, outcomes: ReadonlyMap<number, ProbeOutcome>): boolean => {
  for (let ttl = from; ttl < to; ttl += 1) {
    const outcome = outcomes.get(ttl);
    if (outcome === undefined || outcome.kind === 'hop') return false;
  }
  return true;
};
