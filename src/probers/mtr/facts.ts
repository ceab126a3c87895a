import type { AddressFacts } from '../../net/address.ts';
import type { PathTrace } from '../../net/icmp/trace-path.ts';
import { type HopView, hopViews, isSamePath, mergePaths, pathHash, pathOf } from '../../protocol/hop-table.ts';
import { sumOf } from '../../protocol/statistics.ts';

/** What an MTR run learns. `day` counts days since the epoch. */
export type MtrFacts = {
  readonly address: Partial<AddressFacts>;
  readonly path: PathTrace;
  readonly day: number;
};

/** What was sent to one address at one place of the path. */
type Pair = {
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
  /** How long the path was when the target was reached last. */
  readonly length: number | undefined;
  readonly hops: readonly NamedHop[];
  readonly path: readonly string[];
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
  length: undefined,
  hops: [],
  path: [],
  hash: 0,
  changes: 0,
  late: 0,
  seen: { day: 0, addresses: new Set() },
  unnamed: 0,
  pairs: new Map(),
};

/** Folds a run into what is kept. A run that found no path, because its name did not resolve say, changes nothing. */
export const remember = (memory: MtrMemory = start, { path: trace, day }: Partial<MtrFacts>): MtrMemory => {
  if (trace === undefined || day === undefined || trace.hops.length === 0) return memory;
  const views = hopViews(trace.hops, memory.path);
  const newPath = pathOf(views);
  const same = isSamePath(memory.path, newPath);
  const path = same ? mergePaths(memory.path, newPath) : newPath;
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
    length: trace.end === 'reached' ? views.at(-1)?.ttl : memory.length,
    hops,
    path,
    hash: pathHash(path),
    changes: memory.changes + (same || memory.path.length === 0 ? 0 : 1),
    late: memory.late + sumOf(trace.hops.map(({ late }) => late)),
    seen: { day, addresses },
    unnamed,
    pairs: pairsAfter(memory.pairs, hops),
  };
};

const pairsAfter = (before: ReadonlyMap<string, Pair>, hops: readonly NamedHop[]): ReadonlyMap<string, Pair> => {
  const pairs = new Map<string, Pair>();
  for (const [key, pair] of before) if (pair.absent < mostAbsent) pairs.set(key, { ...pair, absent: pair.absent + 1 });
  for (const { ttl, label, sent, answers } of hops) {
    const key = `${ttl} ${label}`;
    const known = before.get(key);
    pairs.set(key, {
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
