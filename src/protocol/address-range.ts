import { heldAddresses } from './held-addresses.ts';
import { addressBytes } from './ip-address.ts';
import { specialRanges } from './special-ranges.ts';

type Range = { readonly bytes: Uint8Array; readonly bits: number };

const within = (address: Uint8Array, { bytes, bits }: Range): boolean => {
  if (address.length !== bytes.length) return false;
  for (let index = 0; index * 8 < bits; index += 1) {
    const left = Math.min(8, bits - index * 8);
    if ((((address[index] ?? 0) ^ (bytes[index] ?? 0)) & (0xff << (8 - left)) & 0xff) !== 0) return false;
  }
  return true;
};

const rangeOf = (text: string): Range | undefined => {
  const [, start = '', length = ''] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
  const bytes = addressBytes(start);
  const bits = Number(length);
  return bytes === undefined || bits > bytes.length * 8 ? undefined : { bytes, bits };
};

/** The table, longest match first. */
const special = specialRanges
  .flatMap(([text, , isGlobalRange]) => {
    const range = rangeOf(text);
    return range === undefined ? [] : [{ range, isGlobalRange }];
  })
  .sort((a, b) => b.range.bits - a.range.bits);

/**
 * Whether an address of 4 or 16 bytes is one of the public Internet. One that holds an IPv4 address is only if that one is too.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry (RFC 6890)
 */
export const isGlobal = (address: Uint8Array): boolean => {
  const found = special.find(({ range }) => within(address, range));
  return (found?.isGlobalRange ?? true) && heldAddresses(address).every(isGlobal);
};

/**
 * Whether an address, as 4 or 16 bytes, is in a range that is written as `10.0.0.0/8` or `fd00::/8`; `undefined` for a text that is no range.
 * @see https://www.rfc-editor.org/rfc/rfc4632#section-3.1 and RFC 4291, section 2.3
 */
export const addressRange = (text: string): ((address: Uint8Array) => boolean) | undefined => {
  const range = rangeOf(text);
  return range === undefined ? undefined : (address) => within(address, range);
};
