import type { Counts } from './found.ts';

/** What is kept of the objects of a resource, bounded for each namespace. */
export type NamespaceBudget<T> = {
  /** Whether an object is kept; `undefined` for one that is gone. The key is namespace and name. */
  readonly admit: (key: string, kept: T | undefined) => boolean;
  /** How much was not kept, by namespace. */
  readonly left: () => Counts;
  /** Whether a namespace has room again for what was not kept. */
  readonly isPartial: () => boolean;
};

type Account = {
  used: number;
  left: number;
  readonly costs: Map<string, number>;
  readonly refused: Map<string, number>;
};

/** Keeps objects of a namespace as long as their costs are at most `most` together: first come, first served, and lists come by name. */
export const namespaceBudget = <T>(most: number, costOf: (kept: T) => number): NamespaceBudget<T> => {
  const accounts = new Map<string, Account>();
  const forget = (key: string, account: Account) => {
    account.used -= account.costs.get(key) ?? 0;
    account.left -= account.refused.get(key) ?? 0;
    account.costs.delete(key);
    account.refused.delete(key);
  };
  return {
    admit: (key, kept) => {
      const namespace = key.slice(0, key.indexOf('/'));
      const account = accounts.get(namespace) ?? { used: 0, left: 0, costs: new Map(), refused: new Map() };
      forget(key, account);
      const cost = kept === undefined ? 0 : costOf(kept);
      const isKept = kept !== undefined && (cost === 0 || account.used + cost <= most);
      if (isKept && cost > 0) {
        account.used += cost;
        account.costs.set(key, cost);
      }
      if (!isKept && cost > 0) {
        account.left += cost;
        account.refused.set(key, cost);
      }
      if (account.costs.size + account.refused.size > 0) accounts.set(namespace, account);
      else accounts.delete(namespace);
      return isKept;
    },
    left: () => new Map([...accounts].filter(([, { left }]) => left > 0).map(([name, { left }]) => [name, left])),
    isPartial: () =>
      [...accounts.values()].some(({ used, refused }) => [...refused.values()].some((cost) => used + cost <= most)),
  };
};
