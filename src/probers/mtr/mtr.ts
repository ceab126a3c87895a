import { parseDuration } from '../../kernel/duration.ts';
import { type Failure, failure } from '../../kernel/reason.ts';
import type { Outcome } from '../../kernel/run.ts';
import { findAddress } from '../../net/address.ts';
import type { ProbeEngine } from '../../net/icmp/engine.ts';
import { localFailure, notPermitted, packetFailure, wrongDestination } from '../../net/icmp/probe-failure.ts';
import { type PathTrace, tracePath } from '../../net/icmp/trace-path.ts';
import { type Context, defineProber, type Place } from '../../net/prober.ts';
import type { HopView } from '../../protocol/hop-table.ts';
import { hostAndPort } from '../../protocol/host-and-port.ts';
import type { Address } from '../../protocol/ip-address.ts';
import { percentText } from '../../protocol/statistics.ts';
import { type MtrFacts, type MtrMemory, remember } from './facts.ts';
import { mtrMetrics, mtrPoints } from './points.ts';
import { finalTimeoutMs, type MtrSettings, mtrSettings, usualTimeoutMs } from './settings.ts';

const locate = (target: string): Place | undefined => {
  const [, scheme = 'mtr', rest = target] = /^(mtr|mtr\+udp|mtr\+tcp):\/\/(.*)$/i.exec(target) ?? [];
  const found = hostAndPort(rest);
  if (found === undefined) return undefined;
  const [, protocol] = scheme.toLowerCase().split('+');
  // ICMP has no ports.
  if (found.port !== undefined && protocol === undefined && rest !== target) return undefined;
  return {
    address: rest,
    host: found.host,
    ...(found.port === undefined ? {} : { port: found.port }),
    ...(protocol === undefined ? {} : { settings: { protocol } }),
  };
};

const dayMs = 86_400_000;

const probe = async (
  target: string,
  settings: MtrSettings,
  context: Context<MtrMemory>,
): Promise<Outcome<MtrFacts>> => {
  const place = hostAndPort(target);
  if (place === undefined)
    return { facts: {}, failures: [failure('target_invalid', 'setup', 'the target is not a host, or host:port')] };
  const found = await findAddress(place.host, settings, context, context.memory?.ip);
  if (!found.ok) return { facts: { address: found.facts }, failures: [found.failure] };
  const engine = await context.kit.engine();
  const forbidden = wrongDestination(found.address.ip) ?? refusalOf(engine, settings, found.address);
  if (forbidden !== undefined) return { facts: { address: found.facts }, failures: [forbidden] };
  const path = await tracePath(engine, pathOptions(found.address, place.port, settings, context.memory), context);
  const facts = { address: found.facts, path, day: Math.floor(Date.now() / dayMs) };
  const views = path.hops.length === 0 ? [] : remember(context.memory, facts).hops;
  for (const { ttl, responder, loss, forwardedLoss } of views)
    context.trace('hop', { ttl, from: responder ?? '*', loss, forwarded: forwardedLoss });
  context.trace('path', { end: path.end, sent: path.sent });
  const isMute = views.every(({ responder }) => responder === undefined);
  if (isMute && path.engine !== undefined) return { facts, failures: [], void: path.engine };
  if (isMute && path.local !== undefined)
    return { facts, failures: [localFailure(path.local, found.address.ip, settings.source_ip_address)] };
  return { facts, failures: failuresOf(path, views, found.address, settings), stamped: path.isStamped };
};

const refusalOf = (engine: ProbeEngine, { protocol }: MtrSettings, { family }: Address): Failure | undefined => {
  if (protocol === 'icmp') return notPermitted(engine, family);
  const { capabilities } = engine;
  return capabilities[protocol] ? undefined : failure('icmp_not_permitted', 'setup', capabilities.why);
};

const pathOptions = (
  { ip }: Address,
  port: number | undefined,
  settings: MtrSettings,
  memory: MtrMemory | undefined,
) => ({
  address: ip,
  protocol: settings.protocol,
  port,
  count: settings.count,
  intervalMs: parseDuration(settings.interval) ?? 0,
  replyTimeoutMs: parseDuration(settings.reply_timeout) ?? 0,
  finalTimeoutMs: Math.max(finalTimeoutMs, parseDuration(settings.reply_timeout) ?? 0),
  maxHops: settings.max_hops,
  firstTtl: settings.first_ttl,
  payloadBytes: settings.payload_size,
  trafficClass: settings.dscp << 2,
  source: settings.source_ip_address,
  knownLength: memory?.ip === ip ? memory.length : undefined,
});

const failuresOf = (
  path: PathTrace,
  views: readonly HopView[],
  { ip, family }: Address,
  { max_loss_ratio: most, source_ip_address: source, max_hops: maxHops }: MtrSettings,
): Failure[] => {
  const last = views.findLast(({ responder }) => responder !== undefined);
  const lastHop =
    last === undefined ? 'no hop answered' : `hop ${last.ttl}, ${last.responder}, was the last that answered`;
  switch (path.end) {
    case 'reached': {
      const loss = views.at(-1)?.loss ?? 0;
      if (most === undefined || loss <= most) return [];
      const lost = `${percentText(Number(loss.toFixed(3)))} of the packets to ${ip} were lost`;
      return [failure('packet_loss', 'check', `${lost}, more than ${percentText(most)}`)];
    }
    case 'unreachable':
      return [packetFailure(path.objection ?? { kind: 'timeout' }, { address: ip, family, source })];
    case 'loop': {
      const circle = [...new Set(views.slice(-4).map(({ responder }) => responder ?? '*'))];
      return [failure('routing_loop', 'processing', `${circle.join(' and ')} hand packets for ${ip} to each other`)];
    }
    case 'max_hops':
      return [failure('ttl_exceeded', 'processing', `${ip} is not reached within ${maxHops} hops; ${lastHop}`)];
    case 'silent':
      return [failure('path_silent', 'processing', `nobody answers on the way to ${ip} any more: ${lastHop}`)];
    default:
      return path.end satisfies never;
  }
};

/** Finds the path to an address and measures each hop, several rounds a run. */
export const mtr = defineProber<MtrFacts, MtrMemory>()({
  summary: 'Finds the path to a host and measures loss and round trip of each hop.',
  schemes: ['mtr', 'mtr+tcp', 'mtr+udp'],
  needs: ['icmp'],
  modules: { mtr: {}, mtr_tcp: { protocol: 'tcp' }, mtr_udp: { protocol: 'udp' } },
  settings: mtrSettings,
  metrics: mtrMetrics,
  usualTimeoutMs,
  warmUp: (_settings, kit) => kit.engine(),
  locate,
  probe,
  remember: (memory, { facts }) => remember(memory, facts),
  points: mtrPoints,
});
