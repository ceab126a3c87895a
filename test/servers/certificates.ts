import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

// safe: Node's WebCrypto is the one that the library expects
x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

/** A certificate with its key, both in PEM, and what is needed to sign others with it. */
export type Issued = {
  readonly cert: string;
  readonly key: string;
  readonly subject: string;
  readonly keys: webcrypto.CryptoKeyPair;
};

/** What to make. Names that are addresses become IP entries. */
export type Wanted = {
  readonly subject?: string;
  readonly names?: readonly string[];
  readonly ca?: boolean;
  /** Days from now; may be negative. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly issuer?: Issued;
  /** Another key pair than a fresh one: for cross-signing. */
  readonly keys?: webcrypto.CryptoKeyPair;
  /** Where the certificate of its issuer can be fetched. */
  readonly caIssuers?: string;
  readonly algorithm?: 'ec' | 'rsa' | 'rsa-1024';
};

const algorithms = {
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: Uint8Array.of(1, 0, 1), modulusLength: 2_048 },
  'rsa-1024': {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: Uint8Array.of(1, 0, 1),
    modulusLength: 1_024,
  },
} as const;

const day = 86_400_000;
/** The certificates of a chain end at the same second, whenever each was made. */
const start = Date.now();
const isAddress = /^[\d.]+$|:/;

/** Issues a certificate: self-signed unless an issuer is given; a year from yesterday unless said otherwise. */
export const issue = async (wanted: Wanted = {}): Promise<Issued> => {
  const { subject = 'CN=test', names = [], ca = false, issuer, notBefore = -1, notAfter = 365 } = wanted;
  const algorithm = algorithms[wanted.algorithm ?? 'ec'];
  const keys =
    wanted.keys ??
    ((await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair);
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(ca, undefined, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ];
  if (ca)
    extensions.push(new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true));
  if (wanted.caIssuers !== undefined)
    extensions.push(new x509.AuthorityInfoAccessExtension({ caIssuers: [wanted.caIssuers] }));
  if (names.length > 0) {
    extensions.push(
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isAddress.test(value) ? 'ip' : 'dns', value })),
      ),
    );
  }
  const signer = issuer?.keys ?? keys;
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer?.subject ?? subject,
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    notBefore: new Date(start + notBefore * day),
    notAfter: new Date(start + notAfter * day),
    signingAlgorithm: signer.privateKey.algorithm.name === 'ECDSA' ? algorithms.ec : algorithms.rsa,
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    extensions,
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = key.match(/.{1,64}/g)?.join('\n') ?? '';
  return {
    cert: `${certificate.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
    subject,
    keys,
  };
};

/** A root, an intermediate and a leaf for `localhost` and 127.0.0.1, made once per process. */
export const chain = async (): Promise<{
  readonly root: Issued;
  readonly intermediate: Issued;
  readonly leaf: Issued;
}> => {
  made ??= make();
  return made;
};

let made: ReturnType<typeof make> | undefined;

const make = async () => {
  const root = await issue({ subject: 'CN=Test Root', ca: true });
  const intermediate = await issue({ subject: 'CN=Test Intermediate', ca: true, issuer: root });
  const leaf = await issue({ subject: 'CN=localhost', names: ['localhost', '127.0.0.1'], issuer: intermediate });
  return { root, intermediate, leaf };
};

/** A file `ca.pem` with an authority, in a folder of its own. */
export const authorityFile = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bothways-authority-'));
  const path = join(folder, 'ca.pem');
  await writeFile(path, (await issue({ ca: true })).cert);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
};
