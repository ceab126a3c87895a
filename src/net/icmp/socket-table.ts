import type { DatagramSocket } from './datagram-socket.ts';
import { isPassing, type OpenProblem } from './open-problem.ts';
import { isDue, newTrack, renewalRules, type Track } from './renewal.ts';

/** A socket of a line, and when it was opened and last sent from, in monotonic milliseconds. */
export type Seat = { readonly socket: DatagramSocket; readonly openedAt: number; usedAt: number; isOpen: boolean };

/** The sockets of one kind, of which the newest takes new targets. Opened when first needed, and again after a while if that fails. */
export type Line = {
  /** The newest socket, or why there is none now. */
  readonly newest: (now: number) => Seat | OpenProblem;
  /** Where the next packet to an address goes from. */
  readonly trackOf: (address: string, now: number) => Track<Seat> | OpenProblem;
  /** Whether {@link Line.newest} would try to open a socket after a failure. */
  readonly isRetryDue: (now: number) => boolean;
};

/** The lines of an engine. */
export type SocketTable = {
  /** A line whose sockets are opened by `open`, which is told whether it is the first socket. */
  readonly line: (open: (isFirst: boolean) => DatagramSocket | OpenProblem) => Line;
  readonly byFd: ReadonlyMap<number, DatagramSocket>;
  readonly close: () => void;
};

/** Waits between attempts to open a socket, in milliseconds; what passes by itself is tried more often. */
const retryMs = { first: 1_000, most: 60_000, mostPassing: 5_000 } as const;
/** How long an older socket waits for late answers after its last packet. */
const lingerMs = 10_000;
/** Targets that are remembered by a line. */
const mostTargets = 0x10000;

/** An empty table. `admit` lets a new socket be watched; a problem if it cannot. */
export const socketTable = (admit: (socket: DatagramSocket) => OpenProblem | undefined): SocketTable => {
  const byFd = new Map<number, DatagramSocket>();
  const older = new Set<Seat>();
  let sweeper: NodeJS.Timeout | undefined;

  const closeSeat = (seat: Seat) => {
    seat.isOpen = false;
    older.delete(seat);
    byFd.delete(seat.socket.fd);
    seat.socket.close();
  };
  const sweep = () => {
    sweeper = undefined;
    const now = performance.now();
    for (const seat of older) if (seat.socket.inFlight() === 0 && seat.usedAt + lingerMs < now) closeSeat(seat);
    retire();
  };
  const retire = () => {
    if (older.size > 0) sweeper ??= setTimeout(sweep, lingerMs / 2).unref();
  };

  const line: SocketTable['line'] = (open) => {
    let current: Seat | undefined;
    let problem: OpenProblem | undefined;
    let retryAt = Number.NEGATIVE_INFINITY;
    let failures = 0;
    let targets = new Map<string, Track<Seat>>();
    let mine: Seat[] = [];

    const openNext = (now: number): Seat | OpenProblem => {
      const socket = open(current === undefined);
      const refused = 'errno' in socket ? socket : admit(socket);
      if (refused !== undefined || 'errno' in socket) {
        if (!('errno' in socket)) socket.close();
        failures += 1;
        const most = isPassing(refused?.errno ?? 0) ? retryMs.mostPassing : retryMs.most;
        retryAt = now + Math.min(most, retryMs.first * 2 ** (failures - 1));
        problem = refused;
        // safe: one of the two is there
        return refused as OpenProblem;
      }
      failures = 0;
      problem = undefined;
      const seat: Seat = { socket, openedAt: now, usedAt: now, isOpen: true };
      byFd.set(socket.fd, socket);
      mine.push(seat);
      if (current !== undefined) older.add(current);
      current = seat;
      retire();
      return seat;
    };
    const newest: Line['newest'] = (now) => {
      if (current !== undefined) return current;
      return problem !== undefined && now < retryAt ? problem : openNext(now);
    };
    /** Another socket than this one, if there can be one now. */
    const other = (than: Seat, now: number): Seat => {
      if (current !== undefined && current !== than) return current;
      mine = mine.filter(({ isOpen }) => isOpen);
      if (now < retryAt || now - than.openedAt < renewalRules.youngestMs || mine.length >= renewalRules.most)
        return than;
      const next = openNext(now);
      return 'errno' in next ? than : next;
    };
    const trackOf: Line['trackOf'] = (address, now) => {
      let track = targets.get(address);
      if (track === undefined) {
        const seat = newest(now);
        if ('errno' in seat) return seat;
        if (targets.size >= mostTargets) targets = new Map();
        track = newTrack(seat);
        targets.set(address, track);
      }
      if (!track.home.isOpen || isDue(track, track.home.openedAt, now)) {
        const next = other(track.home, now);
        if (next !== track.home) {
          track.home = next;
          track.wantsOther = false;
        }
      }
      track.usedAt = now;
      track.home.usedAt = now;
      return track;
    };
    return {
      newest,
      trackOf,
      isRetryDue: (now) => current === undefined && (problem === undefined || now >= retryAt),
    };
  };

  return {
    line,
    byFd,
    close: () => {
      clearTimeout(sweeper);
      for (const socket of byFd.values()) socket.close();
      byFd.clear();
    },
  };
};
