import { type Failure, failure } from '../../kernel/reason.ts';
import { errorText } from '../../protocol/icmp-packet.ts';
import { failureOf } from '../failure.ts';
import { isOwn } from './destination.ts';
import type { ProbeEngine, ProbeOutcome } from './engine.ts';
import { destinationProblem, isWrongTarget, localCause } from './local-cause.ts';

/** An outcome that is no answer of the target. */
type Refusal = Exclude<ProbeOutcome, { kind: 'reply' | 'engine' }>;

/** What is known of the packet that failed. */
export type PacketFacts = { readonly address: string; readonly family: 4 | 6; readonly source: string | undefined };

/** Why a packet got no answer from its target, told from what came of it. */
export const packetFailure = (outcome: Refusal, { address, family, source }: PacketFacts): Failure => {
  switch (outcome.kind) {
    case 'timeout':
      return failure('no_reply', 'processing', `no echo reply from ${address} within the time limit`);
    case 'hop':
      return failure(
        'ttl_exceeded',
        'processing',
        `the time to live ended at ${outcome.from}, on the way to ${address}`,
      );
    case 'unreachable': {
      const said = errorText(family, outcome.type, outcome.code);
      if (!outcome.own) return failure('unreachable', 'processing', `${outcome.from} says: ${said}, about ${address}`);
      const cause = 'the next hop does not answer on the link of this host; look at the host or gateway there';
      return failure('unreachable', 'processing', `${address}: ${cause} (${said})`);
    }
    case 'too_big': {
      const where = outcome.from === undefined ? 'the first link' : `a link behind ${outcome.from}`;
      const size =
        outcome.mtu > 0 ? ` carries packets of ${outcome.mtu} bytes only` : ' cannot carry a packet of this size';
      return failure('packet_too_big', 'request', `${where}${size}`);
    }
    case 'local':
      return localFailure(outcome.code, address, source);
    default:
      return outcome satisfies never;
  }
};

/** Why this host did not send a packet to an address, by the code of the kernel. */
export const localFailure = (code: string, address: string, source: string | undefined): Failure => {
  if (source !== undefined && badSource.has(code) && !isOwn(source))
    return failure(
      'source_address_unavailable',
      'request',
      `${source}: this host does not have this source address (${code}); write one that it has, or leave it out`,
    );
  const cause = localCause(code, address);
  if (cause === undefined) return failureOf({ code }, 'request', never);
  const reason = isWrongTarget(code, address) ? 'target_invalid' : 'unreachable';
  return failure(reason, 'request', `${address}: ${cause} (${code})`);
};

/** The failure of an address that cannot be the destination of a packet; `undefined` for one that can. */
export const wrongDestination = (address: string): Failure | undefined => {
  const problem = destinationProblem(address);
  return problem === undefined ? undefined : failure('target_invalid', 'setup', `${address}: ${problem}`);
};

/** What Linux answers to a source address that is not ours. */
const badSource = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EINVAL']);
const never = new AbortController().signal;

/** The failure of a probe that this process may not send; `undefined` if it may. */
export const notPermitted = ({ capabilities }: ProbeEngine, family: 4 | 6): Failure | undefined => {
  const mode = family === 4 ? capabilities.icmp4 : capabilities.icmp6;
  return mode === 'none' ? failure('icmp_not_permitted', 'setup', capabilities.why) : undefined;
};
