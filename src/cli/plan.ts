import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import * as z from 'zod';
import { type Costs, costsOf } from '../generate/costs.ts';
import { listChanges } from '../generate/list-changes.ts';
import { ownPrices, pricesDate, type UnitPrices, unitPrices } from '../generate/prices.ts';
import { stackFor } from '../generate/aws/stack.ts';
import { regionsOf } from '../generate/regions.ts';
import { costsMarkdown, costsText, type Plan } from './costs-text.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { type OpenList, openList } from './open-list.ts';
import { printable } from './paint.ts';
import { listFlag, usualConfig } from './usual-config.ts';

const amount = (what: string) =>
  z
    .string()
    .regex(/^\d{1,12}(?:\.\d{1,6})?$/, `write ${what}, for example 150`)
    .optional();

/** `bothways plan`: what a list makes and costs. */
export const plan = defineCommand({
  name: 'plan',
  summary: 'Says how many series a list makes and what it costs, and what a change to it changes.',
  details:
    'Counts shards, invocations, samples and active series for each vantage, and dollars a month at list prices of us-east-1 without free tiers. With --from it compares with an older list. When a budget is broken (the list has `budget: { usd, series }`, or the flags), the exit code is 1.',
  positional: [],
  args: z.strictObject({
    config: listFlag,
    from: z.array(z.string()).default([]).describe('The list before, to compare with.').meta({ value: 'FILE' }),
    budgetUsd: amount('dollars a month').describe('Dollars a month that it may cost.').meta({ value: 'USD' }),
    budgetSeries: amount('a number of series').describe('Active series that it may make.').meta({ value: 'N' }),
    prices: z.string().optional().describe('File with own prices, in dollars for one unit.').meta({ value: 'FILE' }),
    json: z.boolean().default(false).describe('Prints a JSON object.'),
    markdown: z.boolean().default(false).describe('Prints Markdown, for a comment at a pull request.'),
  }),
  examples: [
    'bothways plan',
    'bothways plan --from main/bothways.yml --markdown',
    'bothways plan --config targets.yaml --budget-usd 150 --budget-series 60000',
  ],
  run: async (args, io) => {
    const paths = usualConfig(args.config);
    if (paths.length === 0) return wrongUsage(io, 'plan needs a list: --config FILE');
    if (args.json && args.markdown) return wrongUsage(io, 'write --json or --markdown, not both');
    const unit = args.prices === undefined ? unitPrices() : await readPrices(args.prices);
    if (typeof unit === 'string') return wrongUsage(io, printable(unit));
    const list = await openList(paths, io);
    const older = args.from.length === 0 ? undefined : await openList(args.from, io);
    if (list === undefined || (args.from.length > 0 && older === undefined)) return 2;
    const tooLarge = stackProblem(list);
    if (tooLarge !== undefined) return wrongUsage(io, tooLarge);
    const costs = costsOf(list, unit);
    const { budget } = list.list;
    const found: Plan = {
      costs,
      before: older === undefined ? undefined : costsOf(older, unit),
      changes: older === undefined ? undefined : listChanges(older.checks, list.checks),
      over: overBudget(costs, {
        usd: args.budgetUsd === undefined ? budget?.usd : Number(args.budgetUsd),
        series: args.budgetSeries === undefined ? budget?.series : Number(args.budgetSeries),
      }),
    };
    io.stdout.write(
      args.json
        ? `${JSON.stringify({ prices: args.prices ?? pricesDate, ...found })}\n`
        : args.markdown
          ? costsMarkdown(found)
          : costsText(found),
    );
    return endOf(found, args.json, io);
  },
});

const endOf = ({ over, costs }: Plan, json: boolean, io: Io): ExitCode => {
  if (!json) for (const warning of costs.warnings) io.stderr.write(`warning: ${warning}\n`);
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

/** Why a region's part is more than one stack holds. */
const stackProblem = (list: OpenList): string | undefined => {
  try {
    for (const region of regionsOf(list)) stackFor(region, 'plan', list.list.aws);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
};

/** Own prices from a file of YAML or JSON, or what is wrong with it. */
const readPrices = async (path: string): Promise<UnitPrices | string> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return `--prices: ${path} cannot be read`;
  const read = ownPrices.safeParse(parsed(text));
  if (read.success) return unitPrices(read.data);
  const [issue] = read.error.issues;
  if (issue?.code === 'unrecognized_keys')
    return `--prices: ${path}: unknown key ${issue.keys[0]}; known are ${Object.keys(ownPrices.shape).join(', ')}`;
  return `--prices: ${path} ${issue?.path.join('.') ?? ''}: ${issue?.path.length === 0 ? 'write a mapping of prices' : 'write dollars for one unit'}`;
};

const parsed = (text: string): unknown => {
  try {
    return parse(text, { logLevel: 'error' });
  } catch {
    return undefined;
  }
};
