/**
 * A target that was found: where, and as it would be written in the list. `origin` is for people: `Ingress shop/web`. `tenant` is the
 * namespace of the object's writer; empty for files, whose author is that of the list.
 */
export type Found = {
  readonly origin: string;
  readonly tenant: string;
  readonly entry: Readonly<Record<string, unknown>> & { readonly target: string };
  /** Addresses at which the API server says that the object is served. */
  readonly served?: readonly string[];
  /** Set where it follows from an object of another namespace. It yields to all that the tenant has itself. */
  readonly isForeign?: true;
};

/** What gave no target, or not the one that was asked for, and why. */
export type Remark = { readonly origin: string; readonly why: string; readonly tenant?: string };

/** Numbers by tenant. */
export type Counts = ReadonlyMap<string, number>;

/** What an object or a file gives. `above` counts targets, and `more` counts remarks, that were not kept. */
export type Finds = {
  readonly found: readonly Found[];
  readonly remarks: readonly Remark[];
  readonly above?: Counts;
  readonly more?: Counts;
};

/** Nothing found, nothing to remark. */
export const nothing: Finds = { found: [], remarks: [] };

/** Sums of counts by tenant; `undefined` where there is nothing to count. */
export const sumOf = (all: readonly (Counts | undefined)[]): Counts | undefined => {
  const sums = new Map<string, number>();
  for (const counts of all)
    for (const [tenant, count] of counts ?? []) if (count > 0) sums.set(tenant, (sums.get(tenant) ?? 0) + count);
  return sums.size === 0 ? undefined : sums;
};

/** Several finds as one. */
export const together = (all: readonly Finds[]): Finds => {
  const above = sumOf(all.map((finds) => finds.above));
  const more = sumOf(all.map((finds) => finds.more));
  return {
    found: all.flatMap(({ found }) => found),
    remarks: all.flatMap(({ remarks }) => remarks),
    ...(above === undefined ? {} : { above }),
    ...(more === undefined ? {} : { more }),
  };
};

/** Finds worth keeping: most objects of a cluster ask for nothing. */
export const orNothing = (finds: Finds): Finds | undefined =>
  finds.found.length + finds.remarks.length === 0 ? undefined : finds;

/** Remarks of one object that are kept as examples; more are counted. */
const mostExamples = 3;

/** The remarks on one object, as examples and a count. */
export type Remarks = {
  readonly add: (why: string) => void;
  /** Finds with these remarks. `above` counts targets that were not kept. */
  readonly with: (found: readonly Found[], above?: number) => Finds;
};

/** Collects remarks on an object: a few are kept, each once, and the others counted, so that no object fills the memory or the log. */
export const remarksOn = (origin: string, tenant: string): Remarks => {
  const examples = new Set<string>();
  let more = 0;
  return {
    add: (why) => {
      if (examples.has(why)) return;
      if (examples.size < mostExamples) examples.add(why);
      else more += 1;
    },
    with: (found, above = 0) => ({
      found,
      remarks: [...examples].map((why) => ({ origin, why, tenant })),
      ...(above === 0 ? {} : { above: new Map([[tenant, above]]) }),
      ...(more === 0 ? {} : { more: new Map([[tenant, more]]) }),
    }),
  };
};
