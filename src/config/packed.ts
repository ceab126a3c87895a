import type { Check, Vantage } from '../kernel/check.ts';
import type { Compiled } from './compile.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * A compiled list as a function takes it along: what to probe and where to push. Plain data; reading it needs neither YAML nor
 * the schema, which would cost a cold start more than everything else.
 */
export type Packed = {
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
  readonly vantages: readonly Vantage[];
  /** Secrets that stood in the list itself, by reference; for the kit alone, never to be shown. */
  readonly literals: ReadonlyMap<string, string>;
  readonly externalLabels: Readonly<Record<string, string>>;
};

/** The format that is written, and the newest that is read. */
const format = 1;

/** A compiled list as text. */
export const packList = (
  { checks, endpoints, vantages }: Pick<Compiled, 'checks' | 'endpoints' | 'vantages'>,
  literals: ReadonlyMap<string, string>,
  externalLabels: Readonly<Record<string, string>> = {},
): string =>
  JSON.stringify({ format, checks, endpoints, vantages, literals: Object.fromEntries(literals), externalLabels });

/** A packed list, or why it cannot be used. */
export type Unpacked = { readonly ok: true; readonly packed: Packed } | { readonly ok: false; readonly why: string };

/** Reads what {@link packList} wrote. Looks at its outlines only: who writes it is `bothways` itself. Never throws. */
export const readPacked = (text: string): Unpacked => {
  const value = parsed(text);
  if (!isTable(value)) return { ok: false, why: 'is no packed list' };
  if (typeof value.format !== 'number') return { ok: false, why: 'is no packed list: it says no format' };
  if (value.format > format)
    return { ok: false, why: `has format ${value.format}, and this version reads up to ${format}; deploy both anew` };
  const { checks, endpoints, vantages, literals, externalLabels } = value;
  if (![checks, endpoints, vantages].every(Array.isArray) || !isTable(literals) || !isTable(externalLabels))
    return { ok: false, why: 'is no packed list: something is missing in it' };
  // safe: written by packList, and looked at above
  const packed = { checks, endpoints, vantages, externalLabels } as unknown as Packed;
  return {
    ok: true,
    packed: { ...packed, literals: new Map(Object.entries(literals).map(([key, one]) => [key, String(one)])) },
  };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
