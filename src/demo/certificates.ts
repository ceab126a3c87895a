import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIPv4 } from 'node:net';
import * as x509 from '@peculiar/x509';

/** A certificate and its key in PEM, and what signs others with it. */
export type Issued = {
  readonly cert: string;
  readonly key: string;
  readonly subject: string;
  readonly keys: webcrypto.CryptoKeyPair;
};

/** The certificates of the demo: an authority, and servers that are well, ill and about to be. */
export type Certificates = {
  readonly authority: string;
  readonly good: Served;
  readonly soon: Served;
  readonly expired: Served;
  readonly incomplete: Served;
};

/** What a server is started with. */
export type Served = { readonly cert: string; readonly key: string };

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;

/** Makes them anew, for `localhost` and 127.0.0.1; nothing is written to a disk. */
export const makeCertificates = async (): Promise<Certificates> => {
  // safe: Node's WebCrypto is the one that the library expects
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const root = await issue('CN=Bothways demo authority', { days: [-1, 365] });
  const intermediate = await issue('CN=Bothways demo intermediate', { days: [-1, 300], issuer: root });
  const leaf = (days: readonly [number, number]) =>
    issue('CN=localhost', { days, issuer: intermediate, names: ['localhost', '127.0.0.1'] });
  const [good, soon, expired] = await Promise.all([leaf([-1, 60]), leaf([-80, 9]), leaf([-93, -3])]);
  const withChain = ({ cert, key }: Issued): Served => ({ cert: cert + intermediate.cert, key });
  return {
    authority: root.cert,
    good: withChain(good),
    soon: withChain(soon),
    expired: withChain(expired),
    incomplete: { cert: good.cert, key: good.key },
  };
};

type Wanted = {
  /** First and last day of validity, counted from now. */
  readonly days: readonly [from: number, to: number];
  readonly issuer?: Issued;
  /** Names and addresses of a server; without any it is an authority. */
  readonly names?: readonly string[];
};

const issue = async (subject: string, { days: [from, to], issuer, names }: Wanted): Promise<Issued> => {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const own: x509.Extension[] =
    names === undefined
      ? [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)]
      : [
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIPv4(value) ? 'ip' : 'dns', value })),
          ),
        ];
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    notBefore: new Date(Date.now() + from * dayMs),
    notAfter: new Date(Date.now() + to * dayMs),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    extensions: [new x509.BasicConstraintsExtension(names === undefined, undefined, true), ...own],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${(key.match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`,
    subject,
    keys,
  };
};
