import { isNoMetadata } from '../net/kit.ts';
import { addressBytes } from '../protocol/ip-address.ts';

/** Names under which clouds serve their metadata. */
const metadataNames = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);

/** Whether a host, as written, is a metadata service that hands out credentials; nothing may probe those. */
export const isMetadata = (host: string): boolean => {
  const name = plainHost(host);
  return metadataNames.has(name) || !isNoMetadata(name);
};

/** A host in lower case, without brackets and final dot. */
const plainHost = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

/** Ranges that are not routed on the public Internet (RFC 1918, 6598, 1122, 3927, 4193, 4291): first bytes and length in bits. */
const privateRanges: readonly (readonly [bytes: readonly number[], bits: number])[] = [
  [[0], 8],
  [[10], 8],
  [[100, 64], 10],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 168], 16],
];
const privateRanges6: typeof privateRanges = [
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 120],
  [[0xfc], 7],
  [[0xfe, 0x80], 10],
];

const within = (address: Uint8Array, [bytes, bits]: (typeof privateRanges)[number]): boolean =>
  bytes.every((byte, index) => {
    const left = Math.min(8, bits - index * 8);
    return (((address[index] ?? 0) ^ byte) & (0xff << (8 - left)) & 0xff) === 0;
  });

/** Whether a host is an address of a private, loopback or link-local range, or `localhost`. */
export const isPrivate = (host: string): boolean => {
  const bytes = addressBytes(plainHost(host));
  if (bytes === undefined) return /(?:^|\.)localhost$/.test(plainHost(host));
  return (bytes.length === 4 ? privateRanges : privateRanges6).some((range) => within(bytes, range));
};

/** Whether a host is an IPv6 address; one that only maps an IPv4 address is not. */
export const isIpv6 = (host: string): boolean => addressBytes(plainHost(host))?.length === 16;

const isAddress = (host: string): boolean => addressBytes(plainHost(host)) !== undefined;

const insideNames = /(?:^|\.)(?:svc|local|internal|localhost)$|\.svc\./;

/** The side of a host when the list says nothing: inside for private addresses and for names that only a cluster or office knows. */
export const sideOf = (host: string): 'outside' | 'inside' => {
  if (isAddress(host)) return isPrivate(host) ? 'inside' : 'outside';
  const name = plainHost(host);
  return !name.includes('.') || insideNames.test(name) ? 'inside' : 'outside';
};

/** Whether the world can reach a host by this name: never a private address, or a name that only a cluster or office knows. */
export const isPublicHost = (host: string): boolean =>
  sideOf(host) === 'outside' && !isPrivate(host) && !isMetadata(host);
