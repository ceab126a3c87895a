import type { HostilePeer } from './peer.ts';
import { bodyPeers } from './peers/bodies.ts';
import { certificatePeers } from './peers/certificates.ts';
import { dnsPeers } from './peers/dns.ts';
import { handshakePeers } from './peers/handshakes.ts';
import { http1Peers } from './peers/http1.ts';
import { http2Peers } from './peers/http2.ts';
import { icmpPeers } from './peers/icmp.ts';
import { tcpPeers } from './peers/tcp.ts';

/** THE table of hostile peers. */
export const hostilePeers: readonly HostilePeer[] = [
  ...certificatePeers,
  ...handshakePeers,
  ...http1Peers,
  ...bodyPeers,
  ...http2Peers,
  ...dnsPeers,
  ...tcpPeers,
  ...icmpPeers,
];

/** A row by its name; throws for one that is not there. */
export const peerNamed = (name: string): HostilePeer => {
  const found = hostilePeers.find((peer) => peer.name === name);
  if (found === undefined) throw new Error(`no hostile peer ${name}`);
  return found;
};
