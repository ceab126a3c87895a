import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

/** Which sockets of a server stay open. A new connection always gets a slot; when all are taken another connection is closed. */
export type ConnectionSlots = {
  /** Gives a new connection a slot. */
  readonly add: (socket: Socket) => void;
  /** A request of this connection is answered from now on; the result is called once the answer has ended. */
  readonly answering: (socket: Socket) => () => void;
  /** Connections that are open. */
  readonly open: () => number;
  /** Connections that were closed to make room, since the start. */
  readonly evicted: () => number;
  /** Closes all connections. */
  readonly closeAll: () => void;
};

/** A client by its address, and its connections. */
type Peer = { readonly address: string; connections: number };

type Slot = {
  readonly socket: Socket;
  readonly peer: Peer;
  /** Requests that are being answered. */
  answers: number;
  /** Order in which connections began to wait, or to be answered: smaller is longer ago. */
  since: number;
};

/**
 * Keeps at most `most` connections open. Room is made at the expense of the peer with the most connections, and of these
 * the one that has been idle for longest is closed. One that is being answered counts as younger by half of all slots, so
 * that idle ones end first, but not for ever: clients that read no answer cannot hold all slots. Bytes that trickle in do
 * not count, so neither can slow requests. The newest connection stays.
 */
export const connectionSlots = (most: number): ConnectionSlots => {
  const slots = new Map<string, Slot>();
  const peers = new Map<string, Peer>();
  let turn = 0;
  let evicted = 0;

  const remove = (key: string, slot: Slot) => {
    if (slots.get(key) !== slot) return;
    slots.delete(key);
    slot.peer.connections -= 1;
    if (slot.peer.connections === 0) peers.delete(slot.peer.address);
  };
  const age = ({ since, answers }: Slot) => since + (answers > 0 ? most / 2 : 0);
  const endsBefore = (a: Slot, b: Slot) =>
    a.peer.connections === b.peer.connections ? age(a) < age(b) : a.peer.connections > b.peer.connections;
  const evict = () => {
    let worst: readonly [string, Slot] | undefined;
    for (const entry of slots) if (worst === undefined || endsBefore(entry[1], worst[1])) worst = entry;
    if (worst === undefined) return;
    remove(...worst);
    evicted += 1;
    worst[1].socket.destroy();
  };

  return {
    add: (socket) => {
      const key = keyOf(socket);
      const address = socket.remoteAddress ?? '';
      const peer = peers.get(address) ?? { address, connections: 0 };
      peers.set(address, peer);
      peer.connections += 1;
      turn += 1;
      const slot: Slot = { socket, peer, answers: 0, since: turn };
      slots.set(key, slot);
      socket.once('close', () => remove(key, slot));
      if (slots.size > most) evict();
    },
    answering: (socket) => {
      const slot = slots.get(keyOf(socket));
      const change = (by: number) => {
        if (slot === undefined) return;
        slot.answers += by;
        turn += 1;
        slot.since = turn;
      };
      change(1);
      return () => change(-1);
    },
    open: () => slots.size,
    evicted: () => evicted,
    closeAll: () => {
      for (const { socket } of slots.values()) socket.destroy();
    },
  };
};

/** The peer's address and port. A TLS socket and the TCP socket beneath it are two objects with one such pair. */
const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/** Most connections, where descriptors allow it. */
const mostSlots = 1_024;
/** Fewest connections, however few descriptors there are. */
const fewestSlots = 16;

/** How many connections a process may hold open to its door: a quarter of its descriptors, from 16 to 1,024. */
export const slotsFor = (limits: string | undefined = ownLimits()): number => {
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.max(fewestSlots, Math.min(mostSlots, Math.floor(files / 4)));
};

/** @see https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html */
const ownLimits = (): string | undefined => {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
};
