import { icmpTypes } from '../../protocol/icmp-packet.ts';
import { families } from '../../protocol/linux-socket.ts';
import type { Libc } from './libc.ts';
import type { OpenProblem } from './open-problem.ts';

/** Ping sockets carry ICMP for any process of a group that may; raw ones need a privilege; UDP needs neither. */
export type DatagramKind = 'ping' | 'raw' | 'udp';

/** Error numbers (the same on all Linux systems that Node runs on). */
export const errnos = { EINTR: 4, EAGAIN: 11, EMSGSIZE: 90, ENOBUFS: 105, EINPROGRESS: 115 } as const;

const socketType = { datagram: 2, raw: 3, nonBlocking: 0x800, closeOnExec: 0x80000 } as const;
const protocols = { ping: { 4: 1, 6: 58 }, raw: { 4: 1, 6: 58 }, udp: { 4: 17, 6: 17 } } as const;
const options = {
  4: { level: 0, ttl: 2, trafficClass: 1, receiveHopLimit: 12, receiveErrors: 11, mtuDiscover: 10 },
  6: { level: 41, ttl: 16, trafficClass: 67, receiveHopLimit: 51, receiveErrors: 25, mtuDiscover: 23 },
} as const;
/** Transmit and receive stamps by software, reported, packets numbered, and the stamp alone without the packet. */
const stampFlags = 0x2 | 0x8 | 0x10 | 0x80 | 0x800;
const socketLevel = { level: 1, sendBuffer: 7, receiveBuffer: 8, stamps: 37 } as const;
const sendBufferBytes = 8 * 1_024 * 1_024;
/** Which levels and names a family's options have; for sockets that set their own. */
export const optionsOf = (family: 4 | 6) => options[family];

/** Opens a socket of a kind and family and prepares it, or tells what the system refused. */
export const openSocket = (
  libc: Libc,
  kind: DatagramKind,
  family: 4 | 6,
  isUncut: boolean,
  bound: Uint8Array | undefined,
  receiveBufferBytes: number,
): { readonly fd: number; readonly hasSendStamps: boolean } | OpenProblem => {
  const domain = family === 4 ? families.ip4 : families.ip6;
  const type =
    (kind === 'raw' ? socketType.raw : socketType.datagram) | socketType.nonBlocking | socketType.closeOnExec;
  const fd = libc.socket(domain, type, protocols[kind][family]);
  const refuse = (call: string, result: number): OpenProblem => {
    if (fd >= 0) libc.close(fd);
    return { call, errno: -result, use: `${kind === 'udp' ? 'udp' : 'icmp'}${family}` };
  };
  if (fd < 0) return refuse('socket', fd);
  const prepared = prepare(libc, fd, kind, family, isUncut, receiveBufferBytes);
  if (prepared < 0) return refuse(`setsockopt ${family === 4 ? 'IP_RECVERR' : 'IPV6_RECVERR'}`, prepared);
  const bind = bound === undefined ? 0 : libc.bind(fd, bound);
  if (bind < 0) return refuse('bind', bind);
  const hasSendStamps = libc.setOption(fd, socketLevel.level, socketLevel.stamps, stampFlags) >= 0;
  return { fd, hasSendStamps };
};

const prepare = (
  libc: Libc,
  fd: number,
  kind: DatagramKind,
  family: 4 | 6,
  isUncut: boolean,
  receiveBufferBytes: number,
): number => {
  const { level, receiveHopLimit, receiveErrors, mtuDiscover } = options[family];
  // Room for a burst of answers that comes while the process is busy; the system may give less.
  libc.setOption(fd, socketLevel.level, socketLevel.receiveBuffer, receiveBufferBytes);
  libc.setOption(fd, socketLevel.level, socketLevel.sendBuffer, sendBufferBytes);
  libc.setOption(fd, level, receiveHopLimit, 1);
  // 3: every packet asks anew; 0: routers may cut.
  libc.setOption(fd, level, mtuDiscover, isUncut ? 3 : 0);
  if (kind === 'raw') filterRaw(libc, fd, family);
  return libc.setOption(fd, level, receiveErrors, 1);
};

/** A raw socket hears all ICMP of the host; errors come by the error queue, so answers are enough. The bits are the types left out. */
const filterRaw = (libc: Libc, fd: number, family: 4 | 6): void => {
  const reply = icmpTypes[family].echoReply;
  const blocked = new Uint8Array(family === 4 ? 4 : 32).fill(0xff);
  blocked[reply >> 3] = 0xff & ~(1 << (reply & 7));
  libc.setOption(fd, family === 4 ? 255 : 58, 1, blocked);
};

/** Packets that a socket had no room for since it was opened (SO_MEMINFO; SO_RXQ_OVFL is not told of by ping sockets). */
export const dropsOf = (libc: Libc, fd: number): number => {
  const said = libc.option(fd, socketLevel.level, memoryInfo.name, memoryInfo.length);
  return typeof said === 'number' ? 0 : said.getUint32(memoryInfo.drops, true);
};

const memoryInfo = { name: 55, length: 36, drops: 32 } as const;
