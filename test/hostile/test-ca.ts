import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type CertificateParts, certificate, commonName, dnsNames, isCa, pem } from './der.ts';

/** A key with the DER of its public half. */
export type Pair = { readonly key: KeyObject; readonly spki: Buffer };

/** A fresh P-256 key. */
export const pair = (): Pair => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { key: privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
};

const rootName = commonName('Hostile Root');
const middleName = commonName('Hostile Intermediate');

/** What certificates of hostile servers are made with, once per process: a root that probes trust, an intermediate, a key for leaves. */
export type TestCa = {
  readonly rootPem: string;
  readonly root: Buffer;
  readonly middle: Buffer;
  readonly leafKey: Pair;
  readonly rootKey: Pair;
  readonly middleKey: Pair;
  readonly middleName: Buffer;
  /** A leaf for `localhost`, signed by the intermediate, with what is to be different. */
  readonly leaf: (different?: Partial<CertificateParts>) => Buffer;
};

let made: TestCa | undefined;

/** See {@link TestCa}. */
export const testCa = (): TestCa => {
  made ??= make();
  return made;
};

const make = (): TestCa => {
  const [rootKey, middleKey, leafKey] = [pair(), pair(), pair()];
  const root = certificate({ subject: rootName, spki: rootKey.spki, extensions: [isCa(true)], signer: rootKey.key });
  const middle = certificate({
    subject: middleName,
    issuer: rootName,
    spki: middleKey.spki,
    extensions: [isCa(true)],
    signer: rootKey.key,
  });
  const leaf = (different: Partial<CertificateParts> = {}) =>
    certificate({
      issuer: middleName,
      spki: leafKey.spki,
      extensions: [isCa(false), dnsNames('localhost')],
      signer: middleKey.key,
      ...different,
    });
  return { rootPem: pem(root), root, middle, leafKey, rootKey, middleKey, middleName, leaf };
};
