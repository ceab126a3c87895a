import * as z from 'zod';

/** A price with where it is from. `usd` is per `per` units. */
export type Price = {
  readonly usd: number;
  readonly per: number;
  readonly unit: string;
  readonly source: string;
  readonly checked: string;
};

/** When these prices were looked at, as a date. */
export const pricesDate = '2026-11-23';

const lambda = 'https://aws.amazon.com/lambda/pricing/';

/**
 * List prices of us-east-1, without free tiers and tiers for large volumes. Other regions differ by up to a third; `--prices`
 * takes those of an account. `checked` says what the figure was compared with: pages of others, or nothing but memory.
 */
export const prices = {
  lambda_gb_second: {
    usd: 0.0000133334,
    per: 1,
    unit: 'GB-second of a function on arm64',
    source: lambda,
    checked: 'several third-party summaries of 2024 to 2026',
  },
  lambda_request: {
    usd: 0.2,
    per: 1e6,
    unit: 'invocation of a function',
    source: lambda,
    checked: 'several third-party summaries of 2024 to 2026',
  },
  scheduler_invocation: {
    usd: 1,
    per: 1e6,
    unit: 'invocation by EventBridge Scheduler; the first 14 million a month are free',
    source: 'https://aws.amazon.com/eventbridge/pricing/',
    checked: 'a third-party summary of March 2026',
  },
  sqs_request: {
    usd: 0.5,
    per: 1e6,
    unit: 'request to a FIFO queue; there is none yet, so none is counted',
    source: 'https://aws.amazon.com/sqs/pricing/',
    checked: 'memory only',
  },
  amp_sample: {
    usd: 0.9,
    per: 1e7,
    unit: 'sample taken in by Amazon Managed Service for Prometheus, up to 2 billion a month',
    source: 'https://aws.amazon.com/prometheus/pricing/',
    checked: 'memory only',
  },
} as const satisfies Readonly<Record<string, Price>>;

/** A key of {@link prices}. */
export type PriceName = keyof typeof prices;

/** Dollars for one unit of each. */
export type UnitPrices = Readonly<Record<PriceName, number>>;

const given = z.number().nonnegative().optional();

/** What a file of own prices may hold: dollars for one unit. */
export const ownPrices = z.strictObject(
  Object.fromEntries(
    Object.entries(prices).map(([name, { unit }]) => [name, given.describe(`Dollars for one ${unit}.`)]),
  ),
);

/** Dollars for one unit of each, with those that somebody has instead. */
export const unitPrices = (own: Readonly<Record<string, number | undefined>> = {}): UnitPrices =>
  Object.fromEntries(
    Object.entries(prices).map(([name, { usd, per }]) => [name, own[name] ?? usd / per]),
    // safe: the keys of the table
  ) as UnitPrices;
