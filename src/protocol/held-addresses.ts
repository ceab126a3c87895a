/**
 * The IPv4 addresses that an IPv6 address of 16 bytes holds by its form; none for an address of 4 bytes. Whoever routes such an
 * address may send the packet to the IPv4 address. Mapped ones (`::ffff:192.0.2.1`) are IPv4 addresses already, see `addressBytes`.
 */
export const heldAddresses = (address: Uint8Array): readonly Uint8Array[] => {
  if (address.length !== 16) return [];
  const held: Uint8Array[] = [];
  const from = (start: number) => held.push(address.subarray(start, start + 4));
  // 6to4: RFC 3056, section 2.
  if (startsWith(address, [0x20, 0x02])) from(2);
  // Teredo: RFC 4380, section 4. The client's address has all its bits inverted.
  if (startsWith(address, [0x20, 0x01, 0, 0])) {
    from(4);
    held.push(address.slice(12).map((byte) => byte ^ 0xff));
  }
  // IPv4-compatible: RFC 4291, section 2.5.5.1; `::` and `::1` are none. IPv4-translated: RFC 2765, section 2.1.
  if (startsWith(address, zeros.slice(0, 12)) && !startsWith(address, zeros.slice(0, 15))) from(12);
  if (startsWith(address, [...zeros.slice(0, 8), 0xff, 0xff, 0, 0])) from(12);
  // NAT64: RFC 6052, section 2.1.
  if (startsWith(address, [...nat64, ...zeros.slice(0, 8)])) from(12);
  // NAT64, local use: RFC 8215. Its operator chose one of the lengths.
  if (startsWith(address, [...nat64, 0, 1])) held.push(...embedded(address, [48, 56, 64, 96]));
  // ISATAP: RFC 5214, section 6.1, in any prefix. The bit for global uniqueness may be set.
  if (((address[8] ?? 0) & 0xfd) === 0 && startsWith(address.subarray(9), [0, 0x5e, 0xfe])) from(12);
  return held;
};

/**
 * What an address would hold if its prefix were one of NAT64, for each length of RFC 6052, section 2.2. Most of these are no
 * addresses of anything: a network's own prefix cannot be told from another.
 */
export const embeddedAddresses = (address: Uint8Array): readonly Uint8Array[] =>
  address.length === 16 ? embedded(address, [32, 40, 48, 56, 64, 96]) : [];

/** Byte 8 is skipped, unless the prefix reaches beyond it. */
const embedded = (address: Uint8Array, lengths: readonly number[]): Uint8Array[] =>
  lengths.map((bits) => {
    const start = bits / 8;
    if (start >= 9) return address.subarray(start, start + 4);
    const bytes = [...address.subarray(start, 8), ...address.subarray(9)];
    return Uint8Array.from(bytes.slice(0, 4));
  });

const zeros: readonly number[] = new Array<number>(16).fill(0);
const nat64 = [0x00, 0x64, 0xff, 0x9b] as const;

const startsWith = (address: Uint8Array, bytes: readonly number[]): boolean =>
  bytes.every((byte, index) => address[index] === byte);
