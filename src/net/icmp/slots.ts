import type { Pending } from './pending.ts';

/** How long an answer past its deadline, or a second one, is still told apart from a stranger's. */
const rememberMs = 10_000;
const keys = 0x10000;

/** The probes of one socket, by the number that their packets carry and by the order in which they were sent. */
export type Slots = {
  /** Gives a probe a number that no other one under way has. False when all are taken. */
  readonly number: (pending: Pending) => boolean;
  readonly at: (key: number) => Pending | undefined;
  readonly all: () => Iterable<Pending>;
  /** Takes in a probe that has just been sent. */
  readonly sent: (pending: Pending) => void;
  /** Notes when a packet left, by the kernel's number for it; NaN stamps are passed over. */
  readonly left: (packet: number, stamp: number) => void;
  /** A probe that has its verdict is kept for a while, for what may still come. */
  readonly ended: (pending: Pending) => void;
  /** Lets go of those kept long enough. */
  readonly forget: (now: number) => void;
};

/** An empty table. */
export const slots = (): Slots => {
  const byKey = new Map<number, Pending>();
  const byPacket = new Map<number, Pending>();
  const done: { readonly pending: Pending; readonly at: number }[] = [];
  let nextKey = Math.floor(Math.random() * keys);
  let nextPacket = 0;
  let shift = 0;

  const left: Slots['left'] = (packet, stamp) => {
    let pending = byPacket.get((packet - shift) >>> 0);
    if (pending === undefined || stamp < pending.sentWall) {
      // Some kernels count packets that they refused to send as well: the last one sent before the stamp is the one that is meant.
      pending = undefined;
      for (const candidate of byPacket.values()) if (candidate.sentWall <= stamp) pending = candidate;
      if (pending === undefined) return;
      shift = (packet - pending.packet) >>> 0;
    }
    pending.leftAt = stamp;
    byPacket.delete(pending.packet);
  };

  return {
    number: (pending) => {
      for (let tries = 0; tries < keys; tries += 1) {
        nextKey = (nextKey + 1) % keys;
        if (byKey.get(nextKey)?.state === 'waiting') continue;
        pending.key = nextKey;
        return true;
      }
      return false;
    },
    at: (key) => byKey.get(key),
    all: () => byKey.values(),
    sent: (pending) => {
      pending.packet = nextPacket;
      nextPacket = (nextPacket + 1) >>> 0;
      byKey.set(pending.key, pending);
      byPacket.set(pending.packet, pending);
    },
    left,
    ended: (pending) => {
      done.push({ pending, at: performance.now() });
    },
    forget: (now) => {
      let count = 0;
      for (const { pending, at } of done) {
        if (at + rememberMs > now) break;
        if (byKey.get(pending.key) === pending) byKey.delete(pending.key);
        byPacket.delete(pending.packet);
        count += 1;
      }
      if (count > 0) done.splice(0, count);
    },
  };
};
