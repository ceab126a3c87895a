import { addressBytes } from './ip-address.ts';

type Range = readonly [bytes: readonly number[], bits: number];

/** What is not routed on the public Internet. Addresses for documentation are left out: they stand for public ones. */
const notGlobal: readonly Range[] = [
  [[0], 8],
  [[10], 8],
  [[100, 64], 10],
  [[127], 8],
  [[169, 254], 16],
  [[172, 16], 12],
  [[192, 0, 0], 24],
  [[192, 168], 16],
  [[198, 18], 15],
  [[224], 4],
  [[240], 4],
];

/** All IPv6 addresses of the public Internet are in this range; loopback, mapped, unique local, link-local and multicast ones are not. */
const global6: Range = [[0x20], 3];
/** Parts of it that have a meaning of their own: Teredo, benchmarking, ORCHID. */
const protocols6: Range = [[0x20, 0x01, 0x00], 23];

/** Ranges whose addresses hold an IPv4 address, and where: 6to4 (RFC 3056) and NAT64 (RFC 6052). */
const holders: readonly (readonly [range: Range, from: number])[] = [
  [[[0x20, 0x02], 16], 2],
  [[[0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 96], 12],
];

const within = (address: Uint8Array, [bytes, bits]: Range): boolean =>
  bytes.every((byte, index) => {
    const left = Math.min(8, bits - index * 8);
    return (((address[index] ?? 0) ^ byte) & (0xff << (8 - left)) & 0xff) === 0;
  });

/**
 * Whether an address of 4 or 16 bytes is one of the public Internet; one that holds an IPv4 address is judged by that.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry (RFC 6890)
 */
export const isGlobal = (address: Uint8Array): boolean => {
  if (address.length === 4) return !notGlobal.some((range) => within(address, range));
  const held = holders.find(([range]) => within(address, range));
  if (held !== undefined) return isGlobal(address.subarray(held[1], held[1] + 4));
  return within(address, global6) && !within(address, protocols6);
};

/**
 * Whether an address, as 4 or 16 bytes, is in a range that is written as `10.0.0.0/8` or `fd00::/8`; `undefined` for a text that is no range.
 * @see https://www.rfc-editor.org/rfc/rfc4632#section-3.1 and RFC 4291, section 2.3
 */
export const addressRange = (text: string): ((address: Uint8Array) => boolean) | undefined => {
  const [, start = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const first = addressBytes(start);
  const bits = Number(length);
  if (first === undefined || bits > first.length * 8) return undefined;
  const range: Range = [[...first.subarray(0, Math.ceil(bits / 8))], bits];
  return (address) => address.length === first.length && within(address, range);
};
