import { Buffer } from 'node:buffer';
import { type DataReader, dataReader, Short } from './dns-data-reader.ts';
import { type DnsMessage, nameIn, type ResourceRecord } from './dns-message.ts';
import { className, typeName, types } from './dns-names.ts';
import { svcbText } from './dns-svcb-text.ts';
import { addressText } from './ip-address.ts';

/**
 * A record in zone-file form, as blackbox_exporter matches it: owner, TTL, class, type and data with tabs between
 * (RFC 1035, section 5.1). Data of a type we do not print, or that cannot be read, is `\# length hex` (RFC 3597, section 5).
 */
export const recordText = (record: ResourceRecord, { bytes }: DnsMessage): string =>
  `${record.name}\t${record.ttl}\t${className(record.class)}\t${typeName(record.type)}\t${dataText(record, bytes)}`;

/** The serial of a SOA record, or `undefined` if its data cannot be read (RFC 1035, section 3.3.13). */
export const soaSerial = ({ start, end }: ResourceRecord, { bytes }: DnsMessage): number | undefined => {
  const primary = nameIn(bytes, start, end);
  const mailbox = primary === undefined ? undefined : nameIn(bytes, primary.next, end);
  if (mailbox === undefined || mailbox.next + 20 > end) return undefined;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).readUInt32BE(mailbox.next);
};

const dataText = ({ type, start, end }: ResourceRecord, bytes: Uint8Array): string => {
  const print = printers.get(type);
  if (print !== undefined) {
    try {
      const reader = dataReader(bytes, start, end);
      const text = print(reader);
      if (reader.left() === 0) return text;
    } catch (error) {
      if (!(error instanceof Short)) throw error;
    }
  }
  const data = Buffer.from(bytes.subarray(start, end));
  return `\\# ${data.length}${data.length === 0 ? '' : ` ${data.toString('hex')}`}`;
};

type Print = (data: DataReader) => string;

const name: Print = (data) => data.name();
const numbered: Print = (data) => `${data.u16()} ${data.name()}`;
const strings: Print = (data) => {
  const texts = [data.text()];
  while (data.left() > 0) texts.push(data.text());
  return texts.join(' ');
};
const soa: Print = (data) =>
  `${data.name()} ${data.name()} ${data.u32()} ${data.u32()} ${data.u32()} ${data.u32()} ${data.u32()}`;
const ds: Print = (data) => `${data.u16()} ${data.u8()} ${data.u8()} ${data.hex().toUpperCase()}`;
const dnskey: Print = (data) => `${data.u16()} ${data.u8()} ${data.u8()} ${data.base64()}`;
const tlsa: Print = (data) => `${data.u8()} ${data.u8()} ${data.u8()} ${data.hex()}`;
const svcb: Print = (data) => `${data.u16()} ${data.name()}${svcbText(data)}`;

const rrsig: Print = (data) => {
  const covered = typeName(data.u16());
  const numbers = `${data.u8()} ${data.u8()} ${data.u32()}`;
  return `${covered} ${numbers} ${timeText(data.u32())} ${timeText(data.u32())} ${data.u16()} ${data.name()} ${data.base64()}`;
};

const nsec3: Print = (data) => {
  const head = `${data.u8()} ${data.u8()} ${data.u16()} ${salt(data)}`;
  return `${head} ${base32(data.take(data.u8()))}${typeBitmap(data)}`;
};

const printers: ReadonlyMap<number, Print> = new Map<number, Print>([
  [types.A, (data) => [...data.take(4)].join('.')],
  [types.AAAA, (data) => addressText(data.take(16))],
  [types.NS, name],
  [types.CNAME, name],
  [types.PTR, name],
  [types.DNAME, name],
  [types.MX, numbered],
  [types.AFSDB, numbered],
  [types.KX, numbered],
  [types.RT, numbered],
  [types.SOA, soa],
  [types.TXT, strings],
  [types.SPF, strings],
  [types.HINFO, strings],
  [types.SRV, (data) => `${data.u16()} ${data.u16()} ${data.u16()} ${data.name()}`],
  [types.NAPTR, (data) => `${data.u16()} ${data.u16()} ${data.text()} ${data.text()} ${data.text()} ${data.name()}`],
  [types.CAA, (data) => `${data.u8()} ${data.word()} ${data.restText()}`],
  [types.URI, (data) => `${data.u16()} ${data.u16()} ${data.restText()}`],
  [types.RP, (data) => `${data.name()} ${data.name()}`],
  [types.DS, ds],
  [types.CDS, ds],
  [types.DNSKEY, dnskey],
  [types.CDNSKEY, dnskey],
  [types.RRSIG, rrsig],
  [types.NSEC, (data) => `${data.name()}${typeBitmap(data)}`],
  [types.NSEC3, nsec3],
  [types.NSEC3PARAM, (data) => `${data.u8()} ${data.u8()} ${data.u16()} ${salt(data)}`],
  [types.TLSA, tlsa],
  [types.SMIMEA, tlsa],
  [types.SSHFP, (data) => `${data.u8()} ${data.u8()} ${data.hex().toUpperCase()}`],
  [types.SVCB, svcb],
  [types.HTTPS, svcb],
]);

const salt = (data: DataReader): string => {
  const bytes = data.take(data.u8());
  return bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex').toUpperCase();
};

/** `20261123093000`, in UTC (RFC 4034, section 3.2); the number is seconds modulo 2^32, read as the time nearest to 2026. */
const timeText = (seconds: number): string => new Date(seconds * 1_000).toISOString().replaceAll(/[-:T]|\..*$/g, '');

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUV';

/** Base 32 with the extended hex alphabet, without padding (RFC 4648, section 7; RFC 5155, section 3.3). */
const base32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text;
};

/** The types of a bitmap, each with a space before it (RFC 4034, section 4.1.2). */
const typeBitmap = (data: DataReader): string => {
  let text = '';
  while (data.left() > 0) {
    const window = data.u8();
    for (const [index, byte] of data.take(data.u8()).entries()) {
      for (let bit = 0; bit < 8; bit += 1) {
        if ((byte & (0x80 >> bit)) !== 0) text += ` ${typeName(window * 256 + index * 8 + bit)}`;
      }
    }
  }
  return text;
};
