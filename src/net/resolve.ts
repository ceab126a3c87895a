import type { Failure } from '../kernel/reason.ts';
import type { TraceEvent } from '../kernel/run.ts';

/** An address as text, and its family. */
export type Address = { readonly ip: string; readonly family: 4 | 6 };

/** What a lookup gave. */
export type Lookup =
  | { readonly ok: true; readonly addresses: readonly Address[] }
  | { readonly ok: false; readonly failure: Failure };

type Asker = {
  readonly signal: AbortSignal;
  readonly trace: (what: string, data?: TraceEvent['data']) => void;
};

/** Names to addresses. Never rejects. */
export type Resolver = AsyncDisposable & {
  readonly lookup: (host: string, families: readonly (4 | 6)[], asker: Asker) => Promise<Lookup>;
};
