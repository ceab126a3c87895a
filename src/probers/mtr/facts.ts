import type { AddressFacts } from '../../net/address.ts';
import type { PathTrace } from '../../net/icmp/trace-path.ts';
import { addRun, type HopCount } from '../../protocol/forwarded-loss.ts';
import { countOf, type Hop, type HopView, hopViews, pathHash } from '../../protocol/hop-table.ts';
import { addPath, isOfHop, noHistory, type PathHistory } from '../../protocol/path-history.ts';
import { sumOf } from '../../protocol/statistics.ts';

/** What an MTR run learns. `day` counts days since the epoch. */
export type MtrFacts = {
  readonly address: Partial<AddressFacts>;
  readonly path: PathTrace;
  readonly day: number;
};

/** What was sent to one address at one place of the path to one target. */
type Pair = {
  readonly target: string;
  readonly ttl: number;
  readonly path: string;
  readonly sent: number;
  readonly failed: number;
  readonly rttSeconds: number;
  /** Runs since it was last part of the path. */
  readonly absent: number;
};

/** A hop with the name under which it is exported. */
export type NamedHop = HopView & { readonly label: string };

/** What outlives an MTR run. */
export type MtrMemory = {
  /** The address that the path led to last; a name that has it still is not led to another. */
  readonly ip: string | undefined;
  /** How long the path was when the target was reached last. */
  readonly length: number | undefined;
  readonly hops: readonly NamedHop[];
  /** The path to that address. */
  readonly history: PathHistory;
  /** Packets to each hop of it, and answers, of the latest runs. */
  readonly counts: readonly HopCount[];
  readonly hash: number;
  readonly changes: number;
  readonly late: number;
  readonly seen: { readonly day: number; readonly addresses: ReadonlySet<string> };
  /** Answers whose address the budget of the day had no room for. */
  readonly unnamed: number;
  readonly pairs: ReadonlyMap<string, Pair>;
};

/** Addresses that one target may show in a day. */
const mostAddresses = 64;
const mostAbsent = 100;
/** The label of a hop that nobody answers at, and of one beyond the budget; network_exporter writes the first too. */
const unknown = 'unknown';
const other = 'other';

const start: MtrMemory = {
  ip: undefined,
  length: undefined,
  hops: [],
  history: noHistory,
  counts: [],
  hash: 0,
  changes: 0,
  late: 0,
  seen: { day: 0, addresses: new Set() },
  unnamed: 0,
  pairs: new Map(),
};

/** Folds a run into what is kept. A run that found no path, because its name did not resolve say, changes nothing. */
export const remember = (memory: MtrMemory = start, { address, path: trace, day }: Partial<MtrFacts>): MtrMemory => {
  if (trace === undefined || day === undefined || trace.hops.length === 0) return memory;
  const ip = address?.ip ?? memory.ip;
  // The path to another address is another path, not one that has changed.
  const { history: earlier, counts: earlierCounts, length } = ip === memory.ip ? memory : start;
  const { history, changedAt } = addPath(earlier, trace.hops, trace.end === 'reached');
  const counts = countsAfter(earlierCounts, trace.hops, changedAt);
  const names = trace.hops.map((hop, index) => (isOfHop(history.hops[index], hop) ? history.path[index] : undefined));
  const views = hopViews(trace.hops, { names, counts });
  const addresses = new Set(memory.seen.day === day ? memory.seen.addresses : []);
  let { unnamed } = memory;
  const hops = views.map((view): NamedHop => {
    const { responder } = view;
    if (responder === undefined) return { ...view, label: unknown };
    if (!addresses.has(responder) && addresses.size >= mostAddresses) {
      unnamed += 1;
      return { ...view, label: other };
    }
    addresses.add(responder);
    return { ...view, label: responder };
  });
  return {
    ip,
    length: trace.end === 'reached' ? views.at(-1)?.ttl : length,
    hops,
    history,
    counts,
    hash: pathHash(history.path),
    changes: memory.changes + (changedAt === undefined ? 0 : 1),
    late: memory.late + sumOf(trace.hops.map(({ late }) => late)),
    seen: { day, addresses },
    unnamed,
    pairs: pairsAfter(memory.pairs, ip ?? '', hops),
  };
};

const countsAfter = (
  earlier: readonly HopCount[],
  hops: readonly Hop[],
  changedAt: number | undefined,
): readonly HopCount[] =>
  hops.map((hop, index) =>
    addRun(changedAt !== undefined && index >= changedAt ? undefined : earlier[index], countOf(hop)),
  );

const pairsAfter = (
  before: ReadonlyMap<string, Pair>,
  target: string,
  hops: readonly NamedHop[],
): ReadonlyMap<string, Pair> => {
  const pairs = new Map<string, Pair>();
  for (const [key, pair] of before) if (pair.absent < mostAbsent) pairs.set(key, { ...pair, absent: pair.absent + 1 });
  for (const { ttl, label, sent, answers } of hops) {
    const key = `${target} ${ttl} ${label}`;
    const known = before.get(key);
    pairs.set(key, {
      target,
      ttl,
      path: label,
      sent: (known?.sent ?? 0) + sent,
      failed: (known?.failed ?? 0) + sent - answers.length,
      rttSeconds: (known?.rttSeconds ?? 0) + sumOf(answers.map(({ rtt }) => rtt)),
      absent: 0,
    });
  }
  return pairs;
};
