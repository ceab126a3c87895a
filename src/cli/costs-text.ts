import type { Costs, ReceiverCost, VantageCost } from '../generate/costs.ts';
import type { ListChange } from '../generate/list-changes.ts';
import { pricesDate } from '../generate/prices.ts';
import { counted, thousands } from './paint.ts';
import { columns } from './plan-text.ts';

/** What a plan found: the list's costs, those before, what changed, and which budgets it breaks. */
export type Plan = {
  readonly costs: Costs;
  readonly before: Costs | undefined;
  readonly changes: readonly ListChange[] | undefined;
  readonly over: readonly string[];
};

const money = (usd: number): string => `$${usd.toFixed(2)}`;
const rate = (perSecond: number): string => `${perSecond < 10 ? perSecond.toFixed(1) : thousands(perSecond)}/s`;
const usdOf = ({ usd }: VantageCost): number => usd.lambda + usd.requests + usd.scheduler;

const vantageHead = ['vantage', 'checks', 'shards', 'runs of', 'invocations', 'GB-s', 'series', 'samples', 'a month'];
const vantageRow = (one: VantageCost): readonly string[] => [
  one.vantage,
  thousands(one.checks),
  one.shards === 0 ? '-' : thousands(one.shards),
  one.shards === 0 ? '-' : `${one.secondsPerRun.toFixed(1)} s`,
  one.shards === 0 ? '-' : thousands(one.invocations),
  one.shards === 0 ? '-' : thousands(one.gbSeconds),
  thousands(one.series),
  rate(one.samplesPerSecond),
  one.kind === 'agent' ? '-' : money(usdOf(one)),
];

const receiverHead = ['receiver', 'series', 'samples', 'a month'];
const receiverRow = (one: ReceiverCost): readonly string[] => [
  one.receiver,
  thousands(one.series),
  `${rate(one.samplesPerSecond)}, ${thousands(one.samples / 1e6)} million a month`,
  one.usd === undefined ? 'your own' : money(one.usd),
];

const assumed = `List prices of us-east-1 as of ${pricesDate}, without free tiers; runs are paced at twice the CPU that probes were measured to take, and wait a second for answers; paths have 12 hops.`;

const difference = (now: number, before: number, show: (one: number) => string): string =>
  `${show(before)} -> ${show(now)} (${now >= before ? '+' : '-'}${show(Math.abs(now - before))})`;

const changeRow = ({ what, target, key, before, after }: ListChange): readonly string[] =>
  key === undefined ? [what, target] : [what, target, `${key}: ${before ?? '(not set)'} -> ${after ?? '(not set)'}`];

/** A plan for people on a terminal. */
export const costsText = ({ costs, before, changes }: Plan): string => {
  const lines = [
    ...columns([vantageHead, ...costs.vantages.map(vantageRow)]),
    '',
    ...(costs.receivers.length === 0
      ? ['  No receiver takes the samples.']
      : columns([receiverHead, ...costs.receivers.map(receiverRow)])),
    '',
    `Series by profile: ${profilesOf(costs)}.`,
    `Together ${counted(costs.series, 'series', 'series')} and ${money(costs.usd)} a month.`,
    assumed,
  ];
  if (changes !== undefined && before !== undefined)
    lines.push(
      '',
      changes.length === 0 ? 'No target changes.' : `${counted(changes.length, 'change')}:`,
      ...columns(changes.map(changeRow)),
      `Series: ${difference(costs.series, before.series, thousands)}`,
      `Money: ${difference(costs.usd, before.usd, money)} a month`,
    );
  return lines.map((line) => `${line}\n`).join('');
};

const profilesOf = ({ vantages }: Costs): string =>
  (['lean', 'standard', 'full'] as const)
    .map((profile) => `${profile} ${thousands(vantages.reduce((sum, one) => sum + one.seriesByProfile[profile], 0))}`)
    .join(', ');

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
const table = (rows: readonly (readonly string[])[]): string =>
  rows
    .flatMap((row, index) => [row, ...(index === 0 ? [row.map(() => '---')] : [])])
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');

/** How many changes a comment shows. */
const mostChanges = 200;

/** A plan as Markdown, for a comment at a pull request. */
export const costsMarkdown = ({ costs, before, changes, over }: Plan): string => {
  const head =
    before === undefined
      ? `${thousands(costs.series)} series, ${money(costs.usd)} a month`
      : `Series ${difference(costs.series, before.series, thousands)}, money ${difference(costs.usd, before.usd, money)} a month`;
  const parts = [
    `### Bothways plan\n\n**${head}**`,
    ...over.map((one) => `> **Over budget:** ${one}`),
    ...costs.warnings.map((one) => `> ${one}`),
  ];
  if (changes !== undefined) {
    const shown = changes.slice(0, mostChanges);
    const more = changes.length - shown.length;
    parts.push(
      changes.length === 0
        ? 'No target changes.'
        : `<details><summary>${counted(changes.length, 'change')}</summary>\n\n${table([['', 'target', 'setting'], ...shown.map((one) => [...changeRow(one), ''].slice(0, 3))])}${more > 0 ? `\n\n… and ${more} more` : ''}\n\n</details>`,
    );
  }
  parts.push(
    `<details><summary>Vantages and receivers</summary>\n\n${table([vantageHead, ...costs.vantages.map(vantageRow)])}\n\n${costs.receivers.length === 0 ? '' : table([receiverHead, ...costs.receivers.map(receiverRow)])}\n\n${assumed}\n\n</details>`,
  );
  return `${parts.join('\n\n')}\n`;
};
