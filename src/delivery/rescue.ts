import { type Allowance, hasManySeries, type Part, type Rescue } from './parts.ts';

/** One bad target costs a few hundred at most, once; what is refused in each batch may cost `each` in the long run. */
const requests = { most: 2_048, each: 64 } as const;
/** A receiver that has refused so many parts of a batch and taken none refuses them all. */
const mostInVain = 64;
/** Before that, so many requests go to the largest parts: one that is taken shows that the search is of use. */
const breadth = 16;

/** A full allowance. */
export const allowance = (): Allowance => ({ left: requests.most });

/** Starts the search through a batch, which adds a little to the allowance of its delivery. */
export const rescue = (of: Allowance): Rescue => {
  of.left = Math.min(requests.most, of.left + requests.each);
  return { allowance: of, requests: 0, accepted: false };
};

/** Whether a refused part is sent again as two halves. If so the requests are counted. */
export const mayCut = ({ batch, rescue: search }: Part): boolean => {
  if (batch.samples.length < 2 || search.allowance.left < 2) return false;
  if (!search.accepted && search.requests >= mostInVain) return false;
  search.allowance.left -= 2;
  search.requests += 2;
  return true;
};

/**
 * The parts with the one that is sent next in front. The first, unless the receiver has yet to take one: then the largest of those
 * that may come in any order, since no other part has their series.
 */
export const nextFirst = (parts: readonly Part[]): readonly Part[] => {
  const [first] = parts;
  if (first === undefined || first.rescue.accepted || first.rescue.requests === 0 || first.rescue.requests > breadth)
    return parts;
  const largest = parts
    .filter(hasManySeries)
    .reduce((best, part) => (part.batch.samples.length > best.batch.samples.length ? part : best), first);
  return largest === first ? parts : [largest, ...parts.filter((part) => part !== largest)];
};
