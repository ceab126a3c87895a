import type { Seconds } from '../../kernel/check.ts';
import type { AddressFacts } from '../../net/address.ts';
import { sumOf } from '../../protocol/statistics.ts';

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

/** What outlives an ICMP run. */
export type IcmpMemory = {
  /** The address that was chosen last; a name that has it still is not led to another. */
  readonly ip: string | undefined;
  /** The addresses of the latest run that had any. */
  readonly latest: readonly string[];
  /** The totals of each address, also of those that the latest run did not ping; the one unused for longest is first. */
  readonly totals: ReadonlyMap<string, Totals>;
  /** The totals of addresses that are not kept apart any more, together. */
  readonly others: Totals;
};

/** Addresses whose totals are kept apart. */
const mostKept = 64;

const none: Totals = { sent: 0, received: 0, late: 0, duplicates: 0, rttSeconds: 0, later: { late: 0, duplicates: 0 } };
const start: IcmpMemory = { ip: undefined, latest: [], totals: new Map(), others: none };

/** Adds a run to the totals. Those of addresses that it did not ping stay, since names of load balancers come back to them. */
export const remember = (memory: IcmpMemory = start, { address, bursts = [] }: Partial<IcmpFacts>): IcmpMemory => {
  // A name that could not be resolved says nothing about what it led to before.
  if (bursts.length === 0) return memory;
  const totals = new Map(memory.totals);
  for (const burst of bursts) {
    const before = totals.get(burst.ip) ?? none;
    totals.delete(burst.ip);
    totals.set(burst.ip, added(before, burst));
  }
  let { others } = memory;
  for (const [ip, total] of totals) {
    if (totals.size <= mostKept) break;
    totals.delete(ip);
    others = joined(others, total);
  }
  return { ip: address?.ip ?? memory.ip, latest: bursts.map(({ ip }) => ip), totals, others };
};

/** All packets of a check since its first run. */
export const sumOfTotals = ({ totals, others }: IcmpMemory): Totals => {
  let sum = others;
  for (const total of totals.values()) sum = joined(sum, total);
  return sum;
};

const added = (before: Totals, { sent, rtts, later }: Burst): Totals => ({
  sent: before.sent + sent,
  received: before.received + rtts.length,
  late: before.late + before.later.late,
  duplicates: before.duplicates + before.later.duplicates,
  rttSeconds: before.rttSeconds + sumOf(rtts),
  later,
});

const joined = (a: Totals, b: Totals): Totals => ({
  sent: a.sent + b.sent,
  received: a.received + b.received,
  late: a.late + a.later.late + b.late + b.later.late,
  duplicates: a.duplicates + a.later.duplicates + b.duplicates + b.later.duplicates,
  rttSeconds: a.rttSeconds + b.rttSeconds,
  later: none.later,
});
