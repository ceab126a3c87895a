import { X509Certificate } from 'node:crypto';

const pem = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates of a text in PEM, each as a text of its own. */
export const splitPem = (text: string): string[] => text.match(pem) ?? [];

/**
 * What makes a text unfit to name trusted authorities, as the rest of a sentence about it; `undefined` when it is fit. OpenSSL reads such a
 * text until it meets a certificate that it cannot read, and trusts nothing behind that one.
 */
export const authoritiesProblem = (text: string): string | undefined => {
  const certificates = splitPem(text);
  if (certificates.length === 0) return 'holds no certificate in PEM (-----BEGIN CERTIFICATE-----)';
  const broken = certificates.findIndex((one) => !isCertificate(one));
  if (broken < 0) return undefined;
  return certificates.length === 1
    ? 'holds a certificate that cannot be read'
    : `holds ${certificates.length} certificates, of which number ${broken + 1} cannot be read`;
};

const isCertificate = (text: string): boolean => {
  try {
    new X509Certificate(text);
    return true;
  } catch {
    return false;
  }
};
