import * as z from 'zod';
import type { Dialect, Profile } from '../kernel/check.ts';
import { parseDuration } from '../kernel/duration.ts';
import { durationText, timerText } from '../net/settings.ts';
import { labelsText } from './labels.ts';
import { hasUserInfo } from './user-info.ts';

const profiles = ['lean', 'standard', 'full'] as const satisfies readonly Profile[];
const dialects = ['blackbox_exporter', 'network_exporter', 'bothways'] as const satisfies readonly Dialect[];
/** The sides that a target may be on. */
export const sides = ['outside', 'inside'] as const;

/** Which vantages probe. */
const selectors = z
  .array(z.string().min(1))
  .min(1)
  .describe('Vantages: names, globs (`prod-*`), or selectors (`kind=lambda`, `vantage_cluster=prod-a`).');

/** Time between runs. */
export const intervalText = durationText.refine((text) => (parseDuration(text) ?? 1_000) >= 1_000, {
  error: 'must be at least 1s',
});
/** Time limit of a run. */
export const timeoutText = timerText.refine((text) => parseDuration(text) !== 0, { error: 'must be more than 0' });
/** Text that can stand in a label. */
export const textWithoutControls = z
  .string()
  .min(1)
  .refine((text) => !/\p{Cc}/u.test(text), {
    error: 'control characters are not allowed here',
  });

/** Text that everybody sees. */
export const shownText = textWithoutControls.refine((text) => !hasUserInfo(text), {
  error: 'must be without a user name or password, since everybody sees it',
});

/** What a target can choose, and defaults for it. */
export const choices = {
  from: selectors.optional(),
  interval: intervalText.optional().describe('Time from one run to the next; 1m outside, 30s inside if not set.'),
  timeout: timeoutText
    .optional()
    .describe("Time limit of a run; the module's own timeout is an upper bound. 10s if neither is set."),
  quorum: z
    .union([z.enum(['majority', 'any', 'all', 'each']), z.int().min(1)])
    .optional()
    .describe(
      'How many vantages must fail before the target counts as broken; `each` judges every vantage for itself.',
    ),
  profile: z.enum(profiles).optional().describe('How many series a run makes; standard if not set.'),
  names: z.array(z.enum(dialects)).optional().describe('Additional metric names, for example network_exporter.'),
  labels: labelsText.optional().describe('Labels of the series.'),
  job: textWithoutControls.optional().describe('The label `job`; bothways if not set.'),
  private: z
    .enum(['allow', 'refuse'])
    .optional()
    .describe('Whether private addresses may be probed from Lambda vantages.'),
};

/** What the defaults of a side can set. */
export const defaults = z.strictObject({
  ...choices,
  module: z.string().optional().describe('Module of targets that name none and whose text fits its prober.'),
});

/** What the defaults of a group can set. */
export const groupDefaults = defaults.extend({
  side: z.enum(sides).optional().describe('Side of the targets in this group.'),
});

/** See {@link groupDefaults}. */
export type Choices = z.output<typeof groupDefaults>;
