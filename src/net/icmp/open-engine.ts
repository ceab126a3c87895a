import { randomFillSync } from 'node:crypto';
import { addressBytes } from '../../protocol/ip-address.ts';
import type { Shared } from './datagram-socket.ts';
import { destinationOf, isOwn, problemOf } from './destination.ts';
import { noCounts, noEngine, type ProbeEngine, type ProbeOutcome, type ProbeRequest } from './engine.ts';
import { type Libc, loadLibc, type Watch } from './libc.ts';
import { messageReader, messageWriter } from './messages.ts';
import { openProblemText } from './open-problem.ts';
import { deadlines, type Pending } from './pending.ts';
import { permissions } from './permissions.ts';
import { noteOutcome } from './renewal.ts';
import { socketLines } from './socket-lines.ts';
import { tcpProbes } from './tcp-probes.ts';

/** How an engine may be opened otherwise than usual. */
export type EngineOptions = {
  /** Room of a socket for what comes in before it is read, in bytes; 4 MiB if not set. The system may give less. */
  readonly receiveBufferBytes?: number;
};

const usualReceiveBuffer = 4 * 1_024 * 1_024;

/**
 * Opens the engine for ping and paths: ICMP, UDP and TCP, both families, in this process and without a privilege where the system
 * lets ping sockets be opened. Never rejects: where nothing works the engine says why, and tries again while it does not.
 */
export const openEngine = async (options: EngineOptions = {}): Promise<ProbeEngine> => {
  const problem = hostProblem(process.platform, process.arch);
  if (problem !== undefined) return noEngine(problem);
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

/** Why there can be no engine on such a host; `undefined` where there can. The layouts of structures are known for these processors. */
export const hostProblem = (platform: string, arch: string): string | undefined => {
  if (platform !== 'linux') return 'ICMP and path probes need Linux';
  if (arch === 'x64' || arch === 'arm64') return undefined;
  return `processor ${arch}: ICMP and path probes need x64 or arm64; run the agent on one of them`;
};

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
  let isClosed = false;
  let epoll = -1;
  let watch: Watch | undefined;

  /** Opens what sockets are watched by. It can fail as any descriptor can, and is tried again with the next socket. */
  const openEpoll = (): number => {
    if (epoll >= 0) return 0;
    epoll = libc.epoll();
    if (epoll < 0) return epoll;
    watch = libc.watch?.(epoll, look);
    // Probes in flight have a deadline, whose timer keeps the process alive.
    watch?.unref();
    return 0;
  };
  const watchIn = (fd: number, events: number): number => {
    const opened = openEpoll();
    return opened < 0 ? opened : libc.watchIn(epoll, fd, events);
  };
  const lines = socketLines(shared, ({ fd, kind }) => {
    const result = watchIn(fd, epollIn);
    const use = kind === 'udp' ? 'udp4' : 'icmp4';
    return result < 0 ? { call: epoll < 0 ? 'epoll_create1' : 'epoll_ctl', errno: -result, use } : undefined;
  });
  const { byFd } = lines;
  const tcp = tcpProbes(shared, { watchIn, leave: (fd) => libc.leave(epoll, fd) });

  const look = () => {
    if (epoll < 0) return;
    const found = libc.ready(epoll);
    for (let index = 0; index < found; index += 1) {
      const fd = libc.readyFd(index);
      if (!tcp.look(fd, libc.readyEvents(index))) byFd.get(fd)?.drain(mostPerWake);
    }
  };
  const overdue = (pending: Pending) => giveUp(pending, { kind: 'timeout' });
  const lookAtAll = () => {
    for (const each of byFd.values()) if (each.inFlight() > 0) each.drain(mostPerWake * 64);
    look();
  };
  const clock = deadlines(lookAtAll, overdue);
  const giveUp = (pending: Pending, outcome: ProbeOutcome) => pending.home?.giveUp(pending, outcome);
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
      if (pending.state !== 'waiting') return;
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
    const now = performance.now();
    let problem: ProbeOutcome | 'full' | undefined = 'full';
    // Dead neighbours can fill a socket's buffer for seconds; others must not wait for them.
    for (let spare = 0; spare < 2; spare += 1) {
      const line =
        request.protocol === 'udp'
          ? lines.udp(family, isUncut, (request.flow ?? 0) + spare * 1_000)
          : lines.icmp(family, isUncut, spare === 1);
      const track = line.trackOf(request.address, now);
      if ('errno' in track) return { kind: 'engine', why: openProblemText(track) };
      const { socket } = track.home;
      if (socket.inFlight() >= mostInFlight) continue;
      pending.home = socket;
      pending.track = track;
      problem = socket.send(pending);
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
    // The kernel's stamps of leaving are there now; found here they wake the loop no more.
    look();
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
      clock.remove(pending);
      if (pending.track !== undefined) noteOutcome(pending.track, outcome.kind, pending.sentAt, performance.now());
      resolve(outcome);
    };
    const pending: Pending = {
      request,
      to,
      source,
      tokenHigh: random(),
      tokenLow: random(),
      home: undefined,
      track: undefined,
      key: 0,
      packet: -1,
      sentAt: 0,
      sentWall: Number.NaN,
      leftAt: Number.NaN,
      state: 'waiting',
      before: undefined,
      after: undefined,
      settle,
    };
    const stop = () => {
      const outcome: ProbeOutcome = { kind: 'engine', why: 'stopped' };
      // Nothing came until the time of its run was up: a loss like any other.
      if (pending.track !== undefined && signal?.reason === 'deadline')
        noteOutcome(pending.track, 'timeout', pending.sentAt, performance.now());
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
    lines.close();
    if (epoll >= 0) libc.close(epoll);
    epoll = -1;
  };

  const capabilities = permissions({
    icmp4: lines.icmp(4, false),
    icmp6: lines.icmp(6, false),
    udp4: lines.udp(4, false, 0),
    udp6: lines.udp(6, false, 0),
  });
  capabilities();
  return {
    get capabilities() {
      return capabilities();
    },
    probe,
    stats: () => ({ ...counts, inFlight: inFlight() }),
    [Symbol.asyncDispose]: close,
  };
};
