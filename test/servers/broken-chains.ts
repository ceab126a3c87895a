import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { chain, type Issued, issue } from './certificates.ts';
import type { TlsOptions } from './tls.ts';

/** DER as PEM, whatever it holds. */
export const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${
    der
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  }\n-----END CERTIFICATE-----\n`;

/** The DER of an issued certificate, to be changed. */
export const derOf = ({ cert }: Pick<Issued, 'cert'>): Buffer => Buffer.from(new X509Certificate(cert).raw);

/** A certificate whose last signature bit is flipped: it can be read, and its signature is wrong. */
export const withWrongSignature = (issued: Issued): string => {
  const der = derOf(issued);
  const last = der.length - 1;
  der.writeUInt8(der.readUInt8(last) ^ 1, last);
  return pem(der);
};

/** A certificate whose point is not on its curve: the getter of its key throws. */
export const withBrokenKey = (issued: Issued): string => {
  const der = derOf(issued);
  // BIT STRING of 66 bytes without unused bits, then the point: 65 bytes (RFC 5480, section 2.2).
  const at = der.indexOf(Buffer.from('034200', 'hex')) + 3;
  der.fill(0xff, at, at + 65);
  return pem(der);
};

/**
 * How a server presents certificates that Node refuses to load in the usual way: only to a client that sends a server name,
 * and at the lowest security level, since others verify the keys.
 */
export const presenting = (certificates: string, key: string): TlsOptions => {
  const secureContext = lowestSecurity(certificates, key);
  return { ciphers: lax, SNICallback: (_name, done) => done(null, secureContext) };
};

/** Cipher suites of OpenSSL's lowest security level. */
export const lax = 'DEFAULT:@SECLEVEL=0';

/** A context for a server at OpenSSL's lowest security level, which takes certificates that others refuse. */
export const lowestSecurity = (certificates: string, key: string): tls.SecureContext => {
  const secureContext = tls.createSecureContext({ ciphers: lax });
  secureContext.context.setCert(certificates);
  secureContext.context.setKey(key);
  return secureContext;
};

/** A leaf with a wrong signature, its CA, and a CA that has nothing to do with either and whose key cannot be decoded. */
export const undecodableChain = async (): Promise<TlsOptions> => {
  const { root } = await chain();
  const ca = await issue({ subject: 'CN=Odd CA', ca: true, issuer: root });
  const leaf = await issue({ subject: 'CN=localhost', names: ['localhost'], issuer: ca });
  const superfluous = await issue({ subject: 'CN=Superfluous CA', ca: true });
  return presenting(withWrongSignature(leaf) + ca.cert + withBrokenKey(superfluous), leaf.key);
};
