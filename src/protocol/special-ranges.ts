/** A range with a meaning of its own, the document that gives it, and whether its addresses are of the public Internet. */
type SpecialRange = readonly [range: string, source: string, isGlobal: boolean];

/**
 * The special-purpose address registries of IANA, with multicast, reserved and retired ranges; the longest match decides. Ranges
 * for documentation (RFC 5737, 3849, 9637) are left out: in lists and tests they stand for public addresses. A range that holds
 * IPv4 addresses is as public as the address that it holds, which `held-addresses.ts` reads.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry (RFC 6890)
 */
export const specialRanges: readonly SpecialRange[] = [
  // This host: Linux connects 0.0.0.0 to its own loopback.
  ['0.0.0.0/8', 'RFC 791', false],
  ['10.0.0.0/8', 'RFC 1918', false],
  ['100.64.0.0/10', 'RFC 6598', false],
  ['127.0.0.0/8', 'RFC 1122', false],
  ['169.254.0.0/16', 'RFC 3927', false],
  ['172.16.0.0/12', 'RFC 1918', false],
  ['192.0.0.0/24', 'RFC 6890', false],
  ['192.0.0.9/32', 'RFC 7723', true],
  ['192.0.0.10/32', 'RFC 8155', true],
  ['192.88.99.0/24', 'RFC 7526', false],
  ['192.168.0.0/16', 'RFC 1918', false],
  ['198.18.0.0/15', 'RFC 2544', false],
  ['224.0.0.0/4', 'RFC 5771', false],
  ['240.0.0.0/4', 'RFC 1112', false],
  ['::/0', 'RFC 4291', false],
  ['2000::/3', 'RFC 4291', true],
  ['64:ff9b::/96', 'RFC 6052', true],
  ['64:ff9b:1::/48', 'RFC 8215', false],
  ['100::/64', 'RFC 6666', false],
  ['100:0:0:1::/64', 'RFC 9780', false],
  ['2001::/23', 'RFC 2928', false],
  ['2001::/32', 'RFC 4380', false],
  ['2001:1::1/128', 'RFC 7723', true],
  ['2001:1::2/128', 'RFC 8155', true],
  ['2001:1::3/128', 'RFC 9665', true],
  ['2001:2::/48', 'RFC 5180', false],
  ['2001:3::/32', 'RFC 7450', true],
  ['2001:4:112::/48', 'RFC 7535', true],
  ['2001:10::/28', 'RFC 4843', false],
  ['2001:20::/28', 'RFC 7343', true],
  ['2001:30::/28', 'RFC 9374', true],
  ['2002::/16', 'RFC 3056', true],
  // The 6bone, returned to IANA.
  ['3ffe::/16', 'RFC 3701', false],
  ['5f00::/16', 'RFC 9602', false],
  ['fc00::/7', 'RFC 4193', false],
  ['fe80::/10', 'RFC 4291', false],
  ['fec0::/10', 'RFC 3879', false],
  ['ff00::/8', 'RFC 4291', false],
];
