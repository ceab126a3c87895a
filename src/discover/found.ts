/** A target that was found: where, and as it would be written in the list. `origin` is for people: `Ingress shop/web`. */
export type Found = {
  readonly origin: string;
  readonly entry: Readonly<Record<string, unknown>> & { readonly target: string };
};

/** What gave no target, or not the one that was asked for, and why. */
export type Remark = { readonly origin: string; readonly why: string };

/** What an object or a file gives. */
export type Finds = { readonly found: readonly Found[]; readonly remarks: readonly Remark[] };

/** Nothing found, nothing to say. */
export const nothing: Finds = { found: [], remarks: [] };

/** Several finds as one. */
export const together = (all: readonly Finds[]): Finds => ({
  found: all.flatMap(({ found }) => found),
  remarks: all.flatMap(({ remarks }) => remarks),
});

/** Finds worth keeping: most objects of a cluster ask for nothing. */
export const orNothing = (finds: Finds): Finds | undefined =>
  finds.found.length + finds.remarks.length === 0 ? undefined : finds;
