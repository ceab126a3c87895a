import * as z from 'zod';

/** A price up to so many units a month, counted from the first one; the last tier has no end. */
export type Tier = { readonly usd: number; readonly up_to?: number | undefined };

/** Dollars for one unit: the same for all, or tier by tier. */
export type UnitPrice = number | readonly Tier[];

/** A price with where it is from. `usd` is per `per` units. */
export type Price = {
  readonly usd: UnitPrice;
  readonly per: number;
  readonly unit: string;
  /** AWS's own page of it. */
  readonly source: string;
  /** When the figure was read, by whoever `checked` names. */
  readonly date: string;
  /** What the figure was compared with. */
  readonly checked: string;
};

const lambda = {
  source: 'https://aws.amazon.com/lambda/pricing/',
  date: '2026-09-06',
  checked: "AWS's price list AWSLambda, as another project read it on that day, and several third-party summaries",
};

/**
 * List prices of us-east-1, without free tiers. Other regions differ by up to a third; `--prices` takes those of an account.
 * None was read on AWS's own page, which fills in its figures by script: `checked` says who read it where.
 */
export const prices = {
  lambda_gb_second: {
    usd: 0.0000133334,
    per: 1,
    unit: 'GB-second of a function on arm64, up to 7.5 billion a month',
    ...lambda,
  },
  lambda_request: { usd: 0.2, per: 1e6, unit: 'invocation of a function', ...lambda },
  scheduler_invocation: {
    usd: 1,
    per: 1e6,
    unit: 'invocation by EventBridge Scheduler; the first 14 million a month are free',
    source: 'https://aws.amazon.com/eventbridge/pricing/',
    date: '2026-03-13',
    checked: "a third-party summary of that day, and AWS's pricing API as another project read it on 2025-10-28",
  },
  sqs_request: {
    usd: 0.5,
    per: 1e6,
    unit: 'request to a FIFO queue; there is none yet, so none is counted',
    source: 'https://aws.amazon.com/sqs/pricing/',
    date: '2026-06-30',
    checked: 'a bill for that month that somebody published (147.8 million requests), and two third-party summaries',
  },
  amp_sample: {
    usd: [{ usd: 0.9, up_to: 2e9 }, { usd: 0.35, up_to: 252e9 }, { usd: 0.16 }],
    per: 1e7,
    unit: 'sample taken in by Amazon Managed Service for Prometheus',
    source: 'https://aws.amazon.com/prometheus/pricing/',
    date: '2026-09-11',
    checked:
      "first tier: AWS's price list AmazonPrometheus of that day, as another project keeps it; the others: three copies of AWS's page that agree, one of May 2023 and two without a date",
  },
} as const satisfies Readonly<Record<string, Price>>;

/** A key of {@link prices}. */
export type PriceName = keyof typeof prices;

/** Dollars for one unit of each. */
export type UnitPrices = Readonly<Record<PriceName, UnitPrice>>;

const usd = z.number().nonnegative();
const tiers = z
  .array(z.strictObject({ usd, up_to: z.number().positive().optional() }))
  .min(1)
  .refine((all) => all.every(({ up_to }, index) => isInOrder(up_to, all[index - 1]?.up_to, index === all.length - 1)), {
    error: 'write `up_to` in rising order in all tiers but the last',
  });

const isInOrder = (end: number | undefined, before: number | undefined, isLast: boolean): boolean =>
  isLast ? end === undefined : end !== undefined && end > (before ?? 0);

/** What a file of own prices may hold: dollars for one unit, or tiers of such. */
export const ownPrices = z.strictObject(
  Object.fromEntries(
    Object.entries(prices).map(([name, { unit }]) => [
      name,
      z.union([usd, tiers]).optional().describe(`Dollars for one ${unit}.`),
    ]),
  ),
);

/** Prices that somebody has instead. */
export type OwnPrices = Readonly<Record<string, UnitPrice | undefined>>;

/** A price as it was reckoned with: dollars for one unit, and where that is from. */
type Used = Omit<Price, 'per'> | { readonly usd: UnitPrice; readonly unit: string; readonly source: string };

/** The prices that a plan uses: those of a file go before list prices. */
export type UsedPrices = { readonly unit: UnitPrices; readonly own: string | undefined; readonly all: readonly Row[] };
type Row = { readonly name: string } & Used;

/** See {@link UsedPrices}; `file` is where `own` were read. */
export const usedPrices = (own: OwnPrices = {}, file?: string): UsedPrices => {
  const all = Object.entries<Price>(prices).map(([name, { per, ...price }]): Row => {
    const given = own[name];
    return given === undefined
      ? { name, ...price, usd: perUnit(price.usd, per) }
      : { name, usd: given, unit: price.unit, source: file ?? '' };
  });
  // safe: the keys of the table
  const unit = Object.fromEntries(all.map(({ name, usd: one }) => [name, one])) as UnitPrices;
  return { unit, own: file, all };
};

const perUnit = (price: UnitPrice, per: number): UnitPrice =>
  typeof price === 'number' ? price / per : price.map((tier) => ({ ...tier, usd: tier.usd / per }));

/** Dollars for so many units of a month. */
export const costOfUnits = (count: number, price: UnitPrice): number => {
  if (typeof price === 'number') return count * price;
  let [sum, start] = [0, 0];
  for (const { usd: one, up_to = Number.POSITIVE_INFINITY } of price) {
    sum += Math.max(0, Math.min(count, up_to) - start) * one;
    start = up_to;
  }
  return sum;
};

/** Where money is from, as a sentence's beginning. */
export const pricesText = ({ own, all }: UsedPrices): string => {
  const dates = all.flatMap((row) => ('date' in row ? [row.date] : [])).sort();
  if (own === undefined) return `List prices of us-east-1 ${datesText(dates)}, without free tiers`;
  const listed = all.flatMap((row) => ('date' in row ? [row.name] : []));
  if (listed.length === 0) return `Prices of ${own}`;
  return `Prices of ${own}; ${listed.join(', ')} at list prices of us-east-1 ${datesText(dates)}, without free tiers`;
};

const datesText = (dates: readonly string[]): string => {
  const [first, last] = [dates.at(0), dates.at(-1)];
  return first === last ? `as of ${first}` : `as of ${first} to ${last}`;
};
