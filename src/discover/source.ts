import type { Finds } from './found.ts';

/** Where a source stands. `problem` says why it may be out of date. */
export type SourceState = { readonly syncedAt: number | undefined; readonly problem: string | undefined };

/** Something that finds targets for as long as it lives. */
export type Source = AsyncDisposable & {
  /** What people call it: `kubernetes[0]`. */
  readonly name: string;
  readonly finds: () => Finds;
  /** Whether a target that a namespace's objects gave may lead to an address; there is nothing to ask where files are read. */
  readonly mayReach?: (namespace: string, ip: string) => boolean;
  readonly state: () => SourceState;
  /** Resolves when it has looked once, with or without success. */
  readonly first: Promise<void>;
};
