import { generateKeyPairSync } from 'node:crypto';
import {
  bits,
  certificate,
  commonName,
  dnsNames,
  ecdsaSha256,
  extension,
  integer,
  isCa,
  octets,
  oid,
  sequence,
  tlv,
  utcTime,
} from '../der.ts';
import { at, type HostilePeer } from '../peer.ts';
import { httpPeer, tls12Peer, tlsPeer } from '../serving.ts';
import { pair, testCa } from '../test-ca.ts';

const module = { prober: 'tcp', tcp: { tls: true } } as const;
const { leaf, middle, middleName, leafKey, middleKey, root, rootKey } = testCa();

/** A point that is not on the curve: OpenSSL reads the certificate and cannot decode its key. */
const badPoint = Buffer.from(leafKey.spki);
badPoint.fill(0xff, 27);
const badCa = certificate({
  subject: commonName('Bad key'),
  spki: badPoint,
  extensions: [isCa(true)],
  signer: rootKey.key,
});
const flipped = (der: Buffer): Buffer => {
  const copy = Buffer.from(der);
  copy[copy.length - 3] = (copy[copy.length - 3] ?? 0) ^ 4;
  return copy;
};

/** A peer whose handshake is in order and whose certificates are not. */
const presenting = (
  name: string,
  does: string,
  certificates: () => readonly Buffer[],
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => {
  // Made once, by the process that serves.
  let made: readonly Buffer[] | undefined;
  const serve = () =>
    tls12Peer(() => {
      made ??= certificates();
      return { certificates: made };
    });
  return { name, group: 'tls', does, serve, target: at.tls, module, expect, ...more };
};

/** As {@link presenting}, for one leaf under the valid intermediate. */
const leafOf = (
  name: string,
  does: string,
  different: () => Parameters<typeof leaf>[0],
  expect: HostilePeer['expect'],
  more: Partial<HostilePeer> = {},
): HostilePeer => presenting(name, does, () => [leaf(different()), middle], expect, more);

const usual = [isCa(false), dnsNames('localhost')];
const manyNames = (count: number) => Array.from({ length: count }, (_, index) => `host-${index}.example.com`);
const generalized = (text: string) => tlv(0x18, Buffer.from(text));
const utc = (text: string) => tlv(0x17, Buffer.from(text));
const weak = () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { key: privateKey, spki };
};
const pemOf = (der: Buffer) => `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
/** Served by OpenSSL at security level 0, which has no objection to weak keys. */
const weakly = (cert: Buffer, key: ReturnType<typeof weak>['key']) =>
  tlsPeer(() => {}, {
    cert: pemOf(cert) + pemOf(middle),
    key: key.export({ type: 'pkcs8', format: 'pem' }),
    ciphers: 'DEFAULT:@SECLEVEL=0',
  });

/** Certificates and chains that no honest server presents. */
export const certificatePeers: readonly HostilePeer[] = [
  presenting(
    'bad-key-in-chain',
    'a leaf with a flipped bit in its signature, its CA, and a CA whose EC point is not on the curve',
    () => [flipped(leaf()), middle, badCa],
    ['tls_invalid_certificate'],
    { target: at.https, module: { prober: 'http', http: {} } },
  ),
  {
    name: 'redirect-to-bad-key',
    group: 'tls',
    does: 'a redirect from a good server to the chain with the bad key',
    serve: async () => {
      const bad = await tls12Peer(() => ({ certificates: [flipped(leaf()), middle, badCa] }));
      const good = await httpPeer((socket) =>
        socket.end(`HTTP/1.1 302 Found\r\nLocation: https://localhost:${bad.port}/\r\nContent-Length: 0\r\n\r\n`),
      );
      return {
        port: good.port,
        [Symbol.asyncDispose]: async () => {
          await good[Symbol.asyncDispose]();
          await bad[Symbol.asyncDispose]();
        },
      };
    },
    target: at.http,
    module: { prober: 'http', http: {} },
    expect: ['tls_invalid_certificate'],
  },
  presenting(
    'superfluous-bad-key',
    'a valid chain, and behind it a certificate whose key cannot be decoded',
    () => [leaf(), middle, badCa],
    ['good', 'tls_invalid_certificate'],
  ),
  leafOf('bad-point', 'a leaf whose own key is not on the curve', () => ({ spki: badPoint }), [
    'tls_invalid_certificate',
    'tls_protocol',
  ]),
  presenting(
    'thousand-certificates',
    'a chain of 1,000 certificates, more than OpenSSL reads (100 kB)',
    () => [leaf(), ...Array.from({ length: 999 }, () => middle)],
    ['tls_protocol', 'tls_invalid_certificate'],
    { inTests: true },
  ),
  presenting(
    'two-hundred-certificates',
    'a valid chain, and 198 certificates that belong to nothing',
    () => [leaf(), middle, ...Array.from({ length: 198 }, () => middle)],
    ['good'],
  ),
  presenting(
    'ninety-kilobytes',
    'a self-signed certificate of 90 kB',
    () => {
      const own = pair();
      const extensions = [dnsNames('localhost', ...manyNames(3_800))];
      return [certificate({ spki: own.spki, extensions, signer: own.key })];
    },
    // The key is another than that of the key exchange: OpenSSL objects to that first.
    ['tls_self_signed', 'tls_protocol'],
  ),
  {
    name: 'new-certificate-each-time',
    group: 'tls',
    does: 'another self-signed certificate of 90 kB at each of many handshakes',
    serve: () => {
      const key = leafKey.key;
      let serial = 0x10000000;
      const names = dnsNames('localhost', ...manyNames(3_800));
      return tls12Peer(() => {
        serial += 1;
        const one = { serial: integer(serial.toString(16)), spki: leafKey.spki };
        return { certificates: [certificate({ ...one, extensions: [names], signer: key })], key };
      });
    },
    target: at.tls,
    module,
    expect: ['tls_self_signed'],
    copies: 40,
    alone: true,
  },
  leafOf('no-subject', 'a leaf without a subject', () => ({ subject: commonName(undefined) }), ['good']),
  presenting(
    'no-names-at-all',
    'a certificate without subject, issuer and extensions',
    () => [certificate({ subject: commonName(undefined), spki: leafKey.spki, signer: leafKey.key })],
    [
      'tls_name_mismatch+tls_self_signed',
      'tls_name_mismatch+tls_unknown_issuer',
      'tls_incomplete_chain+tls_name_mismatch',
      'tls_invalid_certificate+tls_name_mismatch',
    ],
  ),
  leafOf(
    'nul-in-name',
    'names that hold NUL: `localhost\\0.evil.example` as common name and as DNS name',
    () => ({
      subject: commonName('localhost\0.evil.example'),
      extensions: [isCa(false), dnsNames('localhost\0.evil.example')],
    }),
    ['tls_name_mismatch', 'tls_invalid_certificate+tls_name_mismatch'],
    { inTests: true },
  ),
  leafOf(
    'control-characters',
    'names with escape sequences and line feeds',
    () => ({
      subject: commonName('\u001b[2J\u0007\nX'),
      extensions: [isCa(false), dnsNames('\u001b]0;owned\u0007', 'a\nb')],
    }),
    ['tls_name_mismatch'],
    { inTests: true },
  ),
  leafOf('common-name-only', 'the right name as common name alone', () => ({ extensions: [isCa(false)] }), [
    'tls_name_mismatch',
  ]),
  leafOf('wildcard-for-all', 'the name `*`', () => ({ extensions: [isCa(false), dnsNames('*')] }), [
    'tls_name_mismatch',
  ]),
  leafOf(
    'huge-san',
    '3,000 names of which the last is the right one',
    () => ({ extensions: [isCa(false), dnsNames(...manyNames(3_000), 'localhost')] }),
    ['good'],
  ),
  leafOf(
    'expired-and-misnamed',
    'expired, and for another host',
    () => ({ validity: [utcTime(-30), utcTime(-1)], extensions: [isCa(false), dnsNames('other.example')] }),
    ['tls_expired+tls_name_mismatch'],
    { inTests: true },
  ),
  leafOf('not-yet', 'valid from tomorrow on', () => ({ validity: [utcTime(1), utcTime(30)] }), ['tls_not_yet_valid']),
  leafOf(
    'ends-before-it-begins',
    'valid from tomorrow until yesterday',
    () => ({ validity: [utcTime(1), utcTime(-1)] }),
    ['tls_expired', 'tls_not_yet_valid'],
  ),
  leafOf(
    'date-without-seconds',
    'dates that DER forbids',
    () => ({ validity: [utc('2001010000Z'), utc('4901010000Z')] }),
    ['tls_invalid_certificate', 'tls_protocol'],
  ),
  leafOf(
    'year-9999',
    'valid from the year 1 to the year 9999',
    () => ({ validity: [generalized('00010101000000Z'), generalized('99991231235959Z')] }),
    ['good', 'tls_invalid_certificate'],
  ),
  leafOf(
    'date-of-words',
    'dates that cannot be read',
    () => ({ validity: [utc('ABCDEFGHIJKLZ'), utc('\u001b[2J6661324Z')] }),
    ['tls_invalid_certificate', 'tls_protocol'],
  ),
  {
    name: 'weak-key',
    group: 'tls',
    does: 'an RSA key of 1,024 bits',
    serve: () => {
      const { key, spki } = weak();
      return weakly(leaf({ spki }), key);
    },
    target: at.tls,
    module,
    expect: ['tls_weak_key', 'tls_protocol'],
  },
  {
    name: 'sha-1',
    group: 'tls',
    does: 'a certificate signed with SHA-1',
    serve: () => weakly(leaf({ algorithm: sequence(oid('1.2.840.10045.4.1')), digest: 'sha1' }), leafKey.key),
    target: at.tls,
    module,
    expect: ['tls_weak_key'],
  },
  leafOf(
    'unknown-key-type',
    'a public key of an unknown algorithm',
    () => ({ spki: sequence(sequence(oid('1.3.6.1.4.1.99999.1')), bits(Buffer.alloc(65, 4))) }),
    ['tls_protocol', 'tls_invalid_certificate'],
  ),
  leafOf(
    'unknown-signature',
    'signed by an unknown algorithm',
    () => ({ algorithm: sequence(oid('1.3.6.1.4.1.99999.2')) }),
    ['tls_incomplete_chain', 'tls_unknown_issuer', 'tls_invalid_certificate'],
  ),
  leafOf('negative-serial', 'a negative serial number', () => ({ serial: integer('80000001') }), [
    'good',
    'tls_invalid_certificate',
  ]),
  leafOf('huge-serial', 'a serial number of 10 kB', () => ({ serial: integer('7f'.repeat(10_000)) }), [
    'good',
    'tls_invalid_certificate',
  ]),
  leafOf(
    'wrong-purpose',
    'for clients only',
    () => ({ extensions: [...usual, extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.2')))] }),
    ['tls_invalid_certificate'],
  ),
  leafOf(
    'critical-unknown',
    'a critical extension that is not known',
    () => ({ extensions: [...usual, extension('1.3.6.1.4.1.99999.3', octets(), true)] }),
    ['tls_invalid_certificate'],
  ),
  leafOf(
    'extension-twice',
    'subjectAltName twice, for two names',
    () => ({ extensions: [...usual, dnsNames('other.example')] }),
    [
      'good',
      'tls_protocol',
      'tls_invalid_certificate',
      'tls_name_mismatch',
      'tls_invalid_certificate+tls_name_mismatch',
    ],
  ),
  leafOf(
    'deep-der',
    'an extension of 5,000 nested sequences',
    () => ({ extensions: [...usual, extension('1.3.6.1.4.1.99999.4', nested(5_000))] }),
    ['good', 'tls_invalid_certificate'],
  ),
  presenting(
    'no-ca',
    'a leaf signed by a certificate that is not a CA',
    () => {
      const name = commonName('Not a CA');
      const own = certificate({
        subject: name,
        issuer: middleName,
        spki: rootKey.spki,
        extensions: [isCa(false)],
        signer: middleKey.key,
      });
      return [leaf({ issuer: name, signer: rootKey.key }), own, middle];
    },
    ['tls_invalid_certificate'],
  ),
  presenting(
    'circle',
    'two CAs that sign each other',
    () => {
      const [one, two] = [pair(), pair()];
      const [a, b] = [commonName('A'), commonName('B')];
      const ca = [isCa(true)];
      return [
        leaf({ issuer: a, signer: one.key }),
        certificate({ subject: a, issuer: b, spki: one.spki, extensions: ca, signer: two.key }),
        certificate({ subject: b, issuer: a, spki: two.spki, extensions: ca, signer: one.key }),
      ];
    },
    ['tls_unknown_issuer', 'tls_invalid_certificate'],
  ),
  presenting('root-alone', 'the trusted root itself as the certificate of the server', () => [root], [
    'tls_protocol',
    'tls_name_mismatch',
    'tls_invalid_certificate+tls_name_mismatch',
  ]),
  presenting(
    'wrong-key',
    'the certificate of another server, whose key it has not',
    () => [leaf({ spki: pair().spki }), middle],
    ['tls_protocol'],
  ),
  presenting('no-certificate', 'an empty list of certificates', () => [], ['tls_protocol', 'tls_invalid_certificate']),
  presenting('garbage-certificate', 'random bytes as certificate', () => [Buffer.alloc(700, 'garbage')], [
    'tls_invalid_certificate',
    'tls_protocol',
  ]),
  presenting('cut-certificate', 'the first half of a certificate', () => [leaf().subarray(0, 200), middle], [
    'tls_invalid_certificate',
    'tls_protocol',
  ]),
  leafOf(
    'algorithms-differ',
    'inside signed by another algorithm than outside',
    () => ({ algorithm: sequence(oid('1.2.840.10045.4.3.3')) }),
    ['tls_invalid_certificate'],
  ),
];

function nested(depth: number): Buffer {
  let der: Buffer = ecdsaSha256;
  for (let level = 0; level < depth; level += 1) der = sequence(der);
  return der;
}
