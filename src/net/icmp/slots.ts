import type { Pending } from './pending.ts';

/** How long an answer past its deadline, or a second one, is still told apart from a stranger's. */
const rememberMs = 10_000;
const keys = 0x10000;

/** The probes of one socket, by the number that their packets carry and by the order in which they were sent. */
export type Slots = {
  /** Gives a probe a number that no other one under way has. False when all are taken. */
  readonly number: (pending: Pending) => boolean;
  readonly at: (key: number) => Pending | undefined;
  /** Those under way; kept where answers may have to be found without a number. */
  readonly waiting: ReadonlySet<Pending>;
  /** Takes in a probe that has just been sent. */
  readonly sent: (pending: Pending) => void;
  /** Notes when a packet left, by the kernel's number for it; NaN stamps are passed over. */
  readonly left: (packet: number, stamp: number) => void;
  /** A probe that has its verdict is kept for a while, for what may still come. */
  readonly ended: (pending: Pending) => void;
  /** Lets go of those kept long enough. */
  readonly forget: (now: number) => void;
};

/** Packets whose time of leaving may still be told; more are never between two looks. */
const ring = 0x4000;
const pageBits = 8;

/** An empty table; with `isListed` those under way are listed as well. Arrays, since it is used for every packet: a page of numbers is made when its first one is given out. */
export const slots = (isListed = false): Slots => {
  const waiting = new Set<Pending>();
  const pages: (Pending | undefined)[][] = [];
  const sentLast = new Array<Pending | undefined>(ring);
  let done: { readonly pending: Pending; readonly at: number }[] = [];
  let firstDone = 0;
  let nextKey = Math.floor(Math.random() * keys);
  let nextPacket = 0;
  let shift = 0;

  const at = (key: number): Pending | undefined => pages[key >> pageBits]?.[key & ((1 << pageBits) - 1)];
  const put = (key: number, pending: Pending | undefined): void => {
    let page = pages[key >> pageBits];
    if (page === undefined) {
      page = new Array<Pending | undefined>(1 << pageBits);
      pages[key >> pageBits] = page;
    }
    page[key & ((1 << pageBits) - 1)] = pending;
  };
  const left: Slots['left'] = (packet, stamp) => {
    const wanted = (packet - shift) >>> 0;
    let pending = sentLast[wanted % ring];
    if (pending === undefined || pending.packet !== wanted || stamp < pending.sentWall) {
      // Some kernels count packets that they refused to send as well: the last one sent before the stamp is the one that is meant.
      pending = undefined;
      for (const candidate of sentLast)
        if (candidate !== undefined && candidate.sentWall <= stamp && candidate.sentWall >= (pending?.sentWall ?? 0))
          pending = candidate;
      if (pending === undefined) return;
      shift = (packet - pending.packet) >>> 0;
    }
    pending.leftAt = stamp;
    sentLast[pending.packet % ring] = undefined;
  };

  const forget: Slots['forget'] = (now) => {
    for (; firstDone < done.length; firstDone += 1) {
      const next = done[firstDone];
      if (next === undefined || next.at + rememberMs > now) break;
      if (at(next.pending.key) === next.pending) put(next.pending.key, undefined);
    }
    if (firstDone < 1_024 || firstDone * 2 < done.length) return;
    done = done.slice(firstDone);
    firstDone = 0;
  };

  return {
    number: (pending) => {
      for (let tries = 0; tries < keys; tries += 1) {
        nextKey = (nextKey + 1) % keys;
        if (at(nextKey)?.state === 'waiting') continue;
        pending.key = nextKey;
        return true;
      }
      return false;
    },
    at,
    waiting,
    sent: (pending) => {
      pending.packet = nextPacket;
      nextPacket = (nextPacket + 1) >>> 0;
      put(pending.key, pending);
      sentLast[pending.packet % ring] = pending;
      if (isListed) waiting.add(pending);
    },
    left,
    ended: (pending) => {
      waiting.delete(pending);
      done.push({ pending, at: performance.now() });
    },
    forget,
  };
};
