import type { Seconds } from '../../kernel/check.ts';
import type { ProbeEngine, ProbeOutcome } from './engine.ts';

/** A path that is being measured, as far as other paths use its packets. */
export type SharingPath = {
  /** Which packets are alike: family, protocol and all else that a router may treat differently. */
  readonly group: string;
  readonly target: string;
  /** The time between two packets to a hop, in milliseconds; less, and routers that answer once a second stay silent. */
  readonly intervalMs: number;
  /** Waits; ends early, without rejecting, when the run ends. */
  readonly sleep: (seconds: Seconds) => Promise<void>;
  /** Sends one packet to this path's target. Never rejects. */
  readonly send: (ttl: number) => Promise<ProbeOutcome>;
};

/** What a shared packet proves for a path; `undefined` for nothing. */
type Proof = Promise<ProbeOutcome | undefined>;

/** The part of one path in {@link shareHops}. */
export type PathSharing = {
  /** Records the outcome of a packet of this path; `before` is the previous hop, empty before the first one, `undefined` if unknown. */
  readonly learn: (ttl: number, before: string | undefined, outcome: ProbeOutcome) => void;
  /** One packet to a hop that other paths pass too, sent now or a moment ago; `undefined` at once where the path has to ask for itself. */
  readonly ask: (ttl: number, before: string | undefined) => Proof | undefined;
  /** The same while the path is being found: only what was sent a moment ago, to a router that this path passed lately. */
  readonly recall: (ttl: number) => Proof | undefined;
  /** The router at a place of this path, if it is shared. */
  readonly router: (ttl: number) => string | undefined;
  /** Ends the sharing. */
  readonly leave: () => void;
};

/** One packet; `isVerified` when the router was known to be on the path of whose packet it was. */
type Ask = {
  at: number;
  readonly by: Member;
  readonly isVerified: boolean;
  readonly outcome: Promise<ProbeOutcome>;
};
type Member = { readonly path: SharingPath; readonly places: Map<number, Place> };
type Place = { slot: Slot | undefined; used: Ask | undefined; verifiedAt: number; askedAt: number; silent: number };
/** A router at one place of paths. */
type Slot = {
  readonly ttl: number;
  readonly address: string;
  readonly before: Set<string>;
  readonly members: Set<Member>;
  asked: Ask | undefined;
};
/** The router that a target's path passed at a place; no address where it took turns with others. */
type Known = { readonly address: string | undefined; readonly at: number };
type Registry = { readonly slots: Map<string, Map<string, Slot>>; readonly known: Map<string, Known> };

/** How long a path is taken to pass the router that it passed, in milliseconds. */
const keptMs = 600_000;
const mostKnown = 50_000;
/** Silences in a row of one path, at a router that answers others, after which the path no longer takes part. */
const mostSilent = { verified: 5, other: 3 } as const;
/** The share of the other paths that it must have answered last. */
const mostAnswered = 0.7;
/** The part of an interval by which the next packet is late, so that a timer is not early by a router's clock. */
const slack = 0.01;
const mostWaits = 3;
const never = Number.NEGATIVE_INFINITY;

const registries = new WeakMap<ProbeEngine, Registry>();

/**
 * Takes a path into what all paths of an engine share: the routers that several of them pass. Many routers answer once a second, so paths that
 * each ask for themselves leave one another without answers. A shared router is asked once for all paths, in turn with a packet of each path, which
 * checks that the path still passes it. A path takes part after the router answered one of its own packets. Until then it also does where its
 * own packet had no answer and all paths with the same previous hop pass one router.
 */
export const shareHops = (engine: ProbeEngine, path: SharingPath): PathSharing => {
  const registry = registries.get(engine) ?? { slots: new Map(), known: new Map() };
  registries.set(engine, registry);
  const self: Member = { path, places: new Map() };
  return {
    learn: (ttl, before, outcome) => learn(registry, self, ttl, before, outcome),
    ask: (ttl, before) => ask(registry, self, ttl, before),
    recall: (ttl) => recall(registry, self, ttl),
    router: (ttl) => self.places.get(ttl)?.slot?.address,
    leave: () => {
      for (const ttl of self.places.keys()) leave(registry, self, ttl);
    },
  };
};

const placeOf = ({ places }: Member, ttl: number): Place => {
  let place = places.get(ttl);
  if (place === undefined) {
    place = { slot: undefined, used: undefined, verifiedAt: never, askedAt: never, silent: 0 };
    places.set(ttl, place);
  }
  return place;
};

const slotsKey = ({ path: { group } }: Member, ttl: number): string => `${group} ${ttl}`;
const knownKey = (member: Member, ttl: number): string => `${slotsKey(member, ttl)} ${member.path.target}`;

const knownAt = ({ known }: Registry, member: Member, ttl: number): Known | undefined => {
  const found = known.get(knownKey(member, ttl));
  return found !== undefined && found.at > performance.now() - keptMs ? found : undefined;
};

const leave = ({ slots }: Registry, member: Member, ttl: number): void => {
  const place = member.places.get(ttl);
  const slot = place?.slot;
  if (place === undefined || slot === undefined) return;
  place.slot = undefined;
  slot.members.delete(member);
  if (slot.members.size > 0) return;
  const key = slotsKey(member, ttl);
  slots.get(key)?.delete(slot.address);
  if (slots.get(key)?.size === 0) slots.delete(key);
};

const join = (registry: Registry, member: Member, ttl: number, address: string): Slot => {
  const place = placeOf(member, ttl);
  if (place.slot?.address === address) return place.slot;
  leave(registry, member, ttl);
  const key = slotsKey(member, ttl);
  const all = registry.slots.get(key) ?? new Map<string, Slot>();
  registry.slots.set(key, all);
  const fresh: Slot = { ttl, address, before: new Set(), members: new Set(), asked: undefined };
  const slot = all.get(address) ?? fresh;
  all.set(address, slot);
  slot.members.add(member);
  place.slot = slot;
  return slot;
};

const learn = (
  registry: Registry,
  member: Member,
  ttl: number,
  before: string | undefined,
  outcome: ProbeOutcome,
): void => {
  if (outcome.kind === 'reply' || outcome.kind === 'unreachable') leave(registry, member, ttl);
  if (outcome.kind !== 'hop') return;
  const { from } = outcome;
  const place = placeOf(member, ttl);
  const now = performance.now();
  const earlier = knownAt(registry, member, ttl);
  const isBalanced =
    earlier !== undefined &&
    (earlier.address === undefined || (earlier.address !== from && place.slot?.address === earlier.address));
  if (registry.known.size >= mostKnown) registry.known.clear();
  if (isBalanced) {
    // Which router the next packet passes is open, so the path asks for itself.
    if (earlier.address !== undefined) registry.known.set(knownKey(member, ttl), { address: undefined, at: now });
    leave(registry, member, ttl);
    return;
  }
  registry.known.set(knownKey(member, ttl), { address: from, at: now });
  const slot = join(registry, member, ttl, from);
  if (before !== undefined) slot.before.add(before);
  place.verifiedAt = now;
  place.silent = 0;
};

/** Joins the router of a place where this path had no answer: the only one that paths with the same previous hop pass. */
const joinLikely = (registry: Registry, member: Member, ttl: number, before: string | undefined): Slot | undefined => {
  const known = knownAt(registry, member, ttl);
  if (before === undefined || (known !== undefined && known.address === undefined)) return undefined;
  if (placeOf(member, ttl).silent >= mostSilent.other) return undefined;
  const all = registry.slots.get(slotsKey(member, ttl))?.values() ?? [];
  const [likely, second] = [...all].filter((slot) => slot.before.has(before));
  if (likely === undefined || second !== undefined) return undefined;
  if (known !== undefined && known.address !== likely.address) return undefined;
  placeOf(member, ttl).verifiedAt = known?.at ?? never;
  return join(registry, member, ttl, likely.address);
};

const isVerified = (member: Member, ttl: number): boolean =>
  placeOf(member, ttl).verifiedAt > performance.now() - keptMs;

/**
 * Whose packet is next: the path whose turn was longest ago. A path without an answer of its own is asked for only each second time, since
 * its silence may be that of another router and counts for no path.
 */
const nextAsker = ({ members, asked, ttl }: Slot): Member | undefined => {
  const order = [...members].sort((a, b) => placeOf(a, ttl).askedAt - placeOf(b, ttl).askedAt);
  const isOthersTurn = asked?.isVerified === true;
  return order.find((member) => isVerified(member, ttl) !== isOthersTurn) ?? order[0];
};

const isFresh = (asked: Ask | undefined, { path: { intervalMs } }: Member): asked is Ask =>
  asked !== undefined && performance.now() - asked.at < intervalMs;

const ask = (registry: Registry, member: Member, ttl: number, before: string | undefined): Proof | undefined => {
  const place = placeOf(member, ttl);
  const slot = place.slot ?? joinLikely(registry, member, ttl, before);
  if (slot === undefined) return undefined;
  const { asked } = slot;
  const used = isFresh(asked, member) && place.used !== asked ? asked : askAnew(registry, slot, member.path.intervalMs);
  if (used === undefined) return undefined;
  place.used = used;
  return proofOf(used, slot, member);
};

const recall = (registry: Registry, member: Member, ttl: number): Proof | undefined => {
  const known = knownAt(registry, member, ttl);
  if (known?.address === undefined) return undefined;
  const slot = registry.slots.get(slotsKey(member, ttl))?.get(known.address);
  if (slot === undefined || !isFresh(slot.asked, member) || !slot.asked.isVerified) return undefined;
  const { asked } = slot;
  join(registry, member, ttl, slot.address);
  placeOf(member, ttl).verifiedAt = known.at;
  return proofOf(asked, slot, member);
};

const askAnew = (registry: Registry, slot: Slot, intervalMs: number): Ask | undefined => {
  const by = nextAsker(slot);
  if (by === undefined) return undefined;
  const { ttl } = slot;
  const place = placeOf(by, ttl);
  const now = performance.now();
  const gapMs = intervalMs * (1 + slack);
  const previous = slot.asked;
  const at = Math.max(now, (previous?.at ?? never) + gapMs);
  place.askedAt = at;
  const sendLate = async (): Promise<ProbeOutcome> => {
    // The previous packet may itself have been later than planned, and timers are early at times; a run that ends waits for nothing.
    for (let tries = 0; tries < mostWaits; tries += 1) {
      const left = (previous?.at ?? never) + gapMs - performance.now();
      if (left > 0) await by.path.sleep(left / 1_000);
    }
    // The wait may be over at once, before `asked` is there.
    await Promise.resolve();
    asked.at = performance.now();
    return by.path.send(ttl);
  };
  const outcome = at > now ? sendLate() : by.path.send(ttl);
  const asked: Ask = { at, by, isVerified: isVerified(by, ttl), outcome };
  slot.asked = asked;
  void outcome.then((came) => {
    if (place.slot !== slot) return;
    if (came.kind !== 'timeout') {
      learn(registry, by, ttl, undefined, came);
      return;
    }
    place.silent += 1;
    const most = asked.isVerified ? mostSilent.verified : mostSilent.other;
    if (place.silent < most || !answersOthers(slot, by)) return;
    registry.known.delete(knownKey(by, ttl));
    leave(registry, by, ttl);
  });
  return asked;
};

/** Whether a router answered most of the other paths when it was their turn. */
const answersOthers = ({ members, ttl }: Slot, but: Member): boolean => {
  const others = [...members].filter((member) => member !== but && isVerified(member, ttl));
  const answered = others.filter((member) => placeOf(member, ttl).silent === 0);
  return others.length > 0 && answered.length / others.length >= mostAnswered;
};

/** All for the path whose packet it was; for others an answer of the router, or a silence that cannot be another router's. */
const proofOf = async ({ by, isVerified: isSure, outcome: coming }: Ask, slot: Slot, member: Member): Proof => {
  const outcome = await coming;
  if (by === member) return isSure || outcome.kind !== 'timeout' ? outcome : undefined;
  if (!isSure || (outcome.kind !== 'hop' && outcome.kind !== 'timeout')) return undefined;
  return outcome.kind === 'timeout' || outcome.from === slot.address ? outcome : undefined;
};
