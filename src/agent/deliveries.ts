import type { Endpoint } from '../config/endpoint.ts';
import type { Counts, Delivery } from '../delivery/deliver.ts';
import { push } from '../delivery/push.ts';
import type { Sample } from '../kernel/sample.ts';
import type { Kit } from '../net/prober.ts';
import type { Log } from './log.ts';
import { sum } from './self-metrics.ts';

/** The ways to all receivers of a vantage. */
export type Deliveries = AsyncDisposable & {
  /** Takes the place of the endpoints so far: those that stay as they are keep what waits, others deliver it and close. */
  readonly set: (endpoints: readonly Endpoint[]) => void;
  readonly add: (samples: readonly Sample[]) => void;
  /** The same for more than there may be room for; see `addAll` of a delivery. */
  readonly addAll: (samples: readonly Sample[], signal: AbortSignal) => Promise<void>;
  readonly counts: () => readonly { readonly endpoint: string; readonly counts: Counts }[];
  /** Sends what waits, also to endpoints that have left, until the signal fires. */
  readonly flush: (signal: AbortSignal) => Promise<void>;
};

type Counted = ReturnType<Deliveries['counts']>;

/**
 * Samples that did not get through since counts were taken: those that still wait, and those that were lost or refused since.
 * What became of samples before is not counted; an endpoint that came since counts from nothing.
 */
export const undeliveredSince = (before: Counted, now: Counted): number => {
  const known = new Map(before.map(({ endpoint, counts }) => [endpoint, gone(counts)]));
  return now.reduce((total, { endpoint, counts }) => {
    const since = gone(counts) - (known.get(endpoint) ?? 0);
    return total + counts.waiting + (since < 0 ? gone(counts) : since);
  }, 0);
};

const gone = ({ lost, rejected }: Counts): number => sum(lost) + sum(rejected);

/** How long an endpoint that left the list may take to deliver what waits, in milliseconds. */
const farewellMs = 10_000;

type Way = { readonly endpoint: string; readonly delivery: Delivery };

/** No endpoints yet. The log is told what an endpoint that left the list did not get. */
export const deliveries = (vantage: string, kit: Kit, log: Log): Deliveries => {
  let open = new Map<string, Way>();
  const leaving = new Map<Promise<void>, AbortController>();

  const leave = ({ endpoint, delivery }: Way) => {
    const limit = new AbortController();
    const before = gone(delivery.counts());
    const farewell = (async () => {
      const counts = await delivery.flush(AbortSignal.any([AbortSignal.timeout(farewellMs), limit.signal]));
      await delivery[Symbol.asyncDispose]();
      const missing = counts.waiting + gone(counts) - before;
      const why = counts.lastProblem === undefined ? '' : `: ${counts.lastProblem}`;
      if (missing > 0) log('error', `${endpoint} has left the list, and ${missing} samples did not reach it${why}`);
    })().finally(() => leaving.delete(farewell));
    leaving.set(farewell, limit);
  };
  const hurry = () => {
    for (const limit of leaving.values()) limit.abort();
  };

  const set: Deliveries['set'] = (endpoints) => {
    const next: typeof open = new Map();
    for (const endpoint of endpoints) {
      const key = JSON.stringify([endpoint.name, endpoint.settings]);
      const known = open.get(key);
      open.delete(key);
      next.set(key, known ?? { endpoint: endpoint.name, delivery: push(endpoint, vantage, kit) });
    }
    for (const way of open.values()) leave(way);
    open = next;
  };

  const all = () => [...open.values()];
  return {
    set,
    add: (samples) => {
      for (const { delivery } of all()) delivery.add(samples);
    },
    addAll: async (samples, signal) => {
      await Promise.all(all().map(({ delivery }) => delivery.addAll(samples, signal)));
    },
    counts: () => all().map(({ endpoint, delivery }) => ({ endpoint, counts: delivery.counts() })),
    flush: async (signal) => {
      signal.addEventListener('abort', hurry, { once: true });
      if (signal.aborted) hurry();
      await Promise.all([...all().map(({ delivery }) => delivery.flush(signal)), ...leaving.keys()]);
      signal.removeEventListener('abort', hurry);
    },
    [Symbol.asyncDispose]: async () => {
      hurry();
      await Promise.all([...all().map(({ delivery }) => delivery[Symbol.asyncDispose]()), ...leaving.keys()]);
    },
  };
};
