import { addressBytes } from './ip-address.ts';

/**
 * FNV-1a, 32 bits, over the 4 bytes of an IPv4 address (mapped into IPv6 or not) or the 16 of an IPv6 address: the value
 * of blackbox_exporter's `probe_ip_addr_hash`. 0 for a text that is no address.
 * @see https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
 */
export const addressHash = (ip: string): number => {
  const bytes = addressBytes(ip);
  if (bytes === undefined) return 0;
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
};
