import { Agent, request } from 'undici';
import * as z from 'zod';
import { defineCommand, wrongUsage } from './command.ts';

/** `bothways healthy`: whether an agent lives. */
export const healthy = defineCommand({
  name: 'healthy',
  summary: 'Asks an agent whether it lives; exits with 1 if it does not.',
  details: 'For health checks of containers, which have no other program to ask with.',
  positional: [],
  args: z.strictObject({
    url: z
      .string()
      .default('http://127.0.0.1:9115/-/healthy')
      .refine((text) => URL.canParse(text) && /^https?:/.test(text), {
        error: 'write a URL: http://HOST:PORT/-/healthy',
      })
      .describe("The agent's door.")
      .meta({ value: 'URL' }),
  }),
  examples: ['bothways healthy', 'bothways healthy --url http://127.0.0.1:9116/-/ready'],
  run: async ({ url }, io) => {
    const dispatcher = new Agent();
    try {
      const { statusCode, body } = await request(url, {
        dispatcher,
        method: 'GET',
        signal: AbortSignal.any([io.signal, AbortSignal.timeout(4_000)]),
      });
      await body.dump();
      if (statusCode === 200) return 0;
      io.stderr.write(`bothways: ${url} answered ${statusCode}\n`);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
      wrongUsage(io, `${url}: ${code}`);
    } finally {
      await dispatcher.destroy();
    }
    return 1;
  },
});
