import { randomFillSync } from 'node:crypto';
import { addressBytes } from '../../protocol/ip-address.ts';
import { socketAddress } from '../../protocol/linux-socket.ts';
import { type DatagramSocket, datagramSocket, type Shared } from './datagram-socket.ts';
import { destinationOf, isOwn, problemOf } from './destination.ts';
import { noCounts, noEngine, type ProbeEngine, type ProbeOutcome, type ProbeRequest } from './engine.ts';
import { type Libc, loadLibc, type Watch } from './libc.ts';
import { messageReader, messageWriter } from './messages.ts';
import type { DatagramKind } from './open-socket.ts';
import { deadlines, type Pending } from './pending.ts';
import { tcpProbes } from './tcp-probes.ts';
import { notPermittedText, tryOut } from './try-out.ts';

/** How an engine may be opened otherwise than usual. */
export type EngineOptions = {
  /** Room of a socket for what comes in before it is read, in bytes; 4 MiB if not set. The system may give less. */
  readonly receiveBufferBytes?: number;
};

const usualReceiveBuffer = 4 * 1_024 * 1_024;

/**
 * Opens the engine for ping and paths: ICMP, UDP and TCP, both families, in this process and without a privilege where the system
 * lets ping sockets be opened. Never rejects: where nothing works the engine says why. It tries itself on loopback first.
 */
export const openEngine = async (options: EngineOptions = {}): Promise<ProbeEngine> => {
  if (process.platform !== 'linux') return noEngine('ICMP and path probes need Linux');
  try {
    return await startEngine(await loadLibc(), options);
  } catch (error) {
    return noEngine(
      `the sockets for ICMP could not be prepared (${error instanceof Error ? error.message : 'unknown'})`,
    );
  }
};

/** Above this many probes a second they are sent in batches, which saves wake-ups and changes no round trip. */
const batchAbove = 200;
const batchMs = 10;
const lookEvery = 64;
const windowMs = 100;
const mostInFlight = 10_000;
const mostPerWake = 1_024;
const epollIn = 1;
const timerMs = 10;
const firstLocalPort = 20_002;

const startEngine = async (libc: Libc, options: EngineOptions): Promise<ProbeEngine> => {
  const shared: Shared = {
    libc,
    reader: messageReader(libc),
    writer: messageWriter(libc),
    counts: { ...noCounts },
    receiveBufferBytes: options.receiveBufferBytes ?? usualReceiveBuffer,
    isOwn,
  };
  const { counts } = shared;
  const epoll = libc.epoll();
  const sockets = new Map<string, DatagramSocket | number>();
  const byFd = new Map<number, DatagramSocket>();
  const tcp = tcpProbes(shared, epoll);
  let isClosed = false;

  /** The socket of a kind, opened when first needed; an error number when the system refuses. */
  const socket = (kind: DatagramKind, family: 4 | 6, isUncut: boolean, variant: string, bound?: Uint8Array) => {
    const key = `${kind} ${family} ${isUncut} ${variant}`;
    const known = sockets.get(key);
    if (known !== undefined) return known;
    const made = datagramSocket(shared, kind, family, isUncut, bound);
    sockets.set(key, made);
    if (typeof made !== 'number') {
      byFd.set(made.fd, made);
      libc.watchIn(epoll, made.fd, epollIn);
    }
    return made;
  };
  const icmpSockets: (DatagramSocket | number | undefined)[] = [];
  const icmpSocket = (family: 4 | 6, isUncut: boolean, isSpare = false): DatagramSocket | number => {
    const place = (family === 6 ? 4 : 0) + (isUncut ? 2 : 0) + (isSpare ? 1 : 0);
    const known = icmpSockets[place];
    if (known !== undefined) return known;
    const variant = isSpare ? 'spare' : '';
    const ping = socket('ping', family, isUncut, variant);
    const made = typeof ping === 'number' ? orElse(socket('raw', family, isUncut, variant), ping) : ping;
    icmpSockets[place] = made;
    return made;
  };
  const udpSocket = (family: 4 | 6, isUncut: boolean, flow: number): DatagramSocket | number => {
    const any = new Uint8Array(family === 4 ? 4 : 16);
    const wanted = socket('udp', family, isUncut, `flow ${flow}`, socketAddress(any, firstLocalPort + flow));
    // Somebody else has the port: any other is as constant.
    return typeof wanted === 'number' ? socket('udp', family, isUncut, `flow ${flow} elsewhere`) : wanted;
  };

  const look = () => {
    for (const { fd, events } of libc.ready(epoll)) if (!tcp.look(fd, events)) byFd.get(fd)?.drain(mostPerWake);
  };
  const overdue = (pending: Pending) => giveUp(pending, { kind: 'timeout' });
  const lookAtAll = () => {
    for (const each of byFd.values()) if (each.inFlight() > 0) each.drain(mostPerWake * 64);
    look();
  };
  const clock = deadlines(lookAtAll, overdue);
  const giveUp = (pending: Pending, outcome: ProbeOutcome) => pending.home?.giveUp(pending, outcome);
  let watch: Watch | undefined = libc.watch?.(epoll, look);
  // Probes in flight have a deadline, whose timer keeps the process alive.
  watch?.unref();
  let fallback: NodeJS.Timeout | undefined;
  const inFlight = () => {
    let sum = tcp.inFlight() + queue.length;
    for (const each of byFd.values()) sum += each.inFlight();
    return sum;
  };
  const lookByTimer = () => {
    fallback = undefined;
    look();
    if (inFlight() > 0) fallback = setTimeout(lookByTimer, timerMs);
  };

  const dispatch = (pending: Pending): void => {
    const { request, to } = pending;
    const family = to.length === 16 ? 4 : 6;
    const problem = sendFrom(pending, request, family);
    if (problem === undefined) {
      clock.add(pending);
      if (watch === undefined && fallback === undefined) fallback = setTimeout(lookByTimer, timerMs);
      return;
    }
    pending.state = 'over';
    pending.settle(problem === 'full' ? { kind: 'engine', why: 'the sockets of this host have no room' } : problem);
  };

  const sendFrom = (pending: Pending, request: ProbeRequest, family: 4 | 6): ProbeOutcome | 'full' | undefined => {
    if (request.protocol === 'tcp') {
      pending.home = tcp;
      return tcp.send(pending);
    }
    const isUncut = request.dontFragment ?? false;
    let problem: ProbeOutcome | 'full' | undefined = 'full';
    // Dead neighbours can fill a socket's buffer for seconds; others must not wait for them.
    for (const isSpare of [false, true]) {
      const home =
        request.protocol === 'udp'
          ? udpSocket(family, isUncut, (request.flow ?? 0) + (isSpare ? 1_000 : 0))
          : icmpSocket(family, isUncut, isSpare);
      if (typeof home === 'number') return { kind: 'engine', why: notPermittedText(home) };
      if (home.inFlight() >= mostInFlight) continue;
      pending.home = home;
      problem = home.send(pending);
      if (problem !== 'full') return problem;
    }
    return problem;
  };

  let windowStart = 0;
  let inWindow = 0;
  let flushedAt = 0;
  let queue: Pending[] = [];
  let batch: NodeJS.Timeout | NodeJS.Immediate | undefined;
  const flush = () => {
    batch = undefined;
    flushedAt = performance.now();
    const waiting = queue;
    queue = [];
    for (const [index, pending] of waiting.entries()) {
      if (pending.state === 'waiting') dispatch(pending);
      // Where the system gives little room, the first answers must be read before the last packets are sent.
      if (index % lookEvery === lookEvery - 1) look();
    }
  };
  const dispatchPaced = (pending: Pending) => {
    const now = performance.now();
    if (now - windowStart > windowMs) {
      windowStart = now;
      inWindow = 0;
    }
    inWindow += 1;
    if (batch === undefined && inWindow <= (batchAbove * windowMs) / 1_000) return dispatch(pending);
    queue.push(pending);
    const left = flushedAt + batchMs - now;
    // What else this turn of the loop brings goes with it.
    batch ??= left <= 1 ? setImmediate(flush) : setTimeout(flush, left);
  };

  const randomness = new Uint32Array(2_048);
  let used = randomness.length;
  const random = (): number => {
    if (used >= randomness.length) {
      randomFillSync(randomness);
      used = 0;
    }
    used += 1;
    return randomness[used - 1] ?? 0;
  };

  const probe: ProbeEngine['probe'] = (request, signal) => {
    const problem = isClosed ? 'the engine was closed' : signal?.aborted === true ? 'stopped' : problemOf(request);
    const to = problem === undefined ? destinationOf(request) : undefined;
    if (to === undefined)
      return Promise.resolve({ kind: 'engine', why: problem ?? `${request.address} is no address` });
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
    const source = request.source === undefined ? undefined : addressBytes(request.source);
    const settle = (outcome: ProbeOutcome) => {
      signal?.removeEventListener('abort', stop);
      resolve(outcome);
    };
    const pending: Pending = {
      request,
      to,
      source,
      tokenHigh: random(),
      tokenLow: random(),
      home: undefined,
      key: 0,
      packet: -1,
      sentAt: 0,
      sentWall: Number.NaN,
      leftAt: Number.NaN,
      state: 'waiting',
      settle,
    };
    const stop = () => {
      const outcome: ProbeOutcome = { kind: 'engine', why: 'stopped' };
      if (pending.sentAt > 0) return giveUp(pending, outcome);
      pending.state = 'over';
      settle(outcome);
    };
    signal?.addEventListener('abort', stop, { once: true });
    dispatchPaced(pending);
    return promise;
  };

  const close = async () => {
    if (isClosed) return;
    isClosed = true;
    watch?.close();
    watch = undefined;
    clearTimeout(fallback);
    clearTimeout(batch as NodeJS.Timeout);
    clearImmediate(batch as NodeJS.Immediate);
    const closed: ProbeOutcome = { kind: 'engine', why: 'the engine was closed' };
    for (const pending of clock.close()) giveUp(pending, closed);
    for (const pending of queue.splice(0)) pending.settle(closed);
    for (const each of byFd.values()) each.close();
    byFd.clear();
    libc.close(epoll);
  };

  const capabilities = await tryOut(probe, (family) => icmpSocket(family, false));
  return {
    capabilities,
    probe,
    stats: () => ({ ...counts, inFlight: inFlight() }),
    [Symbol.asyncDispose]: close,
  };
};

/** The refusal of the second socket, unless that is no better known than the first. */
const orElse = (second: DatagramSocket | number, first: number): DatagramSocket | number =>
  typeof second === 'number' ? first : second;
