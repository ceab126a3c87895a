import type { Seconds } from '../../kernel/check.ts';
import type { AddressFacts } from '../../net/address.ts';

/** What came after the verdict of a packet: counted as long as somebody may ask. */
export type Later = { late: number; duplicates: number };

/** What a burst to one address came to. */
export type Burst = {
  readonly ip: string;
  readonly sent: number;
  /** Of the packets that were answered in time, in the order of sending. */
  readonly rtts: readonly Seconds[];
  readonly hopLimit: number | undefined;
  /** Grows even after the run: late replies come late. */
  readonly later: Later;
};

/** What an ICMP run learns. */
export type IcmpFacts = {
  readonly address: Partial<AddressFacts>;
  readonly setupSeconds: Seconds;
  readonly bursts: readonly Burst[];
};

/** Packets of one address since the first run. `later` is the last run's, which may still grow. */
export type Totals = {
  readonly sent: number;
  readonly received: number;
  readonly late: number;
  readonly duplicates: number;
  readonly rttSeconds: Seconds;
  readonly later: Later;
};

/** What outlives an ICMP run: the totals of each address. */
export type IcmpMemory = ReadonlyMap<string, Totals>;

const none: Totals = { sent: 0, received: 0, late: 0, duplicates: 0, rttSeconds: 0, later: { late: 0, duplicates: 0 } };

/** Adds a run to the totals. Addresses that are not probed any more are forgotten. */
export const remember = (memory: IcmpMemory | undefined, bursts: readonly Burst[]): IcmpMemory => {
  const next = new Map<string, Totals>();
  for (const { ip, sent, rtts, later } of bursts) {
    const before = memory?.get(ip) ?? none;
    next.set(ip, {
      sent: before.sent + sent,
      received: before.received + rtts.length,
      late: before.late + before.later.late,
      duplicates: before.duplicates + before.later.duplicates,
      rttSeconds: before.rttSeconds + rtts.reduce((sum, rtt) => sum + rtt, 0),
      later,
    });
  }
  // A name that could not be resolved says nothing about what it led to before.
  return bursts.length === 0 && memory !== undefined ? memory : next;
};
