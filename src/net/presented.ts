import { createHash, type X509Certificate } from 'node:crypto';
import type tls from 'node:tls';
import type { EpochMs } from '../kernel/check.ts';
import { byteCache } from '../protocol/byte-cache.ts';
import { verifiedChains } from './chains.ts';
import { type CertificateFacts, certificateFacts } from './tls-facts.ts';
import type { Trusted } from './trust.ts';

/** What a server presented in one handshake. */
export type Presented = {
  /** As sent, in the order in which they were sent; at most 20. */
  readonly certificates: readonly X509Certificate[];
  /** The same chain under the same trust has the same key. */
  readonly key: string;
  /** `undefined` if a field is of an encoding that cannot be read. */
  readonly chain: readonly CertificateFacts[] | undefined;
  /** Unix seconds; 0 without certificates. */
  readonly earliestExpiry: number;
};

/** Certificates read; a chain to a public CA has at most four. */
const mostCertificates = 20;

/**
 * What is kept of a chain that was accepted: what it says, never the certificates themselves. `day` and `expiry` are the last
 * answer of {@link lastChainExpiry}.
 */
type Known = Pick<Presented, 'chain' | 'earliestExpiry'> & { day?: number; expiry?: number | undefined };

/** One for the process: what servers send is kept in bounded memory, however many servers and chains there are. */
const known = byteCache<Known>(2 * 1_024 * 1_024);

/**
 * Reads what the server presented. Once per socket, since reading consumes it (Node 24). A chain that was accepted before
 * under the same trust costs a digest. Throws if OpenSSL cannot give a certificate.
 */
export const presentedBy = (socket: tls.TLSSocket, trusted: Trusted): Presented => {
  const certificates: X509Certificate[] = [];
  for (
    let next = socket.getPeerX509Certificate();
    next !== undefined && certificates.length < mostCertificates;
    next = next.issuerCertificate
  )
    certificates.push(next);
  const key = keyOf(certificates, trusted);
  const { chain, earliestExpiry } = known.get(key) ?? examine(certificates);
  return { certificates, key, chain, earliestExpiry };
};

const numbers = new WeakMap<Trusted, number>();
let lastNumber = 0;

const keyOf = (certificates: readonly X509Certificate[], trusted: Trusted): string => {
  let number = numbers.get(trusted);
  if (number === undefined) {
    lastNumber += 1;
    number = lastNumber;
    numbers.set(trusted, number);
  }
  const digest = createHash('sha256');
  // A certificate states its own length, so two chains are never the same bytes.
  for (const { raw } of certificates) digest.update(raw);
  return `${number} ${digest.digest('base64')}`;
};

const examine = (certificates: readonly X509Certificate[]): Pick<Presented, 'chain' | 'earliestExpiry'> => {
  try {
    const chain = certificates.map(certificateFacts);
    const earliestExpiry = chain.length === 0 ? 0 : Math.min(...chain.map(({ notAfter }) => notAfter));
    return { chain, earliestExpiry };
  } catch {
    // The certificate is not to be used, and says nothing.
    return { chain: undefined, earliestExpiry: 0 };
  }
};

/** Bytes that {@link Known} holds, at most: a name that was cut out of a text keeps the whole text. */
const bytesOf = (certificates: readonly X509Certificate[], chain: readonly CertificateFacts[]): number => {
  let bytes = 200;
  for (const { subject, issuer, names } of chain)
    bytes += 600 + 4 * (subject.length + issuer.length) + 48 * names.length;
  for (const { subjectAltName } of certificates) bytes += 2 * (subjectAltName?.length ?? 0);
  return bytes;
};

const dayMs = 86_400_000;

/**
 * The latest of the expiries of all chains to trusted roots that are valid now, in Unix seconds; `undefined` if there is none.
 * For handshakes whose verdict was good. Computed once a day, since which chains are valid changes with time.
 */
export const lastChainExpiry = (presented: Presented, trusted: Trusted, now: EpochMs): number | undefined => {
  const { certificates, key, chain, earliestExpiry } = presented;
  const day = Math.floor(now / dayMs);
  const before = known.get(key);
  if (before?.day === day) return before.expiry;
  const expiries = verifiedChains(certificates, trusted.roots)
    .filter((path) => path.every((one) => one.validFromDate.getTime() <= now))
    .map((path) => Math.min(...path.map((one) => one.validToDate.getTime())));
  const expiry = expiries.length === 0 ? undefined : Math.max(...expiries) / 1_000;
  if (chain !== undefined) known.set(key, { chain, earliestExpiry, day, expiry }, bytesOf(certificates, chain));
  return expiry;
};
