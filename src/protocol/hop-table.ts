import { lossRatio } from './statistics.ts';

/** One answer of a hop: whose it was, and after how long, in seconds. */
export type HopAnswer = { readonly from: string; readonly rtt: number };

/** What was sent with one time to live, and what came back. */
export type Hop = {
  /** From 1 on. */
  readonly ttl: number;
  readonly sent: number;
  readonly late: number;
  /** Who answered while the path was being searched, which is not counted. */
  readonly found: string | undefined;
  /** In the order of sending. */
  readonly answers: readonly HopAnswer[];
};

/** How a path ended. */
export const endStates = {
  reached: 'The target answered.',
  unreachable: 'Somebody on the way said that the target cannot be reached.',
  silent: 'Nobody answered from some hop on.',
  loop: 'Routers hand the packets round in a circle.',
  max_hops: 'Routers still answered at the last hop that was tried.',
} as const;

/** A key of {@link endStates}. */
export type EndState = keyof typeof endStates;

/** A hop as it is told: who is there, and how much is lost. Ratios are 0 to 1. */
export type HopView = Hop & {
  /** Whoever answered most; in a round or else in the search; `undefined` when nobody did. */
  readonly responder: string | undefined;
  /** Others that answered, those with most answers first; at most three. */
  readonly others: readonly string[];
  /** 1 where nothing could be sent. */
  readonly loss: number;
  /** The least loss of this hop and all behind it: what this hop loses that it should have passed on. A router that answers seldom loses nothing. */
  readonly forwardedLoss: number;
};

/** The hops with their responders; `before` breaks ties, so that two equal routers do not take turns from run to run. */
export const hopViews = (hops: readonly Hop[], before: readonly string[] = []): HopView[] => {
  const views: HopView[] = [];
  let least = 1;
  for (let index = hops.length - 1; index >= 0; index -= 1) {
    const hop = hops[index];
    if (hop === undefined) continue;
    const ranked = responders(hop.answers, before[index]);
    const loss = lossRatio(hop.sent, hop.answers.length);
    if (hop.sent > 0) least = Math.min(least, loss);
    views.unshift({
      ...hop,
      responder: ranked[0] ?? hop.found,
      others: ranked.slice(1, 4),
      loss,
      forwardedLoss: least,
    });
  }
  return views;
};

const responders = (answers: readonly HopAnswer[], before: string | undefined): string[] => {
  const counts = new Map<string, number>();
  for (const { from } of answers) counts.set(from, (counts.get(from) ?? 0) + 1);
  const weight = (address: string) => (counts.get(address) ?? 0) + (address === before ? 0.5 : 0);
  return [...counts.keys()].sort((a, b) => weight(b) - weight(a) || (a < b ? -1 : 1));
};

/** The hop that nobody answers at, in a path. */
const unknownHop = '*';

/** The path as a list of responders, {@link unknownHop} where nobody answered. */
export const pathOf = (hops: readonly HopView[]): string[] => hops.map(({ responder }) => responder ?? unknownHop);

/** Whether two paths may be the same: as long, and no hop that both know is another. */
export const isSamePath = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((hop, index) => hop === b[index] || hop === unknownHop || b[index] === unknownHop);

/** The newer path, with what the older knew where the newer has nobody. Both are of one length. */
export const mergePaths = (older: readonly string[], newer: readonly string[]): string[] =>
  newer.map((hop, index) => (hop === unknownHop ? (older[index] ?? unknownHop) : hop));

/**
 * A number for a path, 32 bits: FNV-1a over the text of its hops with `>` between.
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
export const pathHash = (path: readonly string[]): number => {
  let hash = 0x811c9dc5;
  const text = path.join('>');
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
};

/**
 * Whether the responders in order of their hops go round in a circle: two hops or more whose responder was there before. One is no
 * proof: a router may answer for the one behind it.
 */
export const isLoop = (responder: readonly (string | undefined)[]): boolean => {
  const seen = new Set<string>();
  let repeated = 0;
  for (const address of responder) {
    if (address === undefined) continue;
    if (seen.has(address)) repeated += 1;
    seen.add(address);
  }
  return repeated >= 2;
};
