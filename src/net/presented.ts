import type { X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import type { EpochMs } from '../kernel/check.ts';
import { verifiedChains } from './chains.ts';
import { type CertificateFacts, certificateFacts } from './tls-facts.ts';
import type { Trusted } from './trust.ts';

/** What a server presented. Seen again it is the same object, so that what was found out about it stays found out. */
export type Presented = {
  /** As sent, in the order in which they were sent; at most 20. */
  readonly certificates: readonly X509Certificate[];
  /** `undefined` if a field is of an encoding that cannot be read. */
  readonly chain: readonly CertificateFacts[] | undefined;
  /** Unix seconds; 0 without certificates. */
  readonly earliestExpiry: number;
};

/** Certificates looked at; a chain of a public authority has at most four. */
const mostCertificates = 20;

/** What was seen before under one configuration. */
type Seen = { readonly raws: readonly Buffer[]; readonly presented: Presented };

const seenUnder = new WeakMap<Trusted, Map<string, Seen>>();
const mostSeen = 1_024;

/**
 * Reads what the server presented. Once per socket, since reading consumes it (Node 24). What is the same byte for byte as
 * something seen before costs a comparison.
 */
export const presentedBy = (socket: tls.TLSSocket, trusted: Trusted): Presented => {
  const certificates: X509Certificate[] = [];
  for (
    let next = socket.getPeerX509Certificate();
    next !== undefined && certificates.length < mostCertificates;
    next = next.issuerCertificate
  )
    certificates.push(next);
  const raws = certificates.map(({ raw }) => raw);
  const seen = tableOf(trusted);
  const key = keyOf(raws);
  const before = seen.get(key);
  if (before !== undefined && isSame(before.raws, raws)) return before.presented;
  const presented = examine(certificates);
  if (seen.size >= mostSeen) seen.clear();
  seen.set(key, { raws, presented });
  return presented;
};

const tableOf = (trusted: Trusted): Map<string, Seen> => {
  let seen = seenUnder.get(trusted);
  if (seen === undefined) {
    seen = new Map();
    seenUnder.set(trusted, seen);
  }
  return seen;
};

/** Finds a place in the table, no more: the last bytes of the first certificate, which are of its signature. */
const keyOf = ([leaf]: readonly Buffer[]): string => leaf?.toString('latin1', Math.max(leaf.length - 16, 0)) ?? '';

const isSame = (these: readonly Buffer[], those: readonly Buffer[]): boolean =>
  these.length === those.length && these.every((raw, index) => those[index]?.equals(raw));

const examine = (certificates: readonly X509Certificate[]): Presented => {
  try {
    const chain = certificates.map(certificateFacts);
    const earliestExpiry = chain.length === 0 ? 0 : Math.min(...chain.map(({ notAfter }) => notAfter));
    return { certificates, chain, earliestExpiry };
  } catch {
    // The certificate is not to be used, and says nothing.
    return { certificates, chain: undefined, earliestExpiry: 0 };
  }
};

const lastChains = new WeakMap<Presented, { readonly day: number; readonly expiry: number | undefined }>();
const dayMs = 86_400_000;

/**
 * The latest of the expiries of all chains to trusted roots that are valid now, in Unix seconds; `undefined` if there is none.
 * For handshakes that were found sound. Looked for once a day, since which chains are valid changes with time.
 */
export const lastChainExpiry = (presented: Presented, trusted: Trusted, now: EpochMs): number | undefined => {
  const day = Math.floor(now / dayMs);
  const found = lastChains.get(presented);
  if (found?.day === day) return found.expiry;
  const expiries = verifiedChains(presented.certificates, trusted.roots)
    .filter((chain) => chain.every((one) => one.validFromDate.getTime() <= now))
    .map((chain) => Math.min(...chain.map((one) => one.validToDate.getTime())));
  const expiry = expiries.length === 0 ? undefined : Math.max(...expiries) / 1_000;
  lastChains.set(presented, { day, expiry });
  return expiry;
};
