import { Buffer } from 'node:buffer';
import { type DataReader, Short } from './dns-data-reader.ts';

/** Parameters of SVCB and HTTPS records by number (RFC 9460, section 14.3.2; RFC 9461; RFC 9540). */
const keys = [
  'mandatory',
  'alpn',
  'no-default-alpn',
  'port',
  'ipv4hint',
  'ech',
  'ipv6hint',
  'dohpath',
  'ohttp',
] as const;

const keyName = (key: number): string => keys[key] ?? `key${key}`;

/** The parameters of an SVCB or HTTPS record, each as ` key="value"` (RFC 9460, section 2.1). */
export const svcbText = (data: DataReader): string => {
  let text = '';
  while (data.left() > 0) {
    const key = data.u16();
    const value = Buffer.from(data.take(data.u16()));
    text += ` ${keyName(key)}="${valueText(keys[key], value)}"`;
  }
  return text;
};

const valueText = (key: (typeof keys)[number] | undefined, value: Buffer): string => {
  switch (key) {
    case 'mandatory':
      return pieces(value, 2)
        .map((piece) => keyName(piece.readUInt16BE()))
        .join(',');
    case 'alpn':
      return characterStrings(value).join(',');
    case 'port':
      if (value.length !== 2) throw new Short('a port of another length than 2');
      return String(value.readUInt16BE());
    case 'ipv4hint':
      return pieces(value, 4)
        .map((piece) => [...piece].join('.'))
        .join(',');
    case 'ipv6hint':
      return pieces(value, 16)
        .map((piece) =>
          new URL(`http://[${piece.toString('hex').replace(/(.{4})(?!$)/g, '$1:')}]`).hostname.slice(1, -1),
        )
        .join(',');
    case 'ech':
      return value.toString('base64');
    default:
      return [...value].map(escapeByte).join('');
  }
};

const pieces = (value: Buffer, size: number): Buffer[] => {
  if (value.length === 0 || value.length % size !== 0) throw new Short('a list of another length than its entries');
  return Array.from({ length: value.length / size }, (_, index) => value.subarray(index * size, (index + 1) * size));
};

const characterStrings = (value: Buffer): string[] => {
  const texts: string[] = [];
  for (let at = 0; at < value.length; ) {
    const length = value[at] ?? 0;
    if (at + 1 + length > value.length) throw new Short('a text longer than what holds it');
    texts.push([...value.subarray(at + 1, at + 1 + length)].map(escapeByte).join(''));
    at += 1 + length;
  }
  return texts;
};

const specials = new Set([...'"\\();, '].map((character) => character.charCodeAt(0)));

const escapeByte = (byte: number): string => {
  if (byte < 0x20 || byte > 0x7e) return `\\${String(byte).padStart(3, '0')}`;
  return specials.has(byte) ? `\\${String.fromCharCode(byte)}` : String.fromCharCode(byte);
};
