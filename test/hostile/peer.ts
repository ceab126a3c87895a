import type { Reason } from '../../src/kernel/reason.ts';
import type { Manners } from '../lab/respond.ts';

/** Where a peer misbehaves. */
export type Group = 'tls' | 'http/1.1' | 'http/2' | 'body' | 'dns' | 'tcp' | 'icmp';

/** A server that is up. */
export type Up = AsyncDisposable & { readonly port: number };

/** One module as the list writes it; the root certificate that all peers are judged by is added. */
export type PeerModule = {
  readonly prober: 'http' | 'tcp' | 'dns' | 'icmp';
  readonly timeout?: string;
  readonly [block: string]: unknown;
};

/** One hostile peer, as data. */
export type HostilePeer = {
  readonly name: string;
  readonly group: Group;
  /** What it does, in a sentence. */
  readonly does: string;
  /** Starts its server; a host of the network lab has manners instead. */
  readonly serve?: () => Promise<Up>;
  readonly manners?: Manners;
  /** The target, from the port of the server or the address of the host. */
  readonly target: (at: string) => string;
  readonly module: PeerModule;
  /**
   * The verdicts that a run may have: `good`, or reasons joined with `+` in the order of the alphabet. More than one where the
   * standard leaves it open or where it depends on which byte comes first.
   */
  readonly expect: readonly (Reason | 'good' | `${Reason}+${Reason}`)[];
  /** How many targets of the list lead there; 1 if not set. */
  readonly copies?: number;
  /** Part of the share that is run with the tests. */
  readonly inTests?: true;
  /** Run beside the canary only: for those that load the machine most. */
  readonly alone?: true;
};

/** `localhost` at a port, as an https URL, a TLS target and so on. */
export const at = {
  https: (port: string): string => `https://localhost:${port}/`,
  http: (port: string): string => `http://127.0.0.1:${port}/`,
  tls: (port: string): string => `tls://localhost:${port}`,
  tcp: (port: string): string => `tcp://127.0.0.1:${port}`,
  dns: (port: string): string => `127.0.0.1:${port}`,
  dot: (port: string): string => `localhost:${port}`,
  host: (address: string): string => address,
} as const;
