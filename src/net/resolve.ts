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

/** Stands in until the stub resolver is here: loopback alone. */
export const resolver = (): Resolver => ({
  lookup: async (host, families) =>
    host === 'localhost'
      ? { ok: true, addresses: families.map((family) => ({ family, ip: family === 4 ? '127.0.0.1' : '::1' })) }
      : { ok: false, failure: { reason: 'dns_no_such_name', phase: 'resolve', detail: `${host} is not known` } },
  [Symbol.asyncDispose]: async () => {},
});
