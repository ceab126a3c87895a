import type { Seconds } from '../../kernel/check.ts';
import { parseDuration } from '../../kernel/duration.ts';
import { type Failure, failure } from '../../kernel/reason.ts';
import type { Outcome } from '../../kernel/run.ts';
import { findAddress } from '../../net/address.ts';
import { mostAddresses } from '../../net/each-address.ts';
import type { ProbeEngine, ProbeOutcome, ProbeRequest } from '../../net/icmp/engine.ts';
import { notPermitted, packetFailure, wrongDestination } from '../../net/icmp/probe-failure.ts';
import { type Context, defineProber, type Place } from '../../net/prober.ts';
import { hostAndPort } from '../../protocol/host-and-port.ts';
import type { Address } from '../../protocol/ip-address.ts';
import { percentText } from '../../protocol/statistics.ts';
import { type Burst, type IcmpFacts, type IcmpMemory, type Later, remember } from './facts.ts';
import { icmpMetrics, icmpPoints } from './points.ts';
import { burstMs, type IcmpSettings, icmpSettings } from './settings.ts';

const locate = (target: string): Place | undefined => {
  const [, rest = target] = /^icmp:\/\/(.*)$/i.exec(target) ?? [];
  const found = hostAndPort(rest);
  if (found === undefined || found.port !== undefined) return undefined;
  return { address: found.host, host: found.host };
};

/** Nothing waits longer than its run, whose limit ends it. */
const farAwayMs = 3_600_000;
/** blackbox_exporter's default payload has this length. */
const usualPayload = 28;

const probe = async (
  host: string,
  settings: IcmpSettings,
  context: Context<IcmpMemory>,
): Promise<Outcome<IcmpFacts>> => {
  const found = await findAddress(host, settings, context, context.memory?.ip);
  if (!found.ok) return { facts: { address: found.facts }, failures: [found.failure] };
  const engine = await context.kit.engine();
  const resolvedAt = context.mark('resolved');
  const facts = { address: found.facts, setupSeconds: 0, bursts: [] };
  const forbidden = notPermitted(engine, found.address.family);
  if (forbidden !== undefined) return { facts, failures: [forbidden] };
  const chosen = settings.addresses === 'all' ? allOf(found.addresses, context) : [found.address];
  const sentAt = context.mark('sending');
  const all = await Promise.all(chosen.map((address) => burst(engine, address, settings, context)));
  const stamped = all.every((each) => each.isStamped);
  context.mark('answered', stamped);
  const learned = { ...facts, setupSeconds: sentAt - resolvedAt, bursts: all.map((each) => each.burst) };
  const ours = all.find((each) => each.engine !== undefined)?.engine;
  // The deadline is the target's doing; what the engine did to itself is not.
  if (ours !== undefined && !context.signal.aborted) return { facts: learned, failures: [], void: ours };
  return { facts: learned, failures: all.flatMap(({ failures }) => failures), stamped };
};

const allOf = (addresses: readonly Address[], context: Context<IcmpMemory>): readonly Address[] => {
  const allowed = addresses.filter(({ ip }) => context.kit.mayDial(ip));
  if (allowed.length > mostAddresses) context.trace('left out', { addresses: allowed.length - mostAddresses });
  return allowed.slice(0, mostAddresses);
};

type Done = {
  readonly burst: Burst;
  readonly failures: readonly Failure[];
  readonly engine: string | undefined;
  readonly isStamped: boolean;
};

const burst = async (
  engine: ProbeEngine,
  address: Address,
  settings: IcmpSettings,
  context: Context<IcmpMemory>,
): Promise<Done> => {
  const later: Later = { late: 0, duplicates: 0 };
  const wrong = wrongDestination(address.ip);
  if (wrong !== undefined) {
    const unsent: Burst = { ip: address.ip, sent: 0, rtts: [], hopLimit: undefined, later };
    return { burst: unsent, failures: [wrong], engine: undefined, isStamped: true };
  }
  const request = requestFor(address, settings, later);
  const gap = (parseDuration(settings.interval) ?? 0) / 1_000;
  const packets: Promise<ProbeOutcome>[] = [];
  for (let index = 0; index < settings.count && !context.signal.aborted; index += 1) {
    packets.push(engine.probe(request, context.signal));
    if (index + 1 < settings.count) await context.sleep(gap);
  }
  const outcomes = await Promise.all(packets);
  const isCut = context.signal.aborted;
  // What was still waited for when the time was up is lost; what this host did not send was never under way.
  const sent = outcomes.filter(({ kind }) => kind !== 'local' && (kind !== 'engine' || isCut));
  const rtts: Seconds[] = [];
  let hopLimit: number | undefined;
  for (const outcome of sent) {
    if (outcome.kind !== 'reply') continue;
    rtts.push(outcome.rtt);
    if (outcome.hopLimit >= 0) hopLimit = outcome.hopLimit;
  }
  const engineTrouble = isCut ? undefined : outcomes.find((outcome) => outcome.kind === 'engine')?.why;
  const learned: Burst = { ip: address.ip, sent: sent.length, rtts, hopLimit, later };
  context.trace('burst', { ip: address.ip, sent: sent.length, received: rtts.length });
  return {
    burst: learned,
    failures: failuresOf(learned, outcomes, address, settings),
    engine: engineTrouble,
    isStamped: isStamped(outcomes, engine),
  };
};

/** Whether no clock of this process was in the times of a burst: those of its replies, or of the silence. */
const isStamped = (outcomes: readonly ProbeOutcome[], { capabilities }: ProbeEngine): boolean =>
  capabilities.sendStamps && outcomes.every((outcome) => outcome.kind !== 'reply' || outcome.clock === 'kernel');

const requestFor = ({ ip }: Address, settings: IcmpSettings, later: Later): ProbeRequest => ({
  address: ip,
  protocol: 'icmp',
  timeoutMs: settings.reply_timeout === undefined ? farAwayMs : (parseDuration(settings.reply_timeout) ?? farAwayMs),
  ttl: settings.ttl === 0 ? undefined : settings.ttl,
  payloadBytes: settings.payload_size === 0 ? usualPayload : settings.payload_size,
  dontFragment: settings.dont_fragment,
  trafficClass: settings.dscp << 2,
  source: settings.source_ip_address,
  onLater: (what) => {
    if (what === 'late') later.late += 1;
    else later.duplicates += 1;
  },
});

const failuresOf = (
  { ip, sent, rtts }: Burst,
  outcomes: readonly ProbeOutcome[],
  { family }: Address,
  { max_loss_ratio: most, source_ip_address: source }: IcmpSettings,
): Failure[] => {
  const lost = sent - rtts.length;
  if (rtts.length > 0) {
    if (most === undefined || lost / sent <= most) return [];
    return [
      failure('packet_loss', 'check', `${lost} of ${sent} packets to ${ip} were lost, more than ${percentText(most)}`),
    ];
  }
  // An error that somebody sent says more than silence.
  const said = outcomes.find(({ kind }) => kind !== 'timeout' && kind !== 'engine' && kind !== 'reply');
  if (said !== undefined && said.kind !== 'reply' && said.kind !== 'engine')
    return [packetFailure(said, { address: ip, family, source })];
  return [packetFailure({ kind: 'timeout' }, { address: ip, family, source })];
};

/** Sends ICMP echo requests, one or a burst, to one address of a name or to each. */
export const icmp = defineProber<IcmpFacts, IcmpMemory>()({
  summary: 'Sends ICMP echo requests, one or a burst, and waits for the replies.',
  schemes: ['icmp'],
  needs: ['icmp'],
  modules: { icmp: {}, icmp_burst: { count: 10, interval: '200ms', reply_timeout: '2s' } },
  settings: icmpSettings,
  metrics: icmpMetrics,
  usualTimeoutMs: (settings) => {
    if (settings.count === 1) return undefined;
    const wait = settings.reply_timeout === undefined ? 4_000 : (parseDuration(settings.reply_timeout) ?? 0);
    // A second for the name, and one to spare.
    return burstMs(settings) + wait + 2_000;
  },
  warmUp: (_settings, kit) => kit.engine(),
  locate,
  probe,
  remember: (memory, { facts }) => remember(memory, facts),
  points: (run, memory) => icmpPoints(run, memory, isEach(run.check.module.settings)),
});

// safe: the settings of a check of this prober are those of its schema
const isEach = (settings: unknown): boolean => (settings as IcmpSettings).addresses === 'all';
