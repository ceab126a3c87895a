import { lossRatio } from './statistics.ts';

/** Packets to a hop and answers to them. Counts of several runs may be weighted, so they need not be whole. */
export type HopCount = { readonly sent: number; readonly received: number };

/** Twice the log of a likelihood ratio that chance exceeds once in a hundred times (chi-squared, one degree of freedom). */
const unlikely = 6.63;
/** What is left of the weight of earlier runs with each new one: together they weigh at most ten runs. */
const keptWeight = 0.9;
/** How likely it may be that packets behind a hop all arrive by chance, if the hop lost what it did not answer. */
const likelyEnough = 0.02;

/**
 * What each hop and those before it do not pass on: the share of packets that are lost on the way to the hop, 0 to 1; 1 where nothing was sent
 * to it and those behind it. A router that answers seldom loses more than that, so the hops behind it count as well. The least of their losses
 * would be far too low, since each is a small sample. Hops whose losses may be the same are pooled, from the last one backwards; one that
 * answers significantly less than those behind it is left out, and one that answers more begins a new pool. A hop that has lost nothing passes
 * all on.
 */
export const forwardedLosses = (hops: readonly HopCount[]): number[] => {
  const losses = new Array<number>(hops.length).fill(0);
  // The loss begins behind the hops that have lost nothing, so their answers do not measure it.
  const first = Math.max(0, hops.findIndex(hasLost));
  let pool: HopCount = { sent: 0, received: 0 };
  let members: number[] = [];
  const settle = (): void => {
    for (const index of members) losses[index] = lossOf(pool);
    members = [];
  };
  for (let index = hops.length - 1; index >= first; index -= 1) {
    const hop = hops[index];
    if (hop !== undefined && hop.sent > 0) {
      const relation = relationOf(hop, pool);
      if (relation === 'better') settle();
      if (relation === 'same') pool = added(pool, hop);
      if (relation === 'better' || relation === 'first') pool = hop;
    }
    members.push(index);
  }
  settle();
  for (const [index, hop] of hops.entries()) if (hop.sent > 0 && !hasLost(hop)) losses[index] = 0;
  return losses;
};

/** How a hop answers, beside the pool of those behind it. */
const relationOf = (hop: HopCount, pool: HopCount): 'first' | 'same' | 'better' | 'worse' => {
  if (pool.sent <= 0) return 'first';
  const isWorse = lossOf(hop) > lossOf(pool);
  const chance = hasLost(pool) ? 1 : (hop.received / hop.sent) ** pool.sent;
  // A router that never answers, or packets enough behind it that all arrived.
  if (isWorse && pool.received > 0 && (hop.received <= 0 || chance < likelyEnough)) return 'worse';
  if (likelihoodRatio(hop, pool) <= unlikely) return 'same';
  return isWorse ? 'worse' : 'better';
};

const hasLost = ({ sent, received }: HopCount): boolean => sent > 0 && received < sent;

/** Adds a run to the counts of earlier runs, unless it shows that the loss is another one now. */
export const addRun = (earlier: HopCount | undefined, run: HopCount): HopCount => {
  if (earlier === undefined || likelihoodRatio(earlier, run) > unlikely) return run;
  return { sent: earlier.sent * keptWeight + run.sent, received: earlier.received * keptWeight + run.received };
};

const lossOf = ({ sent, received }: HopCount): number => lossRatio(sent, received);

const added = (a: HopCount, b: HopCount): HopCount => ({ sent: a.sent + b.sent, received: a.received + b.received });

/** Twice the log of how much more likely two counts are with a loss of their own each than with one for both (Wilks). */
const likelihoodRatio = (a: HopCount, b: HopCount): number =>
  2 * (logLikelihood(a) + logLikelihood(b) - logLikelihood(added(a, b)));

const logLikelihood = ({ sent, received }: HopCount): number => part(received, sent) + part(sent - received, sent);

const part = (count: number, sent: number): number => (count <= 0 || sent <= 0 ? 0 : count * Math.log(count / sent));
