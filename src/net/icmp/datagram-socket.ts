import { errorKind } from '../../protocol/icmp-packet.ts';
import { addressText } from '../../protocol/ip-address.ts';
import { addressIn, controlTruncated, isSameAddress, origins } from '../../protocol/linux-socket.ts';
import type { EngineCounts, ProbeOutcome } from './engine.ts';
import { errorName, type Libc } from './libc.ts';
import { type Message, type MessageReader, type MessageWriter, messagesAtOnce } from './messages.ts';
import type { OpenProblem } from './open-problem.ts';
import { type DatagramKind, dropsOf, errnos, openSocket, optionsOf } from './open-socket.ts';
import { packetsOf } from './packets.ts';
import { type Home, noteSending, type Pending, roundTrip } from './pending.ts';
import { slots } from './slots.ts';

/** What the sockets of an engine share. The counts are written by all of them. */
export type Shared = {
  readonly libc: Libc;
  readonly reader: MessageReader;
  readonly writer: MessageWriter;
  readonly counts: { -readonly [Name in keyof EngineCounts]: number };
  /** Room for what comes in before it is read, in bytes; the system may give less. */
  readonly receiveBufferBytes: number;
  /** Whether an address is one of this host's. */
  readonly isOwn: (address: string) => boolean;
};

/** A socket for many probes at once. */
export type DatagramSocket = Home & {
  readonly fd: number;
  readonly kind: DatagramKind;
  /** Why the probe was not sent; `full` when the socket has no room now. `undefined` when it is on its way. */
  readonly send: (pending: Pending) => ProbeOutcome | 'full' | undefined;
  /** Reads what has come in; at most about `most` messages. */
  readonly drain: (most: number) => void;
  /** False when the kernel's stamps of leaving could not be had. */
  readonly hasSendStamps: boolean;
  readonly inFlight: () => number;
  readonly close: () => void;
};

const errorQueue = 0x2000;
const dontWait = 0x40;
const mostSendTries = 4;
/** Opens a socket for many probes at once, or tells what the system refused. */
export const datagramSocket = (
  shared: Shared,
  kind: DatagramKind,
  family: 4 | 6,
  isUncut: boolean,
  bound: Uint8Array | undefined,
): DatagramSocket | OpenProblem => {
  const opened = openSocket(shared.libc, kind, family, isUncut, bound, shared.receiveBufferBytes);
  return 'errno' in opened ? opened : socketOf(shared, opened.fd, kind, family, opened.hasSendStamps);
};

const settled = () => {};

const socketOf = (
  shared: Shared,
  fd: number,
  kind: DatagramKind,
  family: 4 | 6,
  hasSendStamps: boolean,
): DatagramSocket => {
  const { libc, reader, writer, counts } = shared;
  const { level, ttl: ttlOption, trafficClass: classOption } = optionsOf(family);
  const table = slots({ isListed: kind === 'udp', hasSendStamps });
  const packets = packetsOf(kind, family, table, writer.packet);
  let ttl = -1;
  let trafficClass = 0;
  let inFlight = 0;
  let localMtu = 0;
  let dropped = 0;
  let droppedAt = Number.NEGATIVE_INFINITY;

  const setTtl = (wanted: number): number => {
    if (wanted === ttl) return 0;
    const result = libc.setOption(fd, level, ttlOption, wanted);
    if (result >= 0) ttl = wanted;
    return result;
  };
  const setTrafficClass = (wanted: number): number => {
    if (wanted === trafficClass) return 0;
    const result = libc.setOption(fd, level, classOption, wanted);
    if (result >= 0) trafficClass = wanted;
    return result;
  };

  const send: DatagramSocket['send'] = (pending) => {
    table.forget(performance.now());
    if (!table.number(pending)) return 'full';
    const refused = Math.min(setTtl(pending.request.ttl ?? -1), setTrafficClass(pending.request.trafficClass ?? 0));
    if (refused < 0) return { kind: 'local', code: errorName(-refused) };
    const length = packets.write(pending);
    let problem = 0;
    for (let tries = 0; tries < mostSendTries; tries += 1) {
      noteSending(pending, libc.now);
      const result = writer.send(fd, pending.to, length, pending.source);
      if (result >= 0) {
        table.sent(pending);
        inFlight += 1;
        counts.sent += 1;
        return undefined;
      }
      problem = -result;
      if (problem === errnos.EINTR) continue;
      if (problem === errnos.EAGAIN || problem === errnos.ENOBUFS) return 'full';
      // A socket hands an earlier packet's error to the next send; once it is read, the send may pass.
      localMtu = 0;
      drainErrors(messagesAtOnce * messagesAtOnce);
      counts.sendRetries += 1;
    }
    if (problem === errnos.EMSGSIZE) return { kind: 'too_big', mtu: localMtu };
    return { kind: 'local', code: errorName(problem) };
  };

  const finish = (pending: Pending, state: 'answered' | 'over', outcome: ProbeOutcome): void => {
    pending.state = state;
    inFlight -= 1;
    table.ended(pending);
    const { settle } = pending;
    pending.settle = settled;
    settle(outcome);
  };

  /** Ends a probe by what has come at `stamp`; past its deadline it stays lost, however fast we read. */
  const conclude = (
    pending: Pending,
    stamp: number,
    outcome: (rtt: number, trip: ReturnType<typeof roundTrip>) => ProbeOutcome,
  ): void => {
    if (pending.state === 'answered') {
      counts.duplicate += 1;
      pending.request.onLater?.('duplicate');
      return;
    }
    if (pending.state === 'over') {
      counts.late += 1;
      pending.state = 'answered';
      table.ended(pending);
      pending.request.onLater?.('late');
      return;
    }
    const trip = roundTrip(pending, stamp, performance.now());
    if (trip.isStepped) counts.clockSteps += 1;
    if (trip.ns > pending.request.timeoutMs * 1e6) {
      finish(pending, 'answered', { kind: 'timeout' });
      counts.late += 1;
      pending.request.onLater?.('late');
      return;
    }
    finish(pending, 'answered', outcome(trip.ns / 1e9, trip));
  };

  const onError = (message: Message): void => {
    const { control, view, dataAt, dataEnd } = message;
    if (control.origin === origins.stamp) {
      table.left(control.data, control.stamp);
      return;
    }
    if (control.origin === origins.local) {
      if (control.errno === errnos.EMSGSIZE) localMtu = control.info;
      return;
    }
    const pending = packets.quoted(message);
    if (pending === undefined) {
      if (dataAt + 2 > dataEnd) counts.unattributed += 1;
      else counts.stray += 1;
      return;
    }
    const { type, code, info, stamp, hopLimit, offenderAt } = control;
    const from = offenderAt < 0 ? '' : addressText(addressIn(view, offenderAt));
    const isTarget = offenderAt >= 0 && isSameAddress(view, offenderAt, pending.to);
    conclude(pending, stamp, (rtt, { clock }) => {
      const kindOfError = errorKind(family, type, code);
      if (kindOfError === 'hop') return { kind: 'hop', from, rtt, clock, hopLimit };
      // From another address than the target's it is a refusal on the way.
      if (kindOfError === 'port' && kind === 'udp' && isTarget)
        return { kind: 'reply', from, rtt, clock, hopLimit, via: 'port_unreachable' };
      if (kindOfError === 'too_big') return { kind: 'too_big', mtu: info, from };
      return { kind: 'unreachable', from, type, code, rtt, own: shared.isOwn(from) };
    });
  };

  const drainErrors = (most: number): void => {
    for (let count = 0; count < most; ) {
      const got = reader.read(fd, errorQueue | dontWait, (message) => {
        if ((message.flags & controlTruncated) === 0) onError(message);
      });
      if (got < messagesAtOnce) return;
      count += got;
    }
  };

  type Answer = { readonly pending: Pending; readonly stamp: number; readonly hopLimit: number; readonly from: string };
  /** Answers whose own stamp of leaving was not there yet. */
  const early: Answer[] = [];

  const answered = ({ pending, stamp, hopLimit, from }: Answer): void =>
    conclude(pending, stamp, (rtt, { clock }) => ({
      kind: 'reply',
      from,
      rtt,
      clock,
      hopLimit,
      via: kind === 'udp' ? 'answer' : 'echo',
    }));

  const onMessage = (message: Message): void => {
    const { control } = message;
    const pending = packets.answered(message);
    if (pending === 'foreign') return;
    if (pending === undefined) {
      counts.stray += 1;
      return;
    }
    const { stamp, hopLimit } = control;
    const answer: Answer = { pending, stamp, hopLimit, from: pending.request.address };
    if (hasSendStamps && Number.isNaN(pending.leftAt) && pending.state === 'waiting') early.push(answer);
    else answered(answer);
  };

  const countDrops = (): void => {
    const drops = dropsOf(libc, fd);
    if (drops === dropped) return;
    counts.socketDrops += drops - dropped;
    dropped = drops;
    droppedAt = performance.now();
  };

  const drain = (most: number): void => {
    countDrops();
    drainErrors(most);
    for (let count = 0; count < most; ) {
      const got = reader.read(fd, dontWait, onMessage);
      if (early.length > 0) {
        drainErrors(most);
        for (const answer of early.splice(0)) answered(answer);
      }
      // An error that waits is told once more by the next read; only an empty socket ends the round.
      if (got < 0 && got !== -errnos.EAGAIN && count < most) {
        count += messagesAtOnce;
        continue;
      }
      if (got < messagesAtOnce) return;
      count += got;
    }
  };

  return {
    fd,
    kind,
    hasSendStamps,
    send,
    drain,
    giveUp: (pending, outcome) => {
      if (pending.state !== 'waiting') return;
      // Its answer may have been among those that this host threw away.
      if (outcome.kind === 'timeout') countDrops();
      const isOurs = outcome.kind === 'timeout' && droppedAt >= pending.sentAt;
      finish(pending, 'over', isOurs ? { kind: 'engine', why: 'there was no room for answers' } : outcome);
    },
    inFlight: () => inFlight,
    close: () => {
      libc.close(fd);
    },
  };
};
