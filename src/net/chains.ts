import type { X509Certificate } from 'node:crypto';
import type { Root } from './trust.ts';

/**
 * Bounds of the search, so that a hostile server cannot make it long: certificates read, depth, chains kept, and signatures
 * verified. A key with a long exponent takes milliseconds for one signature; a chain with cross-signed issuers needs about six.
 */
const limits = { presented: 20, depth: 10, steps: 200, chains: 32, signatures: 12 };

/**
 * All chains from the leaf over presented certificates to a trusted root, each leaf first, root last. Signatures and issuers
 * are checked, times are not: the handshake's verdict has looked at those. Empty when nothing leads to a root.
 * @see https://www.rfc-editor.org/rfc/rfc5280#section-6.1 for the path that is searched
 */
export const verifiedChains = (presented: readonly X509Certificate[], roots: readonly Root[]): X509Certificate[][] => {
  const [leaf, ...others] = presented.slice(0, limits.presented);
  const chains: X509Certificate[][] = [];
  let steps = 0;
  let signatures = 0;
  const issued = (certificate: X509Certificate, issuer: X509Certificate): boolean => {
    try {
      if (!certificate.checkIssued(issuer) || signatures >= limits.signatures) return false;
      signatures += 1;
      return certificate.verify(issuer.publicKey);
    } catch {
      // A key of a kind that cannot be used has signed nothing that we would trust.
      return false;
    }
  };
  const follow = (path: readonly X509Certificate[]): void => {
    const last = path.at(-1);
    if (last === undefined || path.length > limits.depth) return;
    if (roots.some(({ certificate }) => same(certificate, last))) {
      chains.push([...path]);
      return;
    }
    for (const { certificate, subject } of roots) {
      if (subject === last.issuer && chains.length < limits.chains && issued(last, certificate))
        chains.push([...path, certificate]);
    }
    for (const candidate of others) {
      steps += 1;
      if (steps > limits.steps) return;
      if (candidate.subject !== last.issuer || path.some((one) => same(one, candidate))) continue;
      // A root that the server sent as well is a root, and found above.
      if (roots.some(({ certificate }) => same(certificate, candidate))) continue;
      if (issued(last, candidate)) follow([...path, candidate]);
    }
  };
  if (leaf !== undefined) follow([leaf]);
  return chains;
};

const same = (a: X509Certificate, b: X509Certificate) => a.fingerprint256 === b.fingerprint256;
