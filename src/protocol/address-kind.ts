import { addressRange } from './address-range.ts';
import { embeddedAddresses, heldAddresses } from './held-addresses.ts';
import { addressBytes } from './ip-address.ts';

/**
 * `metadata`: a service that gives credentials to every program of a machine; never probed. `link_local`: what only neighbours on
 * the link have, and the services that clouds put there; probed where the list says so. `ordinary`: all others.
 */
export type AddressKind = 'metadata' | 'link_local' | 'ordinary';

/** Where clouds serve metadata and credentials, by address, with the cloud. */
const metadataServices = {
  '169.254.169.254': 'AWS, Azure, Google Cloud, Oracle Cloud, OpenStack and others',
  '169.254.169.252': 'Google Kubernetes Engine',
  '169.254.170.2': 'AWS ECS',
  '169.254.170.23': 'AWS EKS',
  '169.254.42.42': 'Scaleway',
  '169.254.0.23': 'Tencent Cloud',
  '168.63.129.16': 'Azure, the platform of a machine',
  '100.100.100.200': 'Alibaba Cloud',
  '100.96.0.96': 'Volcano Engine',
  '192.0.0.192': 'Oracle Cloud Classic',
  'fd00:ec2::254': 'AWS',
  'fd00:ec2::23': 'AWS EKS',
  'fd20:ce::254': 'Google Cloud',
  'fd00:c1::a9fe:a9fe': 'Oracle Cloud',
  'fd00:42::42': 'Scaleway',
  'fd00:a9fe:a9fe::1': 'Linode',
} as const;

/** IPv4 addresses as numbers, since most that are asked about are of 4 bytes; IPv6 addresses as texts. */
const keyOf = (address: Uint8Array): number | string => {
  const [a = 0, b = 0, c = 0, d = 0] = address;
  return address.length === 4 ? ((a << 24) | (b << 16) | (c << 8) | d) >>> 0 : String(address);
};
const forbidden = new Set(
  Object.keys(metadataServices)
    .flatMap((text) => addressBytes(text) ?? [])
    .map(keyOf),
);
const isForbidden = (address: Uint8Array): boolean => forbidden.has(keyOf(address));

/** The last is where AWS's DNS and time servers have their IPv6 addresses; for IPv4 they are link-local. */
const linkLocal = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32'].map(addressRange);
const isLinkLocal = (address: Uint8Array): boolean => linkLocal.some((isWithin) => isWithin?.(address) === true);

/**
 * What an address of 4 or 16 bytes is, in whichever form it is written: an IPv6 address is also judged by the IPv4 address that it
 * holds. As a network may have a NAT64 prefix of its own, one is a metadata service in any prefix, at each place that RFC 6052 names.
 */
export const addressKind = (address: Uint8Array): AddressKind => {
  const held = heldAddresses(address);
  if (isForbidden(address) || held.some(isForbidden) || embeddedAddresses(address).some(isForbidden)) return 'metadata';
  return isLinkLocal(address) || held.some(isLinkLocal) ? 'link_local' : 'ordinary';
};
