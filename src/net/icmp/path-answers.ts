import type { HopAnswer } from '../../protocol/hop-table.ts';
import type { ProbeOutcome } from './engine.ts';

/** The answer of a hop in an outcome; `undefined` for silence and for what this host itself reported. */
export const answerOf = (outcome: ProbeOutcome | undefined): HopAnswer | undefined =>
  outcome?.kind === 'reply' || outcome?.kind === 'hop' || (outcome?.kind === 'unreachable' && !outcome.own)
    ? { from: outcome.from, rtt: outcome.rtt }
    : undefined;

/** ICMPv6's "port unreachable" (RFC 4443, section 3.1). */
const closedPort6 = { type: 1, code: 4 } as const;

/**
 * Whether an outcome is an answer of the target itself. A closed port that another address reports is a firewall's refusal on the way, with one
 * exception: an IPv6 host answers for an anycast address by another of its own (RFC 4443, section 2.2). That address must not be a router of
 * this path, and the hop before must have answered by another address, or be this host: a firewall would have sent "time exceeded" from there.
 */
export const answersForTarget = (
  ttl: number,
  outcome: ProbeOutcome,
  outcomes: ReadonlyMap<number, ProbeOutcome>,
): boolean => {
  if (outcome.kind === 'reply') return true;
  if (outcome.kind !== 'unreachable' || outcome.own || !outcome.from.includes(':')) return false;
  if (outcome.type !== closedPort6.type || outcome.code !== closedPort6.code) return false;
  for (const other of outcomes.values()) if (other.kind === 'hop' && other.from === outcome.from) return false;
  return ttl === 1 || outcomes.get(ttl - 1)?.kind === 'hop';
};
