import * as z from 'zod';
import { choosePart } from '../config/part.ts';
import { parseDuration } from '../kernel/duration.ts';
import { timerText } from '../net/settings.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { openList } from './open-list.ts';
import { planText } from './plan-text.ts';
import { runOnce } from './run-once.ts';
import { listFlag } from './usual-config.ts';

/** `bothways run --once`: probes every target of a vantage once and pushes what it finds. */
export const run = defineCommand({
  name: 'run',
  summary: 'Probes every target of a vantage once and pushes what it finds to Prometheus.',
  details:
    'Probes are started one by one, at a pace that keeps their times honest. Ctrl-C starts no more, delivers what is there and exits with code 130; a second one ends at once.',
  positional: [],
  args: z.strictObject({
    once: z.boolean().default(false).describe('Runs every check once.'),
    config: listFlag,
    vantage: z
      .string()
      .optional()
      .describe('Where this runs, as the list calls it. May be left out if the list has only one agent.')
      .meta({ value: 'NAME' }),
    json: z
      .boolean()
      .default(false)
      .describe('Prints a JSON object per run, one a line, and a last one with the summary.'),
    dryRun: z.boolean().default(false).describe('Only says what would be probed and where the samples would go.'),
    timeout: timerText
      .default('1m')
      .describe('How long to wait for the receivers after the last probe.')
      .meta({ value: 'DURATION' }),
  }),
  examples: [
    'bothways run --once --config targets.yaml --vantage eu-west-1',
    'bothways run --once --config targets.yaml --vantage prod-a --json | jq .verdict',
  ],
  run: async ({ once, config, vantage, json, dryRun, timeout }, io) => {
    if (!once && !dryRun) return wrongUsage(io, 'run needs --once; running on and on is what `bothways agent` does');
    const list = await openList(config, io, { vantage });
    if (list === undefined) return 2;
    const part = choosePart(list, vantage);
    if (!part.ok) return wrongUsage(io, part.message);
    if (dryRun) {
      io.stdout.write(planText(part, json));
      return 0;
    }
    return runOnce(part, { json, deliveryMs: parseDuration(timeout) ?? 0 }, io);
  },
});
