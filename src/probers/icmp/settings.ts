import * as z from 'zod';
import { parseDuration } from '../../kernel/duration.ts';
import { addressShape, sourceAddressShape, timerText } from '../../net/settings.ts';

const waiting = timerText.refine((text) => parseDuration(text) !== 0, { error: 'must be more than 0' });

/** The `icmp` block of a module: blackbox_exporter's words, and those for bursts. */
export const icmpSettings = z
  .strictObject({
    ...addressShape,
    ...sourceAddressShape,
    payload_size: z
      .int()
      .min(0)
      .max(65_507)
      .default(0)
      .describe('Bytes behind the ICMP header; 0 stands for 28, as in blackbox_exporter.'),
    dont_fragment: z
      .boolean()
      .default(false)
      .describe('Ask routers not to cut the packet; one that cannot pass it on is named with the size that it can.'),
    ttl: z
      .int()
      .min(0)
      .max(255)
      .default(64)
      .describe('Time to live, for IPv6 the hop limit; 0 leaves it to the system.'),
    dscp: z.int().min(0).max(63).default(0).describe('Differentiated services code point (RFC 2474).'),
    count: z.int().min(1).max(1_000).default(1).describe('Packets in a run.'),
    interval: waiting.default('200ms').describe('Time from one packet of a run to the next.'),
    reply_timeout: waiting
      .optional()
      .describe('How long a reply counts; later ones are late, and lost. The time limit of the run if not set.'),
    max_loss_ratio: z
      .number()
      .min(0)
      .lt(1)
      .optional()
      .describe('The run fails above this share of lost packets, 0 to 1; without it, when all are lost.'),
    addresses: z
      .enum(['one', 'all'])
      .default('one')
      .describe('Probe one address of the name, or each (16 at most); then the run succeeds when all answer.'),
  })
  .superRefine((icmp, context) => {
    if (icmp.max_loss_ratio !== undefined && icmp.count === 1)
      context.addIssue({ code: 'custom', path: ['max_loss_ratio'], message: 'needs a count above 1' });
  });

/** See {@link icmpSettings}. */
export type IcmpSettings = z.output<typeof icmpSettings>;

/** Milliseconds from the first packet of a run to its last. */
export const burstMs = ({ count, interval }: IcmpSettings): number => (count - 1) * (parseDuration(interval) ?? 0);
