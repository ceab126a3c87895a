import type { X509Certificate } from 'node:crypto';
import { gauge, type Point, point } from '../kernel/metric.ts';
import { distinguishedName, dnsNames } from '../protocol/certificate-text.ts';

/** What a certificate says. Times are Unix seconds, texts as blackbox_exporter writes them. */
export type CertificateFacts = {
  readonly subject: string;
  readonly issuer: string;
  /** DNS names only, in the certificate's order. */
  readonly names: readonly string[];
  /** Lower-case hexadecimal, whole bytes. */
  readonly serial: string;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly notBefore: number;
  readonly notAfter: number;
};

/** What a handshake showed. `chain` is as the server sent it, leaf first; times are Unix seconds. */
export type TlsFacts = {
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string | undefined;
  readonly chain: readonly CertificateFacts[];
  readonly earliestExpiry: number;
  /** The latest of the verified chains' expiries; `undefined` when nothing was verified. */
  readonly lastChainExpiry: number | undefined;
};

/** Reads one certificate. Throws if its fields cannot be read (a time or name of a broken encoding). */
export const certificateFacts = (certificate: X509Certificate): CertificateFacts => {
  const serial = certificate.serialNumber.toLowerCase();
  return {
    // An empty name is `undefined` in Node 24, whatever its types say.
    subject: distinguishedName(certificate.subject ?? ''),
    issuer: distinguishedName(certificate.issuer ?? ''),
    names: dnsNames(certificate.subjectAltName ?? ''),
    serial: serial.length % 2 === 1 ? `0${serial}` : serial,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBefore: certificate.validFromDate.getTime() / 1_000,
    notAfter: certificate.validToDate.getTime() / 1_000,
  };
};

const dialect = 'blackbox_exporter';

/** The metrics that {@link tlsPoints} makes. */
export const tlsMetrics = {
  earliestExpiry: gauge(
    'probe_ssl_earliest_cert_expiry',
    'When the first of the certificates that the server sent expires, in Unix seconds.',
    { dialect, profile: 'lean' },
  ),
  lastChainExpiry: gauge(
    'probe_ssl_last_chain_expiry_timestamp_seconds',
    'When the last of the verified chains expires, in Unix seconds; only when the chain was verified.',
    { dialect },
  ),
  lastChain: gauge('probe_ssl_last_chain_info', 'The certificate of the server.', {
    dialect,
    labels: {
      fingerprint_sha256: 'one per certificate',
      subject: 'one per certificate',
      issuer: 'one per certificate',
      subjectalternative: 'one per certificate',
      serialnumber: 'one per certificate',
    },
  }),
  tlsVersion: gauge('probe_tls_version_info', 'The TLS version that was negotiated.', {
    dialect,
    labels: { version: 'one of TLS 1.0, TLS 1.1, TLS 1.2, TLS 1.3' },
  }),
  notBefore: gauge(
    'probe_ssl_leaf_not_before_timestamp_seconds',
    'When the certificate of the server became valid, in Unix seconds.',
  ),
};

/** The cipher suite: only blackbox_exporter's http prober has it. */
export const cipherMetric = gauge('probe_tls_cipher_info', 'The TLS cipher suite that was negotiated.', {
  dialect,
  labels: { cipher: 'one per IANA name of a suite' },
});

/** The points of a handshake's facts, without the cipher. */
export const tlsPoints = (facts: TlsFacts): Point[] => {
  const [leaf] = facts.chain;
  const points = [point(tlsMetrics.tlsVersion, 1, { version: facts.version })];
  if (leaf === undefined) return points;
  points.push(
    point(tlsMetrics.earliestExpiry, facts.earliestExpiry),
    point(tlsMetrics.notBefore, leaf.notBefore),
    point(tlsMetrics.lastChain, 1, {
      fingerprint_sha256: leaf.fingerprint,
      subject: leaf.subject,
      issuer: leaf.issuer,
      subjectalternative: leaf.names.join(','),
      serialnumber: leaf.serial,
    }),
  );
  if (facts.lastChainExpiry !== undefined) points.push(point(tlsMetrics.lastChainExpiry, facts.lastChainExpiry));
  return points;
};
