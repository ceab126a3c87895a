import { isIP } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { isMetadata } from '../config/hosts.ts';
import { parseDuration } from '../kernel/duration.ts';
import { printable } from '../kernel/printable.ts';
import type { ProbeEngine } from '../net/icmp/engine.ts';
import { openEngine } from '../net/icmp/open-engine.ts';
import { localFailure, notPermitted, wrongDestination } from '../net/icmp/probe-failure.ts';
import { type PathOptions, type PathTrace, tracePath } from '../net/icmp/trace-path.ts';
import { kit as makeKit } from '../net/kit.ts';
import { timerText } from '../net/settings.ts';
import { endStates } from '../protocol/hop-table.ts';
import type { Address } from '../protocol/ip-address.ts';
import { jsonText } from '../protocol/json-text.ts';
import { statisticsOf } from '../protocol/statistics.ts';
import { defineCommand, type ExitCode, type Io, wrongUsage } from './command.ts';
import { counted, type Paint, paint } from './paint.ts';
import { progress } from './progress.ts';
import { type BoardHop, type TraceBoard, traceBoard, traceTable } from './trace-table.ts';

const lookupMs = 5_000;
/** Where somebody looks on, the rounds go on until Ctrl-C. */
const endless = 1_000_000;
const usualRounds = 10;
const drawEveryMs = 200;

const numberText = (least: number, most: number) =>
  z.string().refine((text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most, {
    error: `write a number from ${least} to ${most}`,
  });

/** `bothways trace HOST`: shows the path to a host, hop by hop, while it is being measured. */
export const trace = defineCommand({
  name: 'trace',
  summary: 'Shows the path to a host, with loss and round trips of each hop.',
  details:
    'On a terminal the table is live and Ctrl-C ends it; elsewhere, and with --report or --json, it is printed once after ten rounds. Loss is red where packets are lost for good: a router that only answers seldom is not. The exit code is 1 if the host was not reached.',
  positional: ['host'],
  args: z.strictObject({
    host: z.string().min(1, 'write a host or an address').describe('Where the path leads to.').meta({ value: 'HOST' }),
    udp: z.boolean().default(false).describe('Sends UDP packets; routes that balance by ports stay the same.'),
    tcp: numberText(1, 65_535).optional().describe('Sends TCP SYN packets to this port.').meta({ value: 'PORT' }),
    ip4: z.boolean().default(false).describe('Takes the IPv4 address of the host.'),
    ip6: z.boolean().default(false).describe('Takes the IPv6 address of the host.'),
    count: numberText(1, endless).optional().describe('Rounds of one packet per hop.').meta({ value: 'NUMBER' }),
    interval: timerText.default('1s').describe('Time from one round to the next.').meta({ value: 'DURATION' }),
    maxHops: numberText(1, 30).default('30').describe('The last hop that is tried.').meta({ value: 'NUMBER' }),
    source: z.string().optional().describe('Local address to send from.').meta({ value: 'ADDRESS' }),
    report: z.boolean().default(false).describe('Prints the table once, at the end.'),
    json: z.boolean().default(false).describe('Prints a JSON object at the end.'),
  }),
  examples: ['bothways trace www.example.com', 'bothways trace db.example.com --tcp 5432 --report --count 30'],
  run: async (args, io) => {
    if (args.udp && args.tcp !== undefined) return wrongUsage(io, '--udp and --tcp are two ways; write one');
    if (args.ip4 && args.ip6) return wrongUsage(io, '--ip4 and --ip6 are two families; write one');
    if (args.source !== undefined && isIP(args.source) === 0)
      return wrongUsage(io, `--source ${printable(args.source)} is not an address`);
    const intervalMs = parseDuration(args.interval) ?? 0;
    if (intervalMs < 100) return wrongUsage(io, '--interval must be at least 100ms');
    await using kit = makeKit({ environment: io.environment, engine: openEngine });
    const families = args.ip4 ? ([4] as const) : args.ip6 ? ([6] as const) : ([6, 4] as const);
    const address = await addressOf(args.host, families, kit.resolver, io);
    if (typeof address === 'string') {
      io.stderr.write(`bothways: ${printable(address)}\n`);
      return 1;
    }
    // Whoever types an address may trace a neighbour; a metadata service is never sent anything.
    if (isMetadata(address.ip)) {
      io.stderr.write(`bothways: ${printable(args.host)} leads to a metadata service; those are never probed\n`);
      return 1;
    }
    const protocol = args.udp ? 'udp' : args.tcp === undefined ? 'icmp' : 'tcp';
    const engine = await kit.engine();
    const problem = refusal(engine, protocol, address);
    if (problem !== undefined) {
      io.stderr.write(`bothways: ${problem}\n`);
      return 1;
    }
    const isLive = io.stdout.isTerminal && !args.report && !args.json;
    const options: PathOptions = {
      address: address.ip,
      protocol,
      port: args.tcp === undefined ? undefined : Number(args.tcp),
      count: args.count === undefined ? (isLive ? endless : usualRounds) : Number(args.count),
      intervalMs,
      replyTimeoutMs: 1_000,
      finalTimeoutMs: isLive ? 1_000 : 4_000,
      maxHops: Number(args.maxHops),
      firstTtl: 1,
      source: args.source,
    };
    const board = traceBoard();
    const title = `${printable(args.host)} (${address.ip}) by ${protocol}`;
    const path = await follow(engine, options, board, isLive, title, io);
    return finish(path, board.hops(), { ...args, title, address: address.ip, protocol, isLive }, io);
  },
});

type Resolver = ReturnType<typeof makeKit>['resolver'];

const addressOf = async (
  host: string,
  families: readonly (4 | 6)[],
  resolver: Resolver,
  io: Io,
): Promise<Address | string> => {
  const literal = isIP(host);
  if (literal === 4 || literal === 6) {
    const isWanted = families.includes(literal);
    return isWanted ? { ip: host, family: literal } : `${host} is an IPv${literal} address`;
  }
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(lookupMs)]);
  const found = await resolver.lookup(host, families, { signal, trace: () => {} });
  if (!found.ok) return found.failure.detail;
  const chosen = families.map((family) => found.addresses.find((each) => each.family === family)).find(Boolean);
  return chosen ?? `${host} has no address of that family`;
};

const refusal = (
  engine: ProbeEngine,
  protocol: PathOptions['protocol'],
  { ip, family }: Address,
): string | undefined => {
  const wrong = wrongDestination(ip)?.detail;
  if (wrong !== undefined) return wrong;
  if (protocol === 'icmp') return notPermitted(engine, family)?.detail;
  return engine.capabilities[protocol] ? undefined : engine.capabilities.why;
};

/** Traces while somebody looks on, or with a line of progress. */
const follow = async (
  engine: ProbeEngine,
  options: PathOptions,
  board: TraceBoard,
  isLive: boolean,
  title: string,
  io: Io,
): Promise<PathTrace> => {
  using line = progress(io.stderr);
  using screen = liveTable(io, paint(io.stdout, io.environment));
  let drawnAt = 0;
  return await tracePath(engine, options, {
    signal: io.signal,
    sleep: (seconds) => wait(seconds * 1_000, undefined, { signal: io.signal }).catch(() => {}),
    onProbe: (ttl, round, outcome) => {
      board.heard(ttl, round, outcome);
      if (!isLive) {
        line.show(round === 0 ? `${title}: finding the path …` : `${title}: round ${round} of ${options.count} …`);
        return;
      }
      const now = performance.now();
      if (now - drawnAt < drawEveryMs) return;
      drawnAt = now;
      screen.draw(`${title}, Ctrl-C ends`, board.hops());
    },
  });
};

/** Lines that are drawn over again; taken away at the end, so that the final table stands alone. */
const liveTable = (io: Io, colours: Paint) => {
  let lines = 0;
  const clear = () => {
    if (lines > 0) io.stdout.write(`\u001b[${lines}A\u001b[J`);
    lines = 0;
  };
  return {
    draw: (title: string, hops: readonly BoardHop[]) => {
      const text = [colours.strong(title), ...traceTable(hops, io.stdout.columns, colours)];
      clear();
      io.stdout.write(`${text.join('\n')}\n`);
      lines = text.length;
    },
    [Symbol.dispose]: clear,
  };
};

type Shown = {
  readonly json: boolean;
  readonly title: string;
  readonly host: string;
  readonly address: string;
  readonly source?: string | undefined;
  readonly protocol: string;
  readonly isLive: boolean;
};

const finish = (path: PathTrace, hops: readonly BoardHop[], shown: Shown, io: Io): ExitCode => {
  if (shown.json) io.stdout.write(`${jsonText(dataOf(path, hops, shown))}\n`);
  else {
    const colours = paint(io.stdout, io.environment);
    const verdict = path.end === 'reached' ? colours.good(endStates.reached) : colours.bad(endStates[path.end]);
    const table = traceTable(hops, io.stdout.columns, colours);
    io.stdout.write(
      `${[colours.strong(shown.title), ...table, `${verdict} ${counted(path.sent, 'packet')}`].join('\n')}\n`,
    );
    if (path.local !== undefined)
      io.stderr.write(`bothways: ${localFailure(path.local, shown.address, shown.source).detail}\n`);
    if (path.engine !== undefined) io.stderr.write(`bothways: ${path.engine}\n`);
  }
  // Ctrl-C is how the live table ends; a report that it cut short is not complete.
  if (io.signal.aborted && !shown.isLive) return 130;
  return path.end === 'reached' ? 0 : 1;
};

const dataOf = (path: PathTrace, hops: readonly BoardHop[], { host, address, protocol }: Shown) => ({
  host,
  address,
  protocol,
  end: path.end,
  packets: path.sent,
  hops: hops.map(({ ttl, responder, others, sent, answers, loss, forwardedLoss }) => ({
    ttl,
    address: responder ?? null,
    others,
    sent,
    received: answers.length,
    loss_ratio: loss,
    forwarded_loss_ratio: forwardedLoss,
    rtt_seconds: statisticsOf(answers.map(({ rtt }) => rtt)) ?? null,
  })),
});
