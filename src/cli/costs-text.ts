import type { Costs, ReceiverCost, VantageCost } from '../generate/costs.ts';
import { pricesText, type UsedPrices } from '../generate/prices.ts';
import { printable } from '../kernel/printable.ts';
import { counted, thousands } from './paint.ts';
import type { PlanChanges } from './plan-changes.ts';
import { columns } from './plan-text.ts';

/** What a plan found: the list's costs, those before, what changed, and which budgets it breaks. */
export type Plan = {
  readonly costs: Costs;
  readonly before: Costs | undefined;
  readonly changes: PlanChanges | undefined;
  readonly prices: UsedPrices;
  readonly over: readonly string[];
};

/** Money before and now. What it differs by is that of the cents that are shown. */
export const moneyDifference = (now: number, before: number): string =>
  difference(Math.round(now * 100) / 100, Math.round(before * 100) / 100, money);

/** Dollars and cents. */
export const money = (usd: number): string => `$${usd.toFixed(2)}`;
const rate = (perSecond: number): string => `${perSecond < 10 ? perSecond.toFixed(1) : thousands(perSecond)}/s`;
const usdOf = ({ usd }: VantageCost): number => usd.lambda + usd.requests + usd.scheduler;

/** Heads of the columns of {@link vantageRow}. */
export const vantageHead = [
  'vantage',
  'checks',
  'shards',
  'runs of',
  'invocations',
  'GB-s',
  'series',
  'samples',
  'a month',
];
/** What a vantage costs as the cells of a row. */
export const vantageRow = (one: VantageCost): readonly string[] => [
  one.vantage,
  one.found === 0 ? thousands(one.checks) : `${thousands(one.checks)} + ${thousands(one.found)}`,
  one.shards === 0 ? '-' : thousands(one.shards),
  one.shards === 0 ? '-' : `${one.secondsPerRun.toFixed(1)} s`,
  one.shards === 0 ? '-' : thousands(one.invocations),
  one.shards === 0 ? '-' : thousands(one.gbSeconds),
  thousands(one.series),
  rate(one.samplesPerSecond),
  one.kind === 'agent' ? '-' : money(usdOf(one)),
];

/** Heads of the columns of {@link receiverRow}. */
export const receiverHead = ['receiver', 'series', 'samples', 'a month'];
/** What a receiver takes in as the cells of a row. */
export const receiverRow = (one: ReceiverCost): readonly string[] => [
  one.receiver,
  thousands(one.series),
  `${rate(one.samplesPerSecond)}, ${thousands(one.samples / 1e6)} million a month`,
  one.usd === undefined ? 'your own' : money(one.usd),
];

/** What the figures rest on, as a sentence. */
export const assumed = ({ prices }: Plan): string =>
  `${pricesText(prices)}; runs are paced at twice the CPU that probes were measured to take, and wait a second for answers; paths have 12 hops.`;

/** What is said of targets that nobody has seen yet. */
export const boundOf = ({ vantages }: Costs): readonly string[] =>
  vantages.some(({ found }) => found > 0)
    ? [
        'What stands behind + is an upper bound: as many targets as clusters may publish, each an HTTPS check a minute with all its series.',
      ]
    : [];

/** A number before and now, and by how much it differs. */
export const difference = (now: number, before: number, show: (one: number) => string): string =>
  `${show(before)} -> ${show(now)} (${now >= before ? '+' : '-'}${show(Math.abs(now - before))})`;

type Change = PlanChanges[keyof PlanChanges][number];

/** A change as cells: what, of what, and how; `cut` shortens each value for itself. */
export const changeRow = (
  { what, key, before, after, ...rest }: Change,
  cut: (value: string) => string = (value) => value,
): readonly [string, string, string] => {
  const [was, is] = [before, after].map((value) => (value === undefined ? undefined : cut(value)));
  const how = what === 'changed' ? `${was ?? '(not set)'} -> ${is ?? '(not set)'}` : (is ?? was ?? '');
  if (!('target' in rest)) return [what, key ?? '', how];
  return [what, rest.target, key === undefined ? '' : `${key}: ${how}`];
};

/** The sections of what changes, as far as there is something in them. */
export const sectionsOf = (
  changes: PlanChanges,
): readonly { readonly title: string; readonly rows: readonly Change[] }[] =>
  [
    { title: 'List', rows: changes.list },
    { title: 'Targets', rows: changes.targets },
    { title: 'Alerting', rows: changes.alerting },
  ].filter(({ rows }) => rows.length > 0);

/** A plan for people on a terminal. */
export const costsText = (plan: Plan): string => {
  const { costs, before, changes } = plan;
  const lines = [
    ...columns([vantageHead, ...costs.vantages.map(vantageRow)]),
    '',
    ...(costs.receivers.length === 0
      ? ['  No receiver takes the samples.']
      : columns([receiverHead, ...costs.receivers.map(receiverRow)])),
    '',
    `Series by profile: ${profilesOf(costs)}.`,
    `Together ${counted(costs.series, 'series', 'series')} and ${money(costs.usd)} a month.`,
    ...boundOf(costs),
    printable(assumed(plan)),
  ];
  if (changes !== undefined && before !== undefined) {
    const sections = sectionsOf(changes);
    if (sections.length === 0) lines.push('', 'Nothing changes.');
    for (const { title, rows } of sections)
      lines.push('', `${title}: ${counted(rows.length, 'change')}`, ...columns(rows.map((row) => changeRow(row))));
    lines.push(
      '',
      `Series: ${difference(costs.series, before.series, thousands)}`,
      `Money: ${moneyDifference(costs.usd, before.usd)} a month`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
};

const profilesOf = ({ vantages }: Costs): string =>
  (['lean', 'standard', 'full'] as const)
    .map((profile) => `${profile} ${thousands(vantages.reduce((sum, one) => sum + one.seriesByProfile[profile], 0))}`)
    .join(', ');
