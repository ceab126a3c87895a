import type { CheckRow, FoundRow, Status } from './status.ts';

// What the page says, without a browser: words, groups, shapes.

/** How a check stands. `silent`: it has not been run for three intervals. */
export type State = 'good' | 'failing' | 'waiting' | 'silent';

/** How a state is drawn, so that colour is not all that tells it. */
export const shapes = { good: '✓', failing: '✗', waiting: '…', silent: '?' } as const satisfies Record<State, string>;

/** A target with its cell at each vantage of its side. */
export type Row = {
  readonly key: string;
  readonly name: string;
  readonly instance: string;
  readonly cells: readonly (CheckRow | undefined)[];
};

/** All targets of a side. `hidden` rows are not shown because there are too many. */
export type Section = {
  readonly side: CheckRow['side'];
  readonly title: string;
  readonly vantages: readonly string[];
  readonly rows: readonly Row[];
  readonly hidden: number;
};

/** What somebody wants to see. */
export type Wish = { readonly text: string; readonly onlyFailing: boolean };

/** Rows of a section that are drawn at most. */
export const mostRows = 200;

/** Above this a run's times are not to be trusted, in seconds. */
export const doubtful = 0.006;

/** How a check stands now. */
export const stateOf = ({ at, up, intervalMs }: CheckRow, now: number): State => {
  if (at === undefined || up === undefined) return 'waiting';
  if (intervalMs !== undefined && now - at > 3 * intervalMs + 10_000) return 'silent';
  return up ? 'good' : 'failing';
};

const titles = { outside: 'What users see', inside: 'What workloads depend on' } as const;

/** The checks as tables, one a side, targets in the order of their names. */
export const sectionsOf = (checks: readonly CheckRow[], wish: Wish, now: number): readonly Section[] =>
  (['outside', 'inside'] as const).flatMap((side) => {
    const own = checks.filter((check) => check.side === side);
    if (own.length === 0) return [];
    const vantages = [...new Set(own.map(({ vantage }) => vantage))].sort();
    const rows = rowsOf(own, vantages).filter((row) => isWanted(row, wish, now));
    return [
      {
        side,
        title: titles[side],
        vantages,
        rows: rows.slice(0, mostRows),
        hidden: Math.max(0, rows.length - mostRows),
      },
    ];
  });

const rowsOf = (checks: readonly CheckRow[], vantages: readonly string[]): readonly Row[] => {
  const groups = Map.groupBy(checks, ({ name, instance }) => `${name}\n${instance}`);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, group]) => ({
      key,
      name: group[0]?.name ?? '',
      instance: group[0]?.instance ?? '',
      cells: vantages.map((vantage) => group.find((check) => check.vantage === vantage)),
    }));
};

const isWanted = ({ cells }: Row, { text, onlyFailing }: Wish, now: number): boolean => {
  const checks = cells.filter((cell) => cell !== undefined);
  const wanted = text.trim().toLowerCase();
  return (
    (!onlyFailing || checks.some((check) => stateOf(check, now) !== 'good')) &&
    (wanted === '' || checks.some((check) => searchText(check).includes(wanted)))
  );
};

const searchText = ({ name, instance, vantage, failures, labels }: CheckRow): string =>
  [name, instance, vantage, ...failures.map(({ reason }) => reason), ...Object.values(labels)].join(' ').toLowerCase();

/** The whole in one sentence. */
export const sentence = (checks: readonly CheckRow[], now: number): string => {
  const targets = Map.groupBy(checks, ({ name }) => name);
  const failing = (side: CheckRow['side']) =>
    [...targets.values()].filter((group) => group.some((one) => one.side === side && stateOf(one, now) === 'failing'))
      .length;
  const good = [...targets.values()].filter((group) => group.every((one) => stateOf(one, now) === 'good')).length;
  const parts = [
    ...(failing('outside') > 0 ? [`${failing('outside')} fail from outside`] : []),
    ...(failing('inside') > 0 ? [`${failing('inside')} fail from inside`] : []),
  ];
  if (checks.length === 0) return 'There are no checks yet.';
  return `${good} of ${targets.size} targets are good everywhere${parts.length === 0 ? '' : `; ${parts.join(', ')}`}.`;
};

/** A duration for people: `0.8 ms`, `12 ms`, `1.4 s`. */
export const msText = (seconds: number): string => {
  const ms = seconds * 1_000;
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  return ms < 1_000 ? `${ms.toFixed(0)} ms` : `${seconds.toFixed(1)} s`;
};

/** How long ago: `now`, `12 s ago`, `3 min ago`, `2 h ago`. */
export const ageText = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 2) return 'now';
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3_600)} h ago`;
};

/** What a block of `discover` has, and why that may be out of date. */
export const foundText = ({ source, targets, problem }: FoundRow): string =>
  problem === undefined
    ? `${targets} found by ${source}`
    : `${source}: ${problem}; ${targets} found before stay in use`;

/** What a cell says in a word: the reason while it fails. */
export const wordOf = (check: CheckRow, now: number): string => {
  const state = stateOf(check, now);
  if (state === 'failing') return check.failures[0]?.reason ?? 'failing';
  return state === 'good' && check.seconds !== undefined ? msText(check.seconds) : state;
};

/** A cell as a sentence, for those who hear the page. */
export const cellSentence = (check: CheckRow, now: number): string => {
  const { name, vantage, seconds, at, failures } = check;
  const state = stateOf(check, now);
  const why = state === 'failing' ? `: ${failures.map(({ phase, reason }) => `${reason} in ${phase}`).join(', ')}` : '';
  const took = seconds === undefined ? '' : `, ${msText(seconds)}`;
  const when = at === undefined ? '' : `, ${ageText(now - at)}`;
  return `${name} from ${vantage} is ${state}${why}${took}${when}`;
};

/** Points of a line through `recent` in a box, from 0 at the bottom; empty for fewer than two runs. */
export const sparkline = (recent: CheckRow['recent'], width: number, height: number): string => {
  const last = recent.slice(-40);
  if (last.length < 2) return '';
  const most = Math.max(...last.map(([, seconds]) => seconds), 0.001);
  return last
    .map(([, seconds], index) => {
      const x = (index / (last.length - 1)) * width;
      const y = height - (seconds / most) * (height - 2) - 1;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
};

/** Phases with their share of the whole, in percent; none for a run without any. */
export const phaseShares = (
  phases: CheckRow['phases'],
): readonly { readonly phase: string; readonly seconds: number; readonly percent: number }[] => {
  const sum = phases.reduce((total, [, seconds]) => total + seconds, 0);
  if (sum <= 0) return [];
  return phases
    .filter(([, seconds]) => seconds > 0)
    .map(([phase, seconds]) => ({ phase, seconds, percent: (seconds / sum) * 100 }));
};

/** Days until a certificate expires, and how urgent that is. */
export const certificateState = (
  expiresAt: number,
  now: number,
): { readonly text: string; readonly level: 'good' | 'warn' | 'bad' } => {
  const days = Math.trunc((expiresAt - now) / 86_400_000);
  if (expiresAt < now) return { text: `expired ${-days} ${days === -1 ? 'day' : 'days'} ago`, level: 'bad' };
  return { text: `${days} ${days === 1 ? 'day' : 'days'} left`, level: days < 7 ? 'bad' : days < 21 ? 'warn' : 'good' };
};

/** What changed from good to failing or back between two answers, as sentences. */
export const changes = (before: Status | undefined, after: Status): readonly string[] => {
  const was = new Map(before?.checks.map((check) => [check.id, check.up]));
  return after.checks
    .filter((check) => was.get(check.id) !== undefined && check.up !== undefined && was.get(check.id) !== check.up)
    .map((check) => cellSentence(check, after.now));
};
