import { forwardedLosses, type HopCount } from './forwarded-loss.ts';
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
  /** Its name of earlier runs, or the address that answered most, in a round or else in the search; `undefined` without an answer. */
  readonly responder: string | undefined;
  /** Others that answered, those with most answers first; at most three. */
  readonly others: readonly string[];
  /** 1 where nothing could be sent. */
  readonly loss: number;
  /** What this hop and those before it did not pass on, judged by all hops behind it as well: {@link forwardedLosses}. */
  readonly forwardedLoss: number;
};

/** What earlier runs know of each hop, in the order of the hops. */
export type Earlier = {
  /** The name that a hop keeps although another of its routers answered more; nothing where there is none. */
  readonly names?: readonly (string | undefined)[];
  /** The packets of earlier runs and this one, from which the forwarded loss is taken; those of this run if not given. */
  readonly counts?: readonly HopCount[];
};

/** The hops with their responders and losses. */
export const hopViews = (hops: readonly Hop[], { names = [], counts }: Earlier = {}): HopView[] => {
  const forwarded = forwardedLosses(counts ?? hops.map(countOf));
  return hops.map((hop, index): HopView => {
    const ranked = responders(hop.answers);
    const responder = names[index] ?? ranked[0] ?? hop.found;
    return {
      ...hop,
      responder,
      others: ranked.filter((other) => other !== responder).slice(0, 3),
      loss: lossRatio(hop.sent, hop.answers.length),
      forwardedLoss: forwarded[index] ?? 1,
    };
  });
};

/** How many packets were sent to a hop, and how many it answered. */
export const countOf = ({ sent, answers }: Hop): HopCount => ({ sent, received: answers.length });

const responders = (answers: readonly HopAnswer[]): string[] => {
  const counts = new Map<string, number>();
  for (const { from } of answers) counts.set(from, (counts.get(from) ?? 0) + 1);
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([address]) => address);
};

/** The hop that nobody answers at, in a path. */
export const unknownHop = '*';

/** The path as a list of responders, {@link unknownHop} where nobody answered. */
export const pathOf = (hops: readonly HopView[]): string[] => hops.map(({ responder }) => responder ?? unknownHop);

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
