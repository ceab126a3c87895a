import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { EpochMs } from '../kernel/check.ts';
import { type Failure, failure, type Reason } from '../kernel/reason.ts';
import { isNameFor } from '../protocol/certificate-names.ts';
import { dnsNames } from '../protocol/certificate-text.ts';

/** What the verdict on a handshake rests on. */
export type Evidence = {
  /** OpenSSL found nothing wrong. */
  readonly authorized: boolean;
  /** OpenSSL's verification code as Node names it; means nothing when `authorized`. */
  readonly code: string;
  /** As the server sent them, leaf first. */
  readonly presented: readonly X509Certificate[];
  /** Whether the list names the CA certificates to trust. */
  readonly namesCa: boolean;
  /** The name or address that was asked for. */
  readonly name: string;
  /** Wall time, for the words alone. */
  readonly now: EpochMs;
};

/**
 * Why the certificates of a handshake must not be trusted; empty when they may be. OpenSSL's first objection, and the name
 * beside it, since an expired certificate may be misnamed too. A request may follow only when this is empty. Throws only where
 * the names of the leaf cannot be read at all.
 * @see https://www.rfc-editor.org/rfc/rfc9525 for names; the common name is not one
 */
export const verdictOf = (evidence: Evidence): Failure[] => {
  const { authorized, presented, name } = evidence;
  const [leaf] = presented;
  if (leaf === undefined) return [failure('tls_invalid_certificate', 'tls', 'the server sent no certificate')];
  const failures: Failure[] = [];
  if (!authorized) failures.push(objection(evidence, leaf));
  if (!isFor(leaf, name)) {
    failures.push(failure('tls_name_mismatch', 'tls', `the certificate is for ${namesOf(leaf)}, not for ${name}`));
  }
  return failures;
};

/** OpenSSL's codes as Node names them; others mean a certificate that cannot be used. */
const reasonsByCode: Readonly<Record<string, Reason>> = {
  CERT_HAS_EXPIRED: 'tls_expired',
  CERT_NOT_YET_VALID: 'tls_not_yet_valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_unknown_issuer',
  CERT_UNTRUSTED: 'tls_unknown_issuer',
};

/** Codes of a chain that leads to no anchor; which one OpenSSL takes depends on how many certificates were sent. */
const withoutAnchor = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const objection = (evidence: Evidence, leaf: X509Certificate): Failure => {
  const { code, presented, now } = evidence;
  // Node has no name for OpenSSL's "key too small" and "digest too weak", so the certificates themselves are asked.
  const known = Object.hasOwn(reasonsByCode, code) ? reasonsByCode[code] : undefined;
  const reason = known ?? (withoutAnchor.has(code) ? missingIssuer(evidence, leaf) : unusableReason(presented));
  return failure(reason, 'tls', sentenceOf(reason, leaf, presented, now) ?? `verification failed with ${code}`);
};

const unusableReason = (presented: readonly X509Certificate[]): Reason =>
  presented.some(isWeak) ? 'tls_weak_key' : 'tls_invalid_certificate';

/**
 * Whose certificate is missing: an intermediate's, if the leaf came alone and either says where its issuer's certificate can be fetched,
 * as public CAs have it, or the list names a CA that did not sign it; else that of a CA which is not trusted here.
 */
const missingIssuer = ({ presented, namesCa }: Evidence, leaf: X509Certificate): Reason => {
  const hasIssuer = presented.some((candidate) => candidate !== leaf && candidate.subject === leaf.issuer);
  const isFetchable = (leaf.infoAccess ?? '').includes('CA Issuers');
  return !hasIssuer && (isFetchable || namesCa) ? 'tls_incomplete_chain' : 'tls_unknown_issuer';
};

type Sentence = (leaf: X509Certificate, presented: readonly X509Certificate[], now: EpochMs) => string;

const sentences: Partial<Record<Reason, Sentence>> = {
  tls_expired: (_, presented, now) => {
    const expired = presented.find(({ validToDate }) => validToDate.getTime() < now);
    return expired === undefined
      ? 'a trusted authority that the chain leads to has expired'
      : `the certificate of ${subjectOf(expired)} expired on ${expired.validToDate.toISOString()}`;
  },
  tls_not_yet_valid: (_, presented, now) => {
    const young = presented.find(({ validFromDate }) => validFromDate.getTime() > now);
    return young === undefined
      ? 'a trusted authority that the chain leads to is not valid yet'
      : `the certificate of ${subjectOf(young)} is valid from ${young.validFromDate.toISOString()}`;
  },
  tls_self_signed: (leaf) => `the certificate of ${subjectOf(leaf)} is signed by itself`,
  tls_unknown_issuer: (_, presented) =>
    `the chain ends at ${issuerOf(presented.at(-1))}, which is not trusted here; name the certificate of a private CA in ca_file`,
  tls_incomplete_chain: (leaf) =>
    `the server sent no certificate of its issuer, ${issuerOf(leaf)}, which is not trusted here either`,
  tls_weak_key: (_, presented) => `the key or signature of ${subjectOf(presented.find(isWeak))} is too weak`,
};

/** The code alone says enough where a certificate cannot be read for the sentence. */
const sentenceOf = (reason: Reason, ...evidence: Parameters<Sentence>): string | undefined => {
  try {
    return sentences[reason]?.(...evidence);
  } catch {
    return undefined;
  }
};

const oneLine = (name: string | undefined) => (name ?? '').split('\n').at(-1)?.slice(0, 100) || 'no name';
const subjectOf = (certificate: X509Certificate | undefined) => oneLine(certificate?.subject);
const issuerOf = (certificate: X509Certificate | undefined) => oneLine(certificate?.issuer);

const isWeak = (certificate: X509Certificate): boolean => {
  const { asymmetricKeyType, asymmetricKeyDetails } = keyOf(certificate) ?? {};
  const bits = asymmetricKeyDetails?.modulusLength ?? Number.POSITIVE_INFINITY;
  const short =
    (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss' || asymmetricKeyType === 'dsa') && bits < 2_048;
  return short || /^(?:sha1|md5|md2)With|-with-sha1$|-SHA1$/i.test(certificate.signatureAlgorithm ?? '');
};

/** The getter throws for a key that cannot be decoded, such as a point that is not on its curve (Node 24). */
const keyOf = (certificate: X509Certificate) => {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
};

const isFor = (leaf: X509Certificate, name: string): boolean => {
  // An address of a link has a zone, which no certificate holds (RFC 4007, section 11).
  if (isIP(name) !== 0) return leaf.checkIP(name.split('%', 1)[0] ?? '') !== undefined;
  return dnsNames(leaf.subjectAltName ?? '').some((pattern) => isNameFor(pattern, name));
};

const namesOf = (leaf: X509Certificate): string => (leaf.subjectAltName ?? 'no name').slice(0, 200);
