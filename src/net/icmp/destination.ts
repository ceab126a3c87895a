import { networkInterfaces } from 'node:os';
import { addressBytes } from '../../protocol/ip-address.ts';
import { socketAddress } from '../../protocol/linux-socket.ts';
import type { ProbeRequest } from './engine.ts';

const usualPort = { icmp: 0, udp: 33_434, tcp: 80 } as const;

/** Why a request cannot be sent as it is. */
export const problemOf = ({ ttl, trafficClass, payloadBytes, timeoutMs, port }: ProbeRequest): string | undefined => {
  const isWithin = (value: number | undefined, least: number, most: number) =>
    value === undefined || (Number.isInteger(value) && value >= least && value <= most);
  if (!isWithin(ttl, 1, 255)) return `a time to live of ${ttl}`;
  if (!isWithin(trafficClass, 0, 255)) return `a traffic class of ${trafficClass}`;
  if (!isWithin(payloadBytes, 0, 65_507)) return `a payload of ${payloadBytes} bytes`;
  if (!isWithin(port, 1, 65_535)) return `port ${port}`;
  return timeoutMs > 0 && timeoutMs <= 3_600_000 ? undefined : `a time limit of ${timeoutMs} ms`;
};

const destinations = new Map<string, Uint8Array>();

/** The destination as the kernel wants it, kept for the next time; `undefined` for a text that is no address. */
export const destinationOf = ({
  address,
  protocol,
  port = usualPort[protocol],
}: ProbeRequest): Uint8Array | undefined => {
  const key = `${address} ${port}`;
  const known = destinations.get(key);
  if (known !== undefined) return known;
  const bytes = addressBytes(address);
  if (bytes === undefined) return undefined;
  const zone = address.split('%', 2)[1];
  // The index of an interface may be another one tomorrow.
  if (zone !== undefined) return socketAddress(bytes, port, scopeOf(zone));
  const made = socketAddress(bytes, port);
  if (destinations.size >= 8_192) destinations.clear();
  destinations.set(key, made);
  return made;
};

/** The index of the interface that a zone names (RFC 4007, section 11.2). */
const scopeOf = (zone: string): number => {
  if (/^\d+$/.test(zone)) return Number(zone);
  for (const each of networkInterfaces()[zone] ?? [])
    if (each.family === 'IPv6' && each.scopeid !== 0) return each.scopeid;
  return 0;
};

/** Whether an address is one of this host's. */
export const isOwn = (address: string): boolean =>
  Object.values(networkInterfaces()).some((all) => all?.some((each) => each.address === address));
