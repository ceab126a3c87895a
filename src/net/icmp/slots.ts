import type { Pending } from './pending.ts';

/** How long at least an answer past its deadline, or a second one, is still told apart from a stranger's. */
const rememberMs = 10_000;
const forgetEveryMs = 1_000;
const keys = 0x10000;

/** The probes of one socket, by the number that their packets carry and by the order in which they were sent. */
export type Slots = {
  /** Gives a probe a number that no other one under way has. False when all are taken. */
  readonly number: (pending: Pending) => boolean;
  /** The probe of a number: the one under way, or what is remembered of the one that had it last. */
  readonly at: (key: number) => Pending | undefined;
  /** Those under way; kept where answers may have to be found without a number. */
  readonly waiting: ReadonlySet<Pending>;
  /** Takes in a probe that has just been sent. */
  readonly sent: (pending: Pending) => void;
  /** Notes when a packet left, by the kernel's number for it; NaN stamps are passed over. */
  readonly left: (packet: number, stamp: number) => void;
  /** Of a probe that has its verdict only what late answers need is kept, for a while. */
  readonly ended: (pending: Pending) => void;
  /** Lets go of what was kept long enough. */
  readonly forget: (now: number) => void;
  /** How many numbers have memory; for tests. */
  readonly kept: () => number;
};

/** What a table is for. */
export type SlotsOptions = {
  /** List those under way as well. */
  readonly isListed?: boolean;
  /** False where the kernel does not say when packets left: then none is kept for that. */
  readonly hasSendStamps?: boolean;
};

/** Packets whose time of leaving may still be told; more are never between two looks. */
const ring = 0x1000;
const pageBits = 8;
const pageSize = 1 << pageBits;

/** Numbers that follow each other, and so were given out at about the same time. */
type Page = {
  readonly live: (Pending | undefined)[];
  waiting: number;
  /** When its latest probe ended, in monotonic milliseconds. */
  endedAt: number;
  // What is remembered of ended probes: some 30 bytes each.
  readonly states: Uint8Array;
  readonly tokensHigh: Uint32Array;
  readonly tokensLow: Uint32Array;
  readonly payloads: Int32Array;
  readonly destinations: (Uint8Array | undefined)[];
  readonly listeners: Pending['request']['onLater'][];
};

const states = { none: 0, over: 1, answered: 2 } as const;

const emptyPage = (): Page => ({
  live: new Array<undefined>(pageSize).fill(undefined),
  waiting: 0,
  endedAt: 0,
  states: new Uint8Array(pageSize),
  tokensHigh: new Uint32Array(pageSize),
  tokensLow: new Uint32Array(pageSize),
  payloads: new Int32Array(pageSize),
  destinations: new Array<undefined>(pageSize).fill(undefined),
  listeners: new Array<undefined>(pageSize).fill(undefined),
});

/** An empty table. Arrays, since it is used for every packet; a page of them is made for the first of its numbers that is given out. */
export const slots = ({ isListed = false, hasSendStamps = true }: SlotsOptions = {}): Slots => {
  const waiting = new Set<Pending>();
  const pages: (Page | undefined)[] = [];
  const sentLast: (Pending | undefined)[] = [];
  let nextKey = Math.floor(Math.random() * keys);
  let nextPacket = 0;
  let shift = 0;
  let forgotAt = Number.NEGATIVE_INFINITY;

  const at = (key: number): Pending | undefined => {
    const page = pages[key >> pageBits];
    return page === undefined ? undefined : (page.live[key & (pageSize - 1)] ?? remembered(page, key));
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

  return {
    number: (pending) => {
      for (let tries = 0; tries < keys; tries += 1) {
        nextKey = (nextKey + 1) % keys;
        if (pages[nextKey >> pageBits]?.live[nextKey & (pageSize - 1)] !== undefined) continue;
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
      let page = pages[pending.key >> pageBits];
      if (page === undefined) {
        page = emptyPage();
        pages[pending.key >> pageBits] = page;
      }
      page.live[pending.key & (pageSize - 1)] = pending;
      page.waiting += 1;
      if (hasSendStamps) sentLast[pending.packet % ring] = pending;
      if (isListed) waiting.add(pending);
    },
    left,
    ended: (pending) => {
      waiting.delete(pending);
      const { key, state } = pending;
      const page = pages[key >> pageBits];
      if (page === undefined) return;
      const index = key & (pageSize - 1);
      if (page.live[index] === pending) {
        page.live[index] = undefined;
        page.waiting -= 1;
      }
      page.endedAt = performance.now();
      page.states[index] = state === 'answered' ? states.answered : states.over;
      page.tokensHigh[index] = pending.tokenHigh;
      page.tokensLow[index] = pending.tokenLow;
      page.payloads[index] = pending.request.payloadBytes ?? -1;
      page.destinations[index] = pending.to;
      page.listeners[index] = pending.request.onLater;
    },
    forget: (now) => {
      if (now < forgotAt + forgetEveryMs) return;
      forgotAt = now;
      for (const [index, page] of pages.entries())
        if (page !== undefined && page.waiting === 0 && page.endedAt + rememberMs < now) pages[index] = undefined;
    },
    kept: () => pages.filter((page) => page !== undefined).length * pageSize,
  };
};

/** A probe that has ended, as far as answers have to be matched with it. Made when one comes, which is seldom. */
const remembered = (page: Page, key: number): Pending | undefined => {
  const index = key & (pageSize - 1);
  const to = page.destinations[index];
  if (page.states[index] === states.none || to === undefined) return undefined;
  const payloadBytes = page.payloads[index] ?? -1;
  return {
    request: {
      address: '',
      protocol: 'icmp',
      timeoutMs: 0,
      payloadBytes: payloadBytes < 0 ? undefined : payloadBytes,
      onLater: page.listeners[index],
    },
    to,
    source: undefined,
    tokenHigh: page.tokensHigh[index] ?? 0,
    tokenLow: page.tokensLow[index] ?? 0,
    home: undefined,
    track: undefined,
    key,
    packet: -1,
    sentAt: 0,
    sentWall: Number.NaN,
    leftAt: Number.NaN,
    state: page.states[index] === states.answered ? 'answered' : 'over',
    before: undefined,
    after: undefined,
    settle: () => {},
  };
};
