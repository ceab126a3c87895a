import { errorKind } from '../../protocol/icmp-packet.ts';
import { addressText } from '../../protocol/ip-address.ts';
import { addressIn, controlTruncated, families, isSameAddress, origins, sizes } from '../../protocol/linux-socket.ts';
import type { Shared } from './datagram-socket.ts';
import type { ProbeOutcome } from './engine.ts';
import { errorName } from './libc.ts';
import { isPassing, openProblemText } from './open-problem.ts';
import { errnos, optionsOf } from './open-socket.ts';
import { type Home, noteSending, type Pending, roundTrip } from './pending.ts';

/** Probes by connecting: each has a socket of its own, by which all its answers find it. */
export type TcpProbes = Home & {
  /** Why it was not sent; `undefined` when it is on its way. */
  readonly send: (pending: Pending) => ProbeOutcome | 'full' | undefined;
  /** Looks at a socket that is ready. False for a descriptor that is not one of these. */
  readonly look: (fd: number, events: number) => boolean;
  readonly inFlight: () => number;
};

/** As many as one process should have half open. */
const mostInFlight = 256;
const streamType = 1 | 0x800 | 0x80000;
const socketLevel = 1;
const tcpLevel = 6;
const names = { error: 4, linger: 13, stamps: 37, synCount: 7, info: 11 } as const;
/** Receive stamps by software, reported. */
const stampFlags = 0x8 | 0x10;
/** Fields of `struct tcp_info`: smoothed round trip in microseconds, and retransmits in all. */
const info = { rtt: 68, retransmits: 100, length: 104 } as const;
const errorQueue = 0x2000;
const dontWait = 0x40;
const writable = 4;
const wanted = 1 | writable | 8;
const refusedNumber = 111;

/** Where sockets are watched. `watchIn` gives minus an error number if it cannot. */
type Watcher = { readonly watchIn: (fd: number, events: number) => number; readonly leave: (fd: number) => void };

/** Starts the TCP side of an engine. */
export const tcpProbes = (shared: Shared, watcher: Watcher): TcpProbes => {
  const { libc, reader, counts } = shared;
  const sockets = new Map<number, Pending>();
  const fdOf = new Map<Pending, number>();

  const end = (fd: number, pending: Pending, outcome: ProbeOutcome): void => {
    sockets.delete(fd);
    fdOf.delete(pending);
    watcher.leave(fd);
    libc.close(fd);
    pending.state = 'answered';
    pending.settle(outcome);
  };

  const open = (pending: Pending): number => {
    const { request, to, source } = pending;
    const family = to.length === sizes.address4 ? 4 : 6;
    const fd = libc.socket(family === 4 ? families.ip4 : families.ip6, streamType, 6);
    if (fd < 0) return fd;
    const { level, ttl, trafficClass, receiveErrors, receiveHopLimit } = optionsOf(family);
    const results = [
      libc.setOption(fd, level, receiveErrors, 1),
      libc.setOption(fd, level, ttl, request.ttl ?? -1),
      libc.setOption(fd, level, trafficClass, request.trafficClass ?? 0),
      // One try: a second SYN after a second would look like a slow answer.
      libc.setOption(fd, tcpLevel, names.synCount, 1),
      // Closing sends a reset, and leaves nothing behind here.
      libc.setOption(fd, socketLevel, names.linger, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)),
      source === undefined ? 0 : libc.bind(fd, sourceAddress(to, source)),
    ];
    libc.setOption(fd, level, receiveHopLimit, 1);
    libc.setOption(fd, socketLevel, names.stamps, stampFlags);
    const refused = results.find((result) => result < 0);
    if (refused === undefined) return fd;
    libc.close(fd);
    return refused;
  };

  const send: TcpProbes['send'] = (pending) => {
    if (sockets.size >= mostInFlight) return 'full';
    const fd = open(pending);
    if (fd < 0) return refusal('socket', -fd);
    const watched = watcher.watchIn(fd, wanted);
    if (watched < 0) {
      libc.close(fd);
      return refusal('epoll_ctl', -watched);
    }
    noteSending(pending, libc.now);
    const result = libc.connect(fd, pending.to);
    if (result < 0 && result !== -errnos.EINPROGRESS && result !== -refusedNumber) {
      watcher.leave(fd);
      libc.close(fd);
      return refusal('connect', -result);
    }
    counts.sent += 1;
    sockets.set(fd, pending);
    fdOf.set(pending, fd);
    if (result === -refusedNumber) end(fd, pending, refused(pending));
    return undefined;
  };

  /** What a router or the target said by ICMP; `undefined` if nothing. */
  const reported = (fd: number, pending: Pending): ProbeOutcome | undefined => {
    let outcome: ProbeOutcome | undefined;
    reader.read(fd, errorQueue | dontWait, ({ control, view, flags }) => {
      // What was cut short is not judged.
      if ((flags & controlTruncated) !== 0) return;
      if (control.origin !== origins.icmp4 && control.origin !== origins.icmp6) return;
      const family = control.origin === origins.icmp4 ? 4 : 6;
      const { type, code, hopLimit, info: mtu, stamp, offenderAt } = control;
      const from = offenderAt < 0 ? '' : addressText(addressIn(view, offenderAt));
      const trip = roundTrip(pending, stamp, performance.now());
      if (trip.isStepped) counts.clockSteps += 1;
      const { clock } = trip;
      const { to } = pending;
      const rtt = trip.ns / 1e9;
      const kind = errorKind(family, type, code);
      if (kind === 'hop') outcome = { kind, from, rtt, clock, hopLimit };
      // From another address than the target's it is a refusal on the way.
      else if (kind === 'port' && offenderAt >= 0 && isSameAddress(view, offenderAt, to))
        outcome = { kind: 'reply', from, rtt, clock, hopLimit, via: 'port_unreachable' };
      else if (kind === 'too_big') outcome = { kind, mtu, from };
      else outcome = { kind: 'unreachable', from, type, code, rtt, own: shared.isOwn(from) };
    });
    return outcome;
  };

  const look: TcpProbes['look'] = (fd, events) => {
    const pending = sockets.get(fd);
    if (pending === undefined) return false;
    const said = reported(fd, pending);
    if (said !== undefined) {
      end(fd, pending, said);
      return true;
    }
    const error = libc.option(fd, socketLevel, names.error, 4);
    const number = typeof error === 'number' ? -error : error.getInt32(0, true);
    // Without an error it is there once it can be written to; what else wakes us is none of its answers.
    if (number === 0 && (events & writable) !== 0) end(fd, pending, accepted(fd, pending));
    else if (number === 0) return true;
    else if (number === refusedNumber) end(fd, pending, refused(pending));
    else if (number === 110) end(fd, pending, { kind: 'timeout' });
    else end(fd, pending, { kind: 'local', code: errorName(number) });
    return true;
  };

  const accepted = (fd: number, pending: Pending): ProbeOutcome => {
    const said = libc.option(fd, tcpLevel, names.info, info.length);
    // A second SYN means that the first one, or its answer, was lost.
    if (typeof said !== 'number' && said.getUint32(info.retransmits, true) > 0) return { kind: 'timeout' };
    const waited = (performance.now() - pending.sentAt) / 1_000;
    const rtt = typeof said === 'number' ? waited : said.getUint32(info.rtt, true) / 1e6;
    const isKnown = rtt > 0 && rtt <= waited + 0.001;
    return {
      kind: 'reply',
      from: pending.request.address,
      rtt: isKnown ? rtt : waited,
      clock: isKnown ? 'kernel' : 'monotonic',
      hopLimit: -1,
      via: 'accepted',
    };
  };

  return {
    send,
    look,
    giveUp: (pending, outcome) => {
      const fd = fdOf.get(pending);
      if (fd !== undefined) end(fd, pending, outcome);
    },
    inFlight: () => sockets.size,
  };
};

/** What this host refused: its own trouble when something is used up, else what it says of the destination. */
const refusal = (call: string, errno: number): ProbeOutcome =>
  isPassing(errno)
    ? { kind: 'engine', why: openProblemText({ call, errno, use: 'tcp' }) }
    : { kind: 'local', code: errorName(errno) };

/** There is no stamp for a reset: our own clock says when we woke up. */
const refused = (pending: Pending): ProbeOutcome => ({
  kind: 'reply',
  from: pending.request.address,
  rtt: (performance.now() - pending.sentAt) / 1_000,
  clock: 'monotonic',
  hopLimit: -1,
  via: 'refused',
});

/** The local address in the form of the destination, any port. */
const sourceAddress = (to: Uint8Array, source: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(to.length);
  bytes.set(to.subarray(0, 2));
  bytes.set(source, source.length === 4 ? 4 : 8);
  return bytes;
};
