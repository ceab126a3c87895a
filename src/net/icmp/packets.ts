import {
  checksum,
  echoHeaderLength,
  icmpTypes,
  ip4HeaderLength,
  readEcho,
  writeEchoRequest,
} from '../../protocol/icmp-packet.ts';
import { isSameAddress } from '../../protocol/linux-socket.ts';
import type { Area } from './libc.ts';
import { dataRoom, type Message } from './messages.ts';
import type { DatagramKind } from './open-socket.ts';
import type { Pending } from './pending.ts';
import type { Slots } from './slots.ts';

/** Writes the packets of one socket, and finds the probe that what comes back is about. */
export type Packets = {
  /** Writes the packet of a probe; its length. */
  readonly write: (pending: Pending) => number;
  /** The probe that an error quotes: by its number, destination and as much of its token as there is. */
  readonly quoted: (message: Message) => Pending | undefined;
  /** The probe that an answer is to; `foreign` when it is another process's. */
  readonly answered: (message: Message) => Pending | 'foreign' | undefined;
};

const keyLength = 2;
const tokenLength = 8;
const usualPayload = 32;
/** Bytes of a UDP probe's payload that say which it is: its number and its token. */
const udpTagLength = 10;

/** The packets of a socket: echo messages, or UDP with number and token in the payload. */
export const packetsOf = (kind: DatagramKind, family: 4 | 6, table: Slots, packet: Area): Packets => {
  // Raw sockets choose their own identifier; for ping sockets the kernel does.
  const id = kind === 'raw' ? 1 + Math.floor(Math.random() * 0xfffe) : 0;
  const headerLength = kind === 'udp' ? keyLength : echoHeaderLength;
  const write = ({ key, tokenHigh, tokenLow, request }: Pending): number => {
    const { view, bytes } = packet;
    const payloadBytes = Math.max(request.payloadBytes ?? usualPayload, kind === 'udp' ? udpTagLength : 0);
    if (kind === 'udp') view.setUint16(0, key);
    else writeEchoRequest(view, 0, family, id, key);
    const length = kind === 'udp' ? payloadBytes : echoHeaderLength + payloadBytes;
    // The packet has room behind a shorter payload.
    view.setUint32(headerLength, tokenHigh);
    view.setUint32(headerLength + 4, tokenLow);
    if (length > headerLength + tokenLength) bytes.fill(0, headerLength + tokenLength, length);
    if (kind === 'raw' && family === 4) view.setUint16(2, checksum(view, 0, length));
    return length;
  };

  const isToken = (view: DataView, at: number, end: number, { tokenHigh, tokenLow, request }: Pending): boolean => {
    const wanted = kind === 'udp' ? tokenLength : Math.min(tokenLength, request.payloadBytes ?? usualPayload);
    if (at + wanted > end) return false;
    if (wanted === tokenLength) return view.getUint32(at) === tokenHigh && view.getUint32(at + 4) === tokenLow;
    for (let index = 0; index < wanted; index += 1) {
      const byte = (index < 4 ? tokenHigh >>> (24 - index * 8) : tokenLow >>> (56 - index * 8)) & 0xff;
      if (view.getUint8(at + index) !== byte) return false;
    }
    return true;
  };

  const quoted = ({ view, nameAt, dataAt, dataEnd }: Message): Pending | undefined => {
    if (kind !== 'udp') {
      const echo = readEcho(view, dataAt, dataEnd, icmpTypes[family].echoRequest);
      const pending = echo === undefined ? undefined : table.at(echo.sequence);
      if (echo === undefined || pending === undefined || !isSameAddress(view, nameAt, pending.to)) return undefined;
      if (kind === 'raw' && echo.id !== id) return undefined;
      const isLong = echo.payloadAt + tokenLength <= dataEnd;
      return !isLong || isToken(view, echo.payloadAt, dataEnd, pending) ? pending : undefined;
    }
    if (dataAt + keyLength <= dataEnd) {
      const pending = table.at(view.getUint16(dataAt));
      if (pending === undefined || !isSameAddress(view, nameAt, pending.to)) return undefined;
      const isLong = dataAt + udpTagLength <= dataEnd;
      return !isLong || isToken(view, dataAt + keyLength, dataEnd, pending) ? pending : undefined;
    }
    return onlyOneTo(view, nameAt);
  };

  /** Routers that quote nothing of the payload leave the destination alone to go by. */
  const onlyOneTo = (view: DataView, nameAt: number): Pending | undefined => {
    let found: Pending | undefined;
    for (const pending of table.waiting) {
      if (!isSameAddress(view, nameAt, pending.to)) continue;
      if (found !== undefined) return undefined;
      found = pending;
    }
    return found;
  };

  const answered = ({ view, nameAt, dataAt, dataEnd }: Message): Pending | 'foreign' | undefined => {
    if (kind === 'udp') return onlyOneTo(view, nameAt);
    const skipped = kind === 'raw' && family === 4 ? ip4HeaderLength(view, dataAt, dataEnd) : 0;
    if (skipped === undefined) return undefined;
    const echo = readEcho(view, dataAt + skipped, dataEnd, icmpTypes[family].echoReply);
    if (echo === undefined) return undefined;
    if (kind === 'raw' && echo.id !== id) return 'foreign';
    const pending = table.at(echo.sequence);
    if (pending === undefined || !isSameAddress(view, nameAt, pending.to)) return undefined;
    // The whole payload must come back, as far as we have room for it.
    const length = Math.min(pending.request.payloadBytes ?? usualPayload, dataRoom - skipped - echoHeaderLength);
    return echo.payloadAt + length <= dataEnd && isToken(view, echo.payloadAt, dataEnd, pending) ? pending : undefined;
  };

  return { write, quoted, answered };
};
