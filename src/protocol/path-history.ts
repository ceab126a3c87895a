import { type Hop, unknownHop } from './hop-table.ts';

/** Who answered lately at one hop, over runs. */
type HopHistory = {
  /** Answers since the hop has been what it is. */
  readonly count: number;
  /** How likely the next answer is to come from a new address, 0 to 1, by the latest answers. */
  readonly novelty: number;
  /** Its routers, each with the number of its last answer. Several take turns where routes are balanced. */
  readonly members: ReadonlyMap<string, number>;
  /** The latest answers in a row that came from none of them. */
  readonly strangers: readonly string[];
};

/** A path over runs. */
export type PathHistory = {
  /** One router for each hop, {@link unknownHop} where none has answered yet. It stays the same while the path does. */
  readonly path: readonly string[];
  readonly hops: readonly HopHistory[];
  /** Whether the path leads to the target. */
  readonly isComplete: boolean;
};

/** The history of a path before its first run. */
export const noHistory: PathHistory = { path: [], hops: [], isComplete: false };

/** The fewest answers in a row, all from new addresses, that make a hop another one. */
const fewestForChange = 5;
/** So many from one new address are a change too, where little is known of the hop. */
const enoughOfOne = 10;
/** How likely so many new addresses in a row may be for a hop that is what it was. */
const mostLikely = 0.001;
/** The weight of an answer in the share of new addresses. */
const noveltyWeight = 0.1;
/** A router that has not been seen for so many answers of its hop, and ten for each router, has left it. */
const mostAge = 100;
const mostMembers = 64;

const noHop: HopHistory = { count: 0, novelty: 1, members: new Map(), strangers: [] };

/**
 * Adds the answers of a run to the history of a path. `changedAt` is the first hop (from 0 on) that became another one: its routers are a set,
 * and a change is when five answers in a row come from none of them, more than five where new addresses have been frequent. Balanced routes, where routers take turns, are no change, and neither is silence.
 */
export const addPath = (
  history: PathHistory,
  hops: readonly Pick<Hop, 'answers' | 'found'>[],
  isReached: boolean,
): { readonly history: PathHistory; readonly changedAt: number | undefined } => {
  const folded = hops.map((hop, index) => addAnswers(history.hops[index] ?? noHop, hop));
  const changed = folded.findIndex(({ hasChanged }) => hasChanged);
  const changedAt = changed < 0 ? undefined : changed;
  const grown = history.isComplete ? history.path.length : Math.max(hops.length, history.path.length);
  const next = Array.from({ length: changedAt === undefined ? grown : hops.length }, (_, index): HopHistory => {
    // Behind a hop that has changed the path is another one, which is learned from the beginning.
    if (changedAt !== undefined && index > changedAt) return addAnswers(noHop, hops[index]).history;
    return folded[index]?.history ?? history.hops[index] ?? noHop;
  });
  const path = next.map((hop, index) => {
    const isNew = changedAt !== undefined && index >= changedAt;
    const known = isNew ? unknownHop : (history.path[index] ?? unknownHop);
    const isKept = known !== unknownHop && (hop.members.size === 0 || isRecent(known, hop));
    return isKept ? known : (nameOf(hops[index], hop) ?? known);
  });
  const isComplete = isReached || (history.isComplete && changedAt === undefined);
  return { history: { path, hops: next, isComplete }, changedAt };
};

/** Whether all answers of a hop came from its routers. */
export const isOfHop = (history: HopHistory | undefined, { answers }: Pick<Hop, 'answers'>): boolean =>
  answers.length > 0 && answers.every(({ from }) => history?.members.has(from) === true);

const addAnswers = (
  before: HopHistory,
  { answers }: Pick<Hop, 'answers'> = { answers: [] },
): { readonly history: HopHistory; readonly hasChanged: boolean } => {
  if (answers.length === 0) return { history: before, hasChanged: false };
  let { count, novelty } = before;
  let members = new Map(before.members);
  let strangers = [...before.strangers];
  let hasChanged = false;
  const enter = (address: string) => {
    novelty += noveltyWeight * ((members.has(address) ? 0 : 1) - novelty);
    // At the end of the order, so that the first is the one unseen for longest.
    members.delete(address);
    members.set(address, count);
    const [oldest] = members.keys();
    if (members.size > mostMembers && oldest !== undefined) members.delete(oldest);
  };
  const enterAll = () => {
    for (const each of strangers) enter(each);
    strangers = [];
  };
  for (const { from } of answers) {
    count += 1;
    if (members.size === 0 || isRecent(from, { ...before, members, count })) {
      // A router of this hop answers between them, so the strangers only take turns with it.
      enterAll();
      enter(from);
      continue;
    }
    strangers.push(from);
    if (isChange(strangers, novelty)) {
      hasChanged = true;
      members = new Map();
      novelty = 1;
      count = strangers.length;
      enterAll();
    } else if (strangers.length >= mostMembers) enterAll();
  }
  return { history: { count, novelty, members, strangers }, hasChanged };
};

/** Whether answers in a row from new addresses are more than routers that take turns would give. */
const isChange = (strangers: readonly string[], novelty: number): boolean =>
  (strangers.length >= fewestForChange && novelty ** strangers.length < mostLikely) ||
  (strangers.length >= enoughOfOne && strangers.every((each) => each === strangers[0]));

/** Whether a router has answered lately; where many take turns, later. */
const isRecent = (name: string, { members, count }: HopHistory): boolean =>
  count - (members.get(name) ?? Number.NEGATIVE_INFINITY) <= mostAge + 10 * members.size;

/** The router that answered most in a run, of those that the hop has; else whoever answered while the path was being found. */
const nameOf = (hop: Pick<Hop, 'answers' | 'found'> | undefined, { members }: HopHistory): string | undefined => {
  const counts = new Map<string, number>();
  for (const { from } of hop?.answers ?? []) if (members.has(from)) counts.set(from, (counts.get(from) ?? 0) + 1);
  const [most] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return most?.[0] ?? hop?.found;
};
