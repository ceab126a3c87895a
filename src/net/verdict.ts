import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Failure, failure, type Reason } from '../kernel/reason.ts';

/** What the verdict on a handshake rests on. `code` is OpenSSL's verification code, empty when it found nothing wrong. */
export type Evidence = {
  readonly code: string;
  /** As the server sent them, leaf first. */
  readonly presented: readonly X509Certificate[];
  /** The name or address that was asked for. */
  readonly name: string;
};

/**
 * Why the certificates of a handshake must not be trusted; empty when they may be. OpenSSL's first objection, and the name
 * beside it, since an expired certificate may be misnamed too. A request may follow only when this is empty.
 * @see https://www.rfc-editor.org/rfc/rfc9525 for names; the common name is not one
 */
export const verdictOf = ({ code, presented, name }: Evidence): Failure[] => {
  const [leaf] = presented;
  if (leaf === undefined) return [failure('tls_invalid_certificate', 'tls', 'the server sent no certificate')];
  const failures: Failure[] = [];
  if (code !== '') failures.push(objection(code, leaf, presented));
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
  UNABLE_TO_GET_ISSUER_CERT: 'tls_unknown_issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_unknown_issuer',
  CERT_UNTRUSTED: 'tls_unknown_issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_incomplete_chain',
};

const objection = (code: string, leaf: X509Certificate, presented: readonly X509Certificate[]): Failure => {
  // Node has no name for OpenSSL's "key too small" and "digest too weak", so the certificates themselves are asked.
  const reason = reasonsByCode[code] ?? (presented.some(isWeak) ? 'tls_weak_key' : 'tls_invalid_certificate');
  return failure(reason, 'tls', sentences[reason]?.(leaf, presented) ?? `verification failed with ${code}`);
};

const sentences: Partial<Record<Reason, (leaf: X509Certificate, presented: readonly X509Certificate[]) => string>> = {
  tls_expired: (_, presented) => {
    const expired = presented.toSorted((a, b) => a.validToDate.getTime() - b.validToDate.getTime())[0];
    return `the certificate of ${subjectOf(expired)} expired on ${expired?.validToDate.toISOString()}`;
  },
  tls_not_yet_valid: (_, presented) => {
    const young = presented.toSorted((a, b) => b.validFromDate.getTime() - a.validFromDate.getTime())[0];
    return `the certificate of ${subjectOf(young)} is valid from ${young?.validFromDate.toISOString()}`;
  },
  tls_self_signed: (leaf) => `the certificate of ${subjectOf(leaf)} is signed by itself`,
  tls_unknown_issuer: (_, presented) => `the chain ends at ${issuerOf(presented.at(-1))}, which is not trusted here`,
  tls_incomplete_chain: (leaf) => `the server did not send the certificate of the issuer, ${issuerOf(leaf)}`,
  tls_weak_key: (_, presented) => `the key or signature of ${subjectOf(presented.find(isWeak))} is too weak`,
};

const oneLine = (name: string | undefined) => (name ?? '').split('\n').at(-1)?.slice(0, 100) || 'no name';
const subjectOf = (certificate: X509Certificate | undefined) => oneLine(certificate?.subject);
const issuerOf = (certificate: X509Certificate | undefined) => oneLine(certificate?.issuer);

const isWeak = (certificate: X509Certificate): boolean => {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  const bits = asymmetricKeyDetails?.modulusLength ?? Number.POSITIVE_INFINITY;
  const short =
    (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss' || asymmetricKeyType === 'dsa') && bits < 2_048;
  return short || /^(?:sha1|md5|md2)With|-with-sha1$|-SHA1$/i.test(certificate.signatureAlgorithm ?? '');
};

const isFor = (leaf: X509Certificate, name: string): boolean =>
  isIP(name) === 0 ? leaf.checkHost(name, { subject: 'never' }) !== undefined : leaf.checkIP(name) !== undefined;

const namesOf = (leaf: X509Certificate): string => (leaf.subjectAltName ?? 'no name').slice(0, 200);
