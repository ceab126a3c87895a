import * as z from 'zod';
import { parseDuration } from '../../kernel/duration.ts';
import { addressShape, sourceAddressShape, timerText } from '../../net/settings.ts';

const waiting = timerText.refine((text) => parseDuration(text) !== 0, { error: 'must be more than 0' });

/** The `mtr` block of a module. */
export const mtrSettings = z
  .strictObject({
    ...addressShape,
    ...sourceAddressShape,
    protocol: z
      .enum(['icmp', 'udp', 'tcp'])
      .default('icmp')
      .describe('What carries the packets. UDP keeps its ports, so that balanced routes stay the same; TCP cannot.'),
    count: z.int().min(1).max(600).default(10).describe('Rounds of one packet per hop.'),
    interval: waiting
      .default('1s')
      .describe('Time from one round to the next; many routers answer no more than once a second.'),
    reply_timeout: waiting.default('1s').describe('How long an answer counts; later ones are late, and lost.'),
    max_hops: z.int().min(1).max(30).default(30).describe('The last hop that is tried.'),
    first_ttl: z.int().min(1).max(30).default(1).describe('The first hop that is tried; those before it are left out.'),
    payload_size: z.int().min(10).max(1_400).default(32).describe('Bytes behind the ICMP or UDP header.'),
    dscp: z.int().min(0).max(63).default(0).describe('Differentiated services code point (RFC 2474).'),
    max_loss_ratio: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .describe('The run fails when the target itself loses more than this share, 0 to 1.'),
  })
  .superRefine((mtr, context) => {
    if (mtr.first_ttl > mtr.max_hops)
      context.addIssue({ code: 'custom', path: ['first_ttl'], message: 'first_ttl is beyond max_hops' });
  });

/** See {@link mtrSettings}. */
export type MtrSettings = z.output<typeof mtrSettings>;

/** How long the verdict about the last hop is waited for: the kernel needs three seconds to find that a neighbour is not there. */
export const finalTimeoutMs = 4_000;

/** Time for a run: the name, the search for the path, the rounds, and the last answers. */
export const usualTimeoutMs = ({ count, interval, reply_timeout }: MtrSettings): number =>
  2_000 + 4 * (parseDuration(reply_timeout) ?? 0) + count * (parseDuration(interval) ?? 0) + finalTimeoutMs;
