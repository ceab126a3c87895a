import { setFlagsFromString } from 'node:v8';
import * as z from 'zod';
import { type Agent, startAgent } from '../agent/agent.ts';
import { escapeWatch } from '../agent/escape-watch.ts';
import type { Log } from '../agent/log.ts';
import { parseDuration } from '../kernel/duration.ts';
import { printable } from '../kernel/printable.ts';
import { marks } from '../net/marks.ts';
import { timerText } from '../net/settings.ts';
import { jsonText } from '../protocol/json-text.ts';
import { parseShard } from '../run/shard.ts';
import { agentDoor } from './agent-door.ts';
import { defineCommand, type Io, notYet, wrongUsage } from './command.ts';
import { parseListen } from './listen.ts';
import { proberTable } from './open-list.ts';
import { counted } from './paint.ts';
import { noList, usualConfig } from './usual-config.ts';

/** `bothways agent`: probes on and on. */
export const agent = defineCommand({
  name: 'agent',
  summary: 'Probes the targets of a vantage on and on and pushes what it finds to Prometheus.',
  details:
    'The list is read anew when its content changes, on SIGHUP and on POST /-/reload; a bad one changes nothing. POST /-/reload is accepted from this machine, or with credentials of --web-config, and starts at most one reload in five seconds. SIGTERM or Ctrl-C ends it cleanly: what waits is delivered, and all its series end with stale markers. The status page, /metrics, /-/healthy and /-/ready are on --listen. Where a list elsewhere cannot be had at the start, or the address to listen at is not there yet, the exit code is 1: start it again.',
  positional: [],
  args: z.strictObject({
    config: z
      .array(z.string())
      .default([])
      .describe(
        'The target list: a file, a folder, or a URL (https:, or s3://BUCKET/KEY); bothways.yml and targets/ if not given.',
      )
      .meta({ value: 'FILE' }),
    vantage: z
      .string()
      .optional()
      .describe('Where this runs, as the list calls it. May be left out if the list has only one agent.')
      .meta({ value: 'NAME' }),
    shard: z
      .string()
      .default('0/1')
      .refine((text) => parseShard(text) !== undefined, { error: 'write i/n, from 0/n to n-1/n, for example 0/3' })
      .describe('Which part of the targets this agent takes, of how many.')
      .meta({ value: 'I/N' }),
    listen: z
      .string()
      .default('127.0.0.1:9115')
      .refine((text) => text === 'none' || parseListen(text) !== undefined, {
        error: 'write HOST:PORT, for example 0.0.0.0:9115, or none',
      })
      .describe('Where the page and /metrics are; the next free port if it is taken. `none` for no door.')
      .meta({ value: 'HOST:PORT' }),
    webConfig: z
      .string()
      .optional()
      .describe(
        "Prometheus's web configuration file: TLS, client certificates, users with bcrypt hashes; also a token. Read again when it or its files change.",
      )
      .meta({ value: 'FILE' }),
    hostName: z
      .array(
        z.string().regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i, {
          error: 'write a name without a port, for example probes.example.com',
        }),
      )
      .default([])
      .describe(
        'A name that the page is reached by, through an ingress for example. IP addresses, names without a dot, .svc and .cluster.local need no such flag; with credentials no name does.',
      )
      .meta({ value: 'NAME' }),
    reloadInterval: timerText
      .refine((text) => (parseDuration(text) ?? 0) >= 100, { error: 'must be at least 100ms' })
      .default('5s')
      .describe('How often the files of the list and of the web configuration are looked at.')
      .meta({ value: 'DURATION' }),
    stopTimeout: timerText
      .default('10s')
      .describe('How long to wait for the receivers at the end.')
      .meta({ value: 'DURATION' }),
  }),
  examples: [
    'bothways agent --config targets.yaml --vantage prod-a',
    'bothways agent --config /etc/bothways --vantage prod-a --listen 0.0.0.0:9115 --web-config web.yml --shard 0/3',
  ],
  run: async (args, io) => {
    keepYoungSpaceSmall();
    const agentThere = Promise.withResolvers<Agent>();
    // From the first moment: one that comes before there is an agent counts as soon as there is.
    const readAnew = async () => {
      const there = await agentThere.promise;
      if (!io.signal.aborted) await there.reload();
    };
    io.onHangup(() => void readAnew());
    const paths = usualConfig(args.config);
    if (paths.length === 0) return wrongUsage(io, noList);
    const log = logTo(io);
    const door = agentDoor(args, io, log);
    using escapes = escapeWatch(log);
    const started = await startAgent({
      source: { paths, vantage: args.vantage, probers: proberTable, environment: io.environment },
      // safe: checked by the schema of --shard
      shard: parseShard(args.shard) ?? { index: 0, of: 1 },
      clock: marks(),
      log,
      doorPoints: door.points,
      escaped: escapes.counts,
    });
    if (!started.ok) {
      const say = started.away ? notYet : wrongUsage;
      for (const problem of started.problems) say(io, printable(problem));
      return started.away ? 1 : 2;
    }
    const running = started.agent;
    for (const warning of started.warnings) log('warn', warning);
    const opened = await door.open(running);
    if (opened !== undefined && 'problem' in opened) {
      await running.stop(0);
      return opened.away ? notYet(io, opened.problem) : wrongUsage(io, opened.problem);
    }
    await using web = opened;
    agentThere.resolve(running);
    escapes.started();
    log(
      'info',
      `${running.vantage}: ${counted(running.checks(), 'check')}${web === undefined ? '' : `; the page is at ${web.url}`}`,
    );
    const look = () => {
      void running.look();
      void door.look();
    };
    const stopped = AbortSignal.any([io.signal, escapes.restart]);
    await untilStopped(look, parseDuration(args.reloadInterval) ?? 5_000, stopped);
    const stopMs = parseDuration(args.stopTimeout) ?? 0;
    if (escapes.restart.aborted) endWithin(stopMs);
    log('info', 'stopping: what waits is delivered');
    const { undelivered } = await running.stop(stopMs);
    if (undelivered > 0) log('error', `${counted(undelivered, 'sample')} not delivered`);
    if (escapes.restart.aborted) return 70;
    return undelivered > 0 ? 1 : 0;
  },
});

/**
 * V8 lets the space for young objects grow to a hundred megabytes under load, for a few percent of CPU. An agent shares its
 * machine with what it watches, so the space stays as it is at the start.
 * @see https://v8.dev/blog/trash-talk
 */
const keepYoungSpaceSmall = (): void => setFlagsFromString('--semi-space-growth-factor=1');

/** Ends a process whose orderly end may hang or leave something open, since a part of it is broken. */
const endWithin = (stopMs: number): void => {
  process.exitCode = 70;
  setTimeout(() => process.exit(70), stopMs + patienceMs).unref();
};
const patienceMs = 15_000;

/** Looks at the files every so often, until the signal fires. */
const untilStopped = async (lookAtFiles: () => void, everyMs: number, signal: AbortSignal): Promise<void> => {
  const look = setInterval(lookAtFiles, everyMs);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(look);
};

/** Lines for people on a terminal, JSON for programs. */
export const logTo =
  ({ stderr }: Io): Log =>
  (level, message) => {
    const text = printable(message);
    stderr.write(
      stderr.isTerminal
        ? `${level === 'info' ? '' : `${level}: `}${text}\n`
        : `${jsonText({ time: new Date().toISOString(), level, msg: message })}\n`,
    );
  };
