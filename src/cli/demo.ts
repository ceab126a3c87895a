import * as z from 'zod';
import { pageFile } from '../agent/page-file.ts';
import { parseDuration } from '../kernel/duration.ts';
import { timerText } from '../net/settings.ts';
import { logTo } from './agent.ts';
import { defineCommand, wrongUsage } from './command.ts';
import { demoSummary } from './demo-summary.ts';
import { parseListen } from './listen.ts';
import { proberTable } from './open-list.ts';
import { paint } from './paint.ts';

/** `bothways demo`: both sides of a small world, on one page. */
export const demo = defineCommand({
  name: 'demo',
  summary:
    'Shows both sides of a small world on loopback, on one page. Needs no account, no cluster and no Prometheus.',
  details:
    'Two regions call the real probe function, an agent probes the inside, and all samples travel by remote write into a receiver behind the page. The list is a file that may be edited while it runs. Ctrl-C ends it with a summary.',
  positional: [],
  args: z.strictObject({
    listen: z
      .string()
      .default('127.0.0.1:9115')
      .refine((text) => parseListen(text) !== undefined, { error: 'write HOST:PORT, for example 127.0.0.1:9115' })
      .describe('Where the page is; the next free port if it is taken.')
      .meta({ value: 'HOST:PORT' }),
    for: timerText.optional().describe('Ends by itself after this time.').meta({ value: 'DURATION' }),
    remoteWrite: z
      .url({ protocol: /^https?$/, error: 'write a URL, for example http://127.0.0.1:9090/api/v1/write' })
      .optional()
      .describe('Sends the same samples to a Prometheus as well.')
      .meta({ value: 'URL' }),
  }),
  examples: ['bothways demo', 'bothways demo --for 30s --remote-write http://127.0.0.1:9090/api/v1/write'],
  run: async (args, io) => {
    const place = parseListen(args.listen);
    if (place === undefined) return 2;
    // Its certificates take a library that nothing else needs.
    const { demo: runDemo } = await import('../demo/demo.ts');
    const ends = args.for === undefined ? [] : [AbortSignal.timeout(parseDuration(args.for) ?? 0)];
    try {
      const result = await runDemo({
        ...place,
        remoteWrite: args.remoteWrite,
        probers: proberTable,
        environment: io.environment,
        page: pageFile(),
        signal: AbortSignal.any([io.signal, ...ends]),
        log: logTo(io),
        onReady: ({ url, list, port }) => {
          if (port !== place.port && place.port !== 0) io.stderr.write(`port ${place.port} is taken; using ${port}\n`);
          io.stderr.write(`The page:  ${url}\nThe list:  ${list} (edit it; what the agent probes follows)\n`);
          io.stderr.write(args.for === undefined ? 'Ctrl-C ends.\n' : `Ends after ${args.for}.\n`);
        },
      });
      io.stdout.write(demoSummary(result, paint(io.stdout, io.environment)));
      return 0;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
      if (code === undefined) throw error;
      return wrongUsage(io, `cannot listen at ${args.listen} (${code})`);
    }
  },
});
