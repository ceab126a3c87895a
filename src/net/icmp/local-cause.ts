import { networkInterfaces } from 'node:os';
import { addressBytes } from '../../protocol/ip-address.ts';

/**
 * Why an address cannot be the destination of a packet from this host, as `problem; what to write`; `undefined` for one that can. Only what
 * the address itself shows; the broadcast addresses of single networks are found by {@link localCause}, when the kernel refuses them.
 */
export const destinationProblem = (address: string): string | undefined => {
  const bytes = addressBytes(address);
  if (bytes === undefined) return undefined;
  if (bytes.every((byte) => byte === 0))
    return 'this is the unspecified address, which stands for no host; write the address of a host';
  const isFour = bytes.length === 4;
  if (isFour && bytes.every((byte) => byte === 255)) return broadcast;
  if (isFour ? (bytes[0] ?? 0) >> 4 === 14 : bytes[0] === 0xff)
    return 'this is a multicast address, which stands for a group of hosts; write the address of one host';
  const zone = address.split('%', 2)[1];
  const isOfLink = !isFour && bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
  if (!isOfLink) return undefined;
  const zones = linkZones();
  const names = zones.map(({ name }) => name).join(', ');
  const choice = names === '' ? 'no interface of this host has one' : `write one of ${names} behind a %`;
  if (zone === undefined) return `an address of a link needs an interface; ${choice}`;
  const isKnown = zones.some(({ name, index }) => name === zone || String(index) === zone);
  return isKnown ? undefined : `this host has no interface ${zone} with an address of a link; ${choice}`;
};

/** The interfaces of this host that have an IPv6 address of their link. */
const linkZones = (): { readonly name: string; readonly index: number }[] =>
  Object.entries(networkInterfaces()).flatMap(([name, all]) => {
    const index = all?.find((each) => each.family === 'IPv6' && each.scopeid !== 0);
    return index?.family === 'IPv6' ? [{ name, index: index.scopeid }] : [];
  });

/** Why this host did not send, by the code of the kernel, as `problem; what to do`; `undefined` for a code that is not about the destination. */
export const localCause = (code: string, address: string): string | undefined => {
  if (isWrongTarget(code, address)) return broadcast;
  return Object.hasOwn(causes, code) ? causes[code] : undefined;
};

/** Whether a code and an address say that the target itself is wrong, and not the network of this host. */
export const isWrongTarget = (code: string, address: string): boolean => code === 'EACCES' && isBroadcast(address);

const broadcast = 'this is a broadcast address, which stands for all hosts of a network; write the address of one host';

const causes: Readonly<Record<string, string>> = {
  ENETUNREACH: 'this host has no route to it; add a route, or a default gateway for its family',
  EHOSTUNREACH: 'a route of this host says that it is unreachable; look for it with `ip route get`',
  EACCES: 'a route of this host prohibits it; look for it with `ip route get`',
  EPERM: 'a packet filter of this host drops what is sent to it; allow it in the output rules of nftables or iptables',
  ENETDOWN: 'the network interface on the way is down; set it up with `ip link set`',
  ENODEV: 'the network interface on the way is not there; look at `ip link`',
  EAFNOSUPPORT: 'this host does not speak its address family; enable it, or write an address of the other family',
  EINVAL: 'a route of this host discards it, or it can be no destination; look for it with `ip route get`',
  EADDRNOTAVAIL:
    'this host has no address to send from in its family; add one, or write an address of the other family',
};

/** Whether an IPv4 address is the last one of a network of this host (RFC 919). */
const isBroadcast = (address: string): boolean => {
  const bytes = addressBytes(address);
  if (bytes?.length !== 4) return false;
  const wanted = numberOf(bytes);
  return Object.values(networkInterfaces()).some((all) =>
    all?.some(({ family, address: own, netmask }) => {
      const [ownBytes, mask] = [addressBytes(own), addressBytes(netmask)];
      if (family !== 'IPv4' || ownBytes === undefined || mask === undefined) return false;
      return (numberOf(ownBytes) | ~numberOf(mask)) >>> 0 === wanted;
    }),
  );
};

const numberOf = (bytes: Uint8Array): number => bytes.reduce((sum, byte) => (sum << 8) | byte, 0) >>> 0;
