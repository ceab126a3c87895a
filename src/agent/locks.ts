import type { TLSSocket, TlsOptions } from 'node:tls';

/** Whether credentials admit. `busy` if they could not be looked at now: the client may try again. */
export type Verdict = 'admitted' | 'refused' | 'busy';

/** Who is admitted to a door, and its TLS. */
export type Locks = {
  /** Judges the Authorization header of a peer. Without it no such header is needed. */
  readonly admits?: (authorization: string | undefined, peer: string) => Promise<Verdict>;
  /** Judges client certificates; `demanded` if there must be a valid one, so that it stands for credentials. */
  readonly client?: { readonly demanded: boolean; readonly admits: (socket: TLSSocket) => boolean };
  readonly tls?: TlsOptions;
};

/** Whether who is admitted has shown who they are. */
export const demandsCredentials = ({ admits, client }: Locks): boolean =>
  admits !== undefined || client?.demanded === true;
