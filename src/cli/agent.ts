import { setFlagsFromString } from 'node:v8';
import * as z from 'zod';
import { type Agent, startAgent } from '../agent/agent.ts';
import type { Log } from '../agent/log.ts';
import { pageFile } from '../agent/page-file.ts';
import { agentRoutes } from '../agent/routes.ts';
import { readWebConfig } from '../agent/web-config.ts';
import { isLoopback, type WebServer, webServer } from '../agent/web-server.ts';
import { parseDuration } from '../kernel/duration.ts';
import { marks } from '../net/marks.ts';
import { timerText } from '../net/settings.ts';

import { parseShard } from '../run/shard.ts';
import { defineCommand, type Io, notYet, wrongUsage } from './command.ts';
import { parseListen } from './listen.ts';
import { proberTable } from './open-list.ts';
import { counted, printable } from './paint.ts';
import { noList, usualConfig } from './usual-config.ts';

/** `bothways agent`: probes on and on. */
export const agent = defineCommand({
  name: 'agent',
  summary: 'Probes the targets of a vantage on and on and pushes what it finds to Prometheus.',
  details:
    'The list is read anew when its content changes, on SIGHUP and on POST /-/reload; a bad one changes nothing. SIGTERM or Ctrl-C ends it cleanly: what waits is delivered, and all its series end with stale markers. The status page, /metrics, /-/healthy and /-/ready are on --listen. Where a list elsewhere cannot be had at the start, or the address to listen at is not there yet, the exit code is 1: start it again.',
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
      .describe('File with TLS, basic auth or a token for the door.')
      .meta({ value: 'FILE' }),
    reloadInterval: timerText
      .refine((text) => (parseDuration(text) ?? 0) >= 100, { error: 'must be at least 100ms' })
      .default('5s')
      .describe('How often the files of the list are looked at.')
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
    const started = await startAgent({
      source: { paths, vantage: args.vantage, probers: proberTable, environment: io.environment },
      // safe: checked by the schema of --shard
      shard: parseShard(args.shard) ?? { index: 0, of: 1 },
      clock: marks(),
      log,
    });
    if (!started.ok) {
      const say = started.away ? notYet : wrongUsage;
      for (const problem of started.problems) say(io, printable(problem));
      return started.away ? 1 : 2;
    }
    const running = started.agent;
    for (const warning of started.warnings) log('warn', warning);
    const opened = await openDoor(running, args, io);
    if (opened !== undefined && 'problem' in opened) {
      await running.stop(0);
      return opened.away ? notYet(io, opened.problem) : wrongUsage(io, opened.problem);
    }
    await using door = opened;
    agentThere.resolve(running);
    log(
      'info',
      `${running.vantage}: ${counted(running.checks(), 'check')}${door === undefined ? '' : `; the page is at ${door.url}`}`,
    );
    await untilStopped(running, parseDuration(args.reloadInterval) ?? 5_000, io);
    log('info', 'stopping: what waits is delivered');
    const { undelivered } = await running.stop(parseDuration(args.stopTimeout) ?? 0);
    if (undelivered > 0) log('error', `${counted(undelivered, 'sample')} not delivered`);
    return undelivered > 0 ? 1 : 0;
  },
});

/**
 * V8 lets the space for young objects grow to a hundred megabytes under load, for a few percent of CPU. An agent shares its
 * machine with what it watches, so the space stays as it is at the start.
 * @see https://v8.dev/blog/trash-talk
 */
const keepYoungSpaceSmall = (): void => setFlagsFromString('--semi-space-growth-factor=1');

/** Why there is no door; `away` if it may open at the next start, as it was asked for. */
type NoDoor = { readonly problem: string; readonly away: boolean };

/** What listening fails with while an address, a name or a port is not there yet, as early in a boot. */
const notThereYet = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'ENOTFOUND', 'EAI_AGAIN']);

/** The open door, none, or what is wrong with what was asked for. */
const openDoor = async (
  running: Agent,
  { listen, webConfig }: { readonly listen: string; readonly webConfig?: string | undefined },
  io: Io,
): Promise<WebServer | NoDoor | undefined> => {
  const place = parseListen(listen);
  if (place === undefined) return undefined;
  const read = webConfig === undefined ? undefined : await readWebConfig(webConfig, io.environment);
  if (read?.ok === false) return { problem: read.problem, away: false };
  const routes = agentRoutes({
    page: pageFile(),
    status: running.status,
    metrics: running.metrics,
    reload: running.reload,
    ready: () => !io.signal.aborted,
  });
  try {
    const door = await webServer({ host: place.host, port: place.port, routes, ...read?.locks });
    if (door.port !== place.port && place.port !== 0)
      io.stderr.write(`port ${place.port} is taken; using ${door.port}\n`);
    if (!isLoopback(place.host) && read?.locks.admits === undefined)
      io.stderr.write(`warning: everybody who reaches ${door.url} can see the page; lock it with --web-config\n`);
    return door;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return { problem: `cannot listen at ${listen} (${code})`, away: notThereYet.has(code) };
  }
};

/** Looks at the list every so often, until the signal fires. */
const untilStopped = async (running: Agent, everyMs: number, io: Io): Promise<void> => {
  const look = setInterval(() => void running.look(), everyMs);
  await new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    io.signal.addEventListener('abort', () => resolve(), { once: true });
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
        : `${JSON.stringify({ time: new Date().toISOString(), level, msg: message })}\n`,
    );
  };
