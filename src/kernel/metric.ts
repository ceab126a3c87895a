import type { Dialect, Labels, Profile } from './check.ts';

/**
 * The labels of a metric: name to a sentence that says what bounds an open set of values,
 * or name to a table of all its values with a sentence each.
 */
export type LabelTable = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

/** A metric as data. Help, docs, metadata and `explain` are made from it; nothing else writes its name. */
export type Metric<L extends LabelTable = LabelTable> = {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly labels: L;
  readonly profile: Profile;
  readonly dialect: Dialect;
};

/** What a prober says: one value of one metric, with that metric's own labels only. */
export type Point = { readonly metric: Metric; readonly labels: Labels; readonly value: number };

type Values<L extends LabelTable> = { readonly [K in keyof L]: L[K] extends string ? string : keyof L[K] & string };
type Options<L extends LabelTable> = {
  readonly labels?: L;
  readonly profile?: Profile;
  readonly dialect?: Dialect;
};

const metric =
  (type: Metric['type']) =>
  <const L extends LabelTable = Readonly<Record<never, never>>>(name: string, help: string, options: Options<L> = {}) =>
    ({
      name,
      type,
      help,
      // safe: without `labels` the caller's L is the empty table
      labels: options.labels ?? ({} as L),
      profile: options.profile ?? 'standard',
      dialect: options.dialect ?? 'bothways',
    }) satisfies Metric;

/** A metric that may go up and down. Defaults: no labels, profile `standard`, dialect `bothways`. */
export const gauge = metric('gauge');

/** A metric that only grows while its process lives. Defaults as for {@link gauge}. */
export const counter = metric('counter');

/** One value of a metric. A missing label, an unknown one or a value outside a closed set does not compile. */
export const point = <L extends LabelTable>(
  definition: Metric<L>,
  value: number,
  ...labels: keyof L extends never ? [] : [Values<L>]
): Point => ({ metric: definition, labels: labels[0] ?? noLabels, value });

const noLabels: Labels = {};
