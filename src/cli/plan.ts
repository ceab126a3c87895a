import * as z from 'zod';
import type { KnownItems } from '../config/yaml-file.ts';
import { type Costs, costsOf } from '../generate/costs.ts';
import { printable } from '../kernel/printable.ts';
import { jsonText } from '../protocol/json-text.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { costsMarkdown } from './costs-markdown.ts';
import { costsText, type Plan } from './costs-text.ts';
import { wrongInAnyStage } from './deploy.ts';
import { openList } from './open-list.ts';
import { pricesFor } from './own-prices.ts';
import { listBefore, planChanges } from './plan-changes.ts';
import { listFlag, usualConfig } from './usual-config.ts';

const usd = z.string().regex(/^\d{1,12}(?:\.\d{1,6})?$/, 'write dollars a month, for example 150');
const series = z.string().regex(/^\d{1,12}$/, 'write a whole number of series, for example 60000');

/** `bothways plan`: what a list makes and costs. */
export const plan = defineCommand({
  name: 'plan',
  summary: 'Says how many series a list makes and what it costs, and what a change to it changes.',
  details:
    'Counts shards, invocations, samples and active series for each vantage, and dollars a month at list prices of us-east-1 without free tiers. With --from it compares with an older list, and says all that changes: keys of the list itself, targets, alerting, series, money. When a budget is broken (the list has `budget: { usd, series }`, or the flags), the exit code is 1.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    from: z
      .array(z.string())
      .default([])
      .describe('The list before, to compare with: files, or the folder of a repository.')
      .meta({ value: 'FILE' }),
    budgetUsd: usd.optional().describe('Dollars a month that it may cost.').meta({ value: 'USD' }),
    budgetSeries: series.optional().describe('Active series that it may make.').meta({ value: 'N' }),
    prices: z.string().optional().describe('File with own prices, in dollars for one unit.').meta({ value: 'FILE' }),
    json: z.boolean().default(false).describe('Prints a JSON object.'),
    markdown: z.boolean().default(false).describe('Prints Markdown, for a comment at a pull request.'),
  }),
  examples: [
    'bothways plan',
    'bothways plan --from ../main --markdown',
    'bothways plan --config targets.yaml --budget-usd 150 --budget-series 60000',
  ],
  run: async (args, io) => {
    if (args.json && args.markdown) return wrongUsage(io, 'write --json or --markdown, not both');
    const prices = await pricesFor(args.prices);
    if (typeof prices === 'string') return wrongUsage(io, printable(prices));
    const known: KnownItems = new Map();
    const list = await openList(args.config, io, args.from.length === 0 ? {} : { known });
    if (list === undefined) return 2;
    const older = args.from.length === 0 ? undefined : await listBefore(args.from, io, known);
    const tooLarge = wrongInAnyStage(list);
    if (tooLarge !== undefined) return wrongUsage(io, tooLarge);
    const before = typeof older === 'string' ? undefined : older;
    const costs = costsOf(list, prices.unit);
    const { budget } = list.list;
    const found: Plan = {
      costs: { ...costs, warnings: [...(typeof older === 'string' ? [older] : []), ...costs.warnings] },
      before: before && costsOf(before, prices.unit),
      changes: before && planChanges(before, { ...list, paths: usualConfig(args.config) }),
      prices,
      over: overBudget(costs, {
        usd: args.budgetUsd === undefined ? budget?.usd : Number(args.budgetUsd),
        series: args.budgetSeries === undefined ? budget?.series : Number(args.budgetSeries),
      }),
    };
    io.stdout.write(args.json ? planJson(found) : args.markdown ? costsMarkdown(found) : costsText(found));
    return endOf(found, args.json, io);
  },
});

const planJson = ({ prices, ...rest }: Plan): string => `${jsonText({ prices: prices.all, ...rest })}\n`;

const endOf = ({ over, costs }: Plan, json: boolean, io: Io): ExitCode => {
  if (!json) for (const warning of costs.warnings) io.stderr.write(`warning: ${printable(warning)}\n`);
  for (const one of over) io.stderr.write(`bothways: ${one}\n`);
  return over.length === 0 ? 0 : 1;
};

const overBudget = (
  { usd, series }: Costs,
  budget: { readonly usd: number | undefined; readonly series: number | undefined },
): readonly string[] => [
  ...(budget.usd !== undefined && usd > budget.usd
    ? [`$${usd.toFixed(2)} a month is $${(usd - budget.usd).toFixed(2)} over the budget of $${budget.usd}`]
    : []),
  ...(budget.series !== undefined && series > budget.series
    ? [`${series} series are ${series - budget.series} over the budget of ${budget.series}`]
    : []),
];
