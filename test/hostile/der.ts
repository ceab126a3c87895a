import { type KeyObject, sign } from 'node:crypto';

/** DER (X.690) from its parts. `tlv` takes any tag; the rest are the types that certificates are made of. */
export const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const hex = body.length.toString(16);
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
};
export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
export const integer = (hex: string): Buffer => tlv(0x02, Buffer.from(hex, 'hex'));
export const octets = (...parts: readonly Uint8Array[]): Buffer => tlv(0x04, ...parts);
export const bits = (bytes: Uint8Array): Buffer => tlv(0x03, Buffer.from([0]), bytes);
const truth: Buffer = Buffer.from([0x01, 0x01, 0xff]);

/** An object identifier from its dotted text. */
export const oid = (text: string): Buffer => {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const base128 = (value: number): number[] => {
    const digits = [value % 128];
    for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift(0x80 | (left % 128));
    return digits;
  };
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
};

/** A distinguished name with one common name, or an empty one. */
export const commonName = (text: string | undefined): Buffer =>
  text === undefined
    ? sequence()
    : sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(text, 'latin1')))));

/** A date as UTCTime (RFC 5280, section 4.1.2.5.1), `days` from now. */
export const utcTime = (days: number): Buffer =>
  tlv(
    0x17,
    Buffer.from(`${new Date(Date.now() + days * 86_400_000).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`),
  );

/** An extension of a certificate. */
export const extension = (id: string, value: Uint8Array, isCritical = false): Buffer =>
  sequence(oid(id), ...(isCritical ? [truth] : []), octets(value));

/** subjectAltName with DNS names, whose bytes are taken as they are. */
export const dnsNames = (...names: readonly string[]): Buffer =>
  extension('2.5.29.17', sequence(...names.map((name) => tlv(0x82, Buffer.from(name, 'latin1')))));

/** basicConstraints. */
export const isCa = (ca: boolean): Buffer => extension('2.5.29.19', ca ? sequence(truth) : sequence(), true);

/** ecdsa-with-SHA256. */
export const ecdsaSha256: Buffer = sequence(oid('1.2.840.10045.4.3.2'));

/** The parts of a certificate; each has a usual value. All but `digest` is DER. */
export type CertificateParts = {
  readonly subject?: Buffer;
  readonly issuer?: Buffer;
  readonly serial?: Buffer;
  readonly validity?: readonly [Buffer, Buffer];
  readonly spki: Buffer;
  readonly extensions?: readonly Buffer[];
  readonly algorithm?: Buffer;
  readonly digest?: string;
  readonly signer: KeyObject;
};

/** A certificate in DER, signed. No rule of X.509 is checked: that is what it is for. */
export const certificate = (parts: CertificateParts): Buffer => {
  const { algorithm = ecdsaSha256, serial = integer('4d2f'), validity = [utcTime(-1), utcTime(365)] } = parts;
  const { subject = commonName('localhost'), issuer = subject, extensions = [] } = parts;
  const body = sequence(
    tlv(0xa0, integer('02')),
    serial,
    algorithm,
    issuer,
    sequence(...validity),
    subject,
    parts.spki,
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  );
  return sequence(body, algorithm, bits(sign(parts.digest ?? 'sha256', body, parts.signer)));
};

/** DER as PEM. */
export const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der)
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')}\n-----END CERTIFICATE-----\n`;
