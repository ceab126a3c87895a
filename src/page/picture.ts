import type { StandsOn } from '../kernel/check.ts';
import type { CheckRow } from './status.ts';
import { type State, stateOf, wordOf } from './view.ts';

// The two ways as pictures, without a browser: who looks at what, and what an arrow between them says.

/** An arrow: who looks, how it is drawn, and a few words below it. */
export type Arrow = {
  readonly title: string;
  readonly from: string;
  readonly state: Exclude<State, 'silent'>;
  readonly text: string;
};

/** Something of the inside that a target stands on. `unseen`: whoever looks at it tells another page. */
export type Support = { readonly name: string; readonly state: State | 'unseen'; readonly word: string };

/** A target from both sides: seen by those outside, and what it stands on, seen by those beside it. An arrow that nobody here draws is not there. */
export type Picture = {
  readonly name: string;
  /** The host of its address; empty where nobody here looks at it. */
  readonly host: string;
  readonly outside: Arrow | undefined;
  readonly inside: Arrow | undefined;
  readonly on: readonly Support[];
  /** What both together mean, as a sentence. */
  readonly verdict: string;
};

/** Pictures that are drawn at most. */
export const mostPictures = 3;

/** A picture for each target that stands on something and is seen here, those that are not good first, then as in the list. */
export const picturesOf = (
  checks: readonly CheckRow[],
  standsOn: readonly StandsOn[],
  now: number,
): { readonly pictures: readonly Picture[]; readonly hidden: number } => {
  if (standsOn.length === 0) return { pictures: [], hidden: 0 };
  const named = Map.groupBy(checks, ({ name }) => name);
  const all = standsOn
    .flatMap((one) => pictureOf(one, named, now))
    .sort((a, b) => Number(isGood(a)) - Number(isGood(b)));
  return { pictures: all.slice(0, mostPictures), hidden: Math.max(0, all.length - mostPictures) };
};

const isGood = ({ outside, inside }: Picture): boolean =>
  [outside, inside].every((arrow) => arrow === undefined || arrow.state === 'good');

const pictureOf = ({ name, on }: StandsOn, named: ReadonlyMap<string, readonly CheckRow[]>, now: number): Picture[] => {
  const own = named.get(name) ?? [];
  const below = on.flatMap((one) => named.get(one) ?? []);
  if (own.length + below.length === 0) return [];
  const places = groupsBy(own, ({ vantage }) => vantage);
  const outside = arrowOf('outside in', own, `${goodOf(places, now)} of ${places.length} places good`, now, wordOf);
  const seen = groupsBy(below, nameOf);
  const count = `${goodOf(seen, now)} of ${seen.length} good`;
  const inside = arrowOf('inside out', below, count, now, nameAndWord);
  const supports = on.map((one) => supportOf(one, named.get(one) ?? [], now));
  const failing = supports.filter(({ state }) => state === 'failing').map((one) => one.name);
  const verdict = verdictOf(name, outside, inside, listed(failing));
  return [{ name, host: hostOf(own[0]?.instance ?? ''), outside, inside, on: supports, verdict }];
};

const supportOf = (name: string, checks: readonly CheckRow[], now: number): Support => {
  const [newest] = newestFailures(checks, now);
  const shown = newest ?? checks.find((check) => stateOf(check, now) !== 'good') ?? checks[0];
  if (shown === undefined) return { name, state: 'unseen', word: 'not seen from here' };
  return { name, state: stateOf(shown, now), word: wordOf(shown, now) };
};

const arrowOf = (
  title: string,
  checks: readonly CheckRow[],
  count: string,
  now: number,
  words: (check: CheckRow, now: number) => string,
): Arrow | undefined => {
  if (checks.length === 0) return undefined;
  const [newest] = newestFailures(checks, now);
  const isAllGood = checks.every((check) => stateOf(check, now) === 'good');
  return {
    title,
    from: listed([...new Set(checks.map(({ vantage }) => vantage))].sort()),
    state: newest !== undefined ? 'failing' : isAllGood ? 'good' : 'waiting',
    text: newest === undefined ? count : `${count}; ${words(newest, now)}`,
  };
};

const verdictOf = (name: string, outside: Arrow | undefined, inside: Arrow | undefined, failing: string): string => {
  const from = outside?.state;
  if (inside?.state === 'failing') {
    if (from === 'failing') return `${name} fails, and so does what it stands on: look at ${failing} first.`;
    if (from === 'good') return `${name} is still good; of what it stands on this fails: ${failing}.`;
    return `Of what ${name} stands on this fails: ${failing}.`;
  }
  if (from === 'failing')
    return inside?.state === 'good'
      ? `${name} fails, and what it stands on is good: look at ${name} itself and at the way to it.`
      : `${name} fails; what it stands on was not all looked at lately.`;
  if (inside?.state !== 'good' || from === 'waiting')
    return `Not everything that belongs to ${name} was looked at lately.`;
  return from === 'good'
    ? `${name} is good, and so is what it stands on.`
    : `What ${name} stands on is good, as far as it is seen from here.`;
};

/** The host of an instance that is a URL; another instance as it is. */
const hostOf = (instance: string): string => URL.parse(instance)?.host || instance;

/** One of the two ways: how many of its targets are good, and the newest failure. */
export type Way = {
  readonly side: CheckRow['side'];
  readonly arrow: Arrow;
  readonly to: string;
};

const ways = {
  outside: { title: 'outside in', to: 'what users open' },
  inside: { title: 'inside out', to: 'what it stands on' },
} as const;

/** Both ways with all their targets, for a list that does not say what stands on what; one, where there is only one. */
export const waysOf = (checks: readonly CheckRow[], now: number): readonly Way[] =>
  (['outside', 'inside'] as const).flatMap((side) => {
    const own = checks.filter((check) => check.side === side);
    const targets = groupsBy(own, nameOf);
    const count = `${goodOf(targets, now)} of ${targets.length} good`;
    const arrow = arrowOf(ways[side].title, own, count, now, nameAndWord);
    if (arrow === undefined) return [];
    return [{ side, arrow, to: `${ways[side].to}: ${listed(targets.map(([one]) => one?.name ?? '').sort())}` }];
  });

const nameOf = ({ name }: CheckRow): string => name;
const nameAndWord = (check: CheckRow, now: number): string => `${check.name}: ${wordOf(check, now)}`;

const groupsBy = (checks: readonly CheckRow[], key: (check: CheckRow) => string): readonly (readonly CheckRow[])[] => [
  ...Map.groupBy(checks, key).values(),
];

const goodOf = (groups: readonly (readonly CheckRow[])[], now: number): number =>
  groups.filter((group) => group.every((check) => stateOf(check, now) === 'good')).length;

/** What fails, the newest failure first: one that has lasted is known already. */
const newestFailures = (checks: readonly CheckRow[], now: number): readonly CheckRow[] =>
  checks
    .filter((check) => stateOf(check, now) === 'failing')
    .map((check) => ({ check, since: failingSince(check) }))
    .sort((a, b) => b.since - a.since)
    .map(({ check }) => check);

/** When the first of the failed runs in a row began, as far as they are kept. */
const failingSince = ({ recent, at = 0 }: CheckRow): number => {
  const lastGood = recent.findLastIndex(([, , good]) => good);
  return recent[lastGood + 1]?.[0] ?? at;
};

/** Some names, and how many more. */
const listed = (names: readonly string[]): string =>
  names.length <= 4 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
