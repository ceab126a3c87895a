import type { Socket } from 'node:net';
import type { Labels, Seconds } from '../../kernel/check.ts';
import { gauge, type Point, point } from '../../kernel/metric.ts';
import { type Failure, failure } from '../../kernel/reason.ts';
import { type Outcome, type Run, speaks } from '../../kernel/run.ts';
import { type AddressFacts, addressMetrics, addressPoints, findAddress } from '../../net/address.ts';
import { connectTcp } from '../../net/connect.ts';
import { addressSuccess, type EachAddressFacts, eachAddressPoints, probeAddresses } from '../../net/each-address.ts';
import { failedByRegex } from '../../net/failed-by-regex.ts';
import { type Context, defineProber, type Place } from '../../net/prober.ts';
import { connectTls, type Secured, upgradeTls } from '../../net/tls.ts';
import { type TlsFacts, tlsMetrics, tlsPoints } from '../../net/tls-facts.ts';
import { unprepared } from '../../net/unprepared.ts';
import { hostAndPort } from '../../protocol/host-and-port.ts';
import { secretsInDialogue } from '../../protocol/literal-secrets.ts';
import { dialogue } from './dialogue.ts';
import { connectionMetrics, connectionPoints } from './network-exporter.ts';
import { type TcpSettings, tcpSettings } from './settings.ts';

type Facts = {
  readonly address: Partial<AddressFacts>;
  readonly phases: Readonly<Partial<Record<'resolve' | 'connect' | 'tls' | 'transfer', Seconds>>>;
  readonly tls: TlsFacts;
  /** The local address, once the connection is there. */
  readonly source: string;
  readonly dialogue: {
    readonly failedByRegex: boolean;
    readonly failedByBytes: boolean;
    readonly labels: Labels | undefined;
  };
};
type Draft = { -readonly [K in keyof Facts]?: Facts[K] };

const dialect = 'blackbox_exporter';
const phase = {
  resolve: 'Resolving the name.',
  connect: 'Opening the TCP connection.',
  tls: 'The TLS handshake (RFC 8446, section 2).',
  transfer: 'The dialogue of query_response.',
} as const;

const metrics = {
  ...addressMetrics,
  ...tlsMetrics,
  ...connectionMetrics,
  addressSuccess,
  duration: gauge(
    'probe_tcp_duration_seconds',
    'Time spent in each phase that was reached, in seconds; the one in which the run failed lasts until the failure.',
    { labels: { phase } },
  ),
  failedByRegex,
  failedByBytes: gauge(
    'probe_failed_due_to_bytes',
    'Whether an expect_bytes of the module made the probe fail: 1 or 0.',
    { dialect },
  ),
  expectInfo: gauge('probe_expect_info', 'The labels that the dialogue gave; their names stand in the module.', {
    dialect,
  }),
};

const isTcpService = /^_[^.]+\._tcp\.[^.]/i;

const locate = (target: string): Place | undefined => {
  const [, scheme, rest = target] = /^(tcp|tls):\/\/(.*)$/i.exec(target) ?? [];
  const found = hostAndPort(rest);
  if (found === undefined) return undefined;
  const { host, port } = found;
  // The name of a service stands for hosts with ports of their own (RFC 2782).
  if (port === undefined && !isTcpService.test(host)) return undefined;
  return {
    address: rest,
    host,
    ...(port === undefined ? {} : { port }),
    ...(scheme?.toLowerCase() === 'tls' ? { settings: { tls: true } } : {}),
  };
};

const probe = (target: string, settings: TcpSettings, context: Context) =>
  probeAddresses(hostAndPort(target)?.host ?? '', settings, context, (own) => probeOne(target, settings, own));

const probeOne = async (target: string, settings: TcpSettings, context: Context): Promise<Outcome<Facts>> => {
  const place = hostAndPort(target);
  if (place !== undefined && place.port === undefined && isTcpService.test(place.host))
    return { facts: {}, failures: [failure('dns_no_such_name', 'resolve', `${place.host} has no hosts`)] };
  if (place?.port === undefined)
    return { facts: {}, failures: [failure('target_invalid', 'setup', 'the target is not host:port')] };
  const sends = await sendsOf(settings, context).catch(unprepared);
  if ('reason' in sends) return { facts: {}, failures: [sends] };
  const facts: Draft = {};
  const found = await findAddress(place.host, settings, context);
  facts.address = found.facts;
  facts.phases = { resolve: found.facts.lookupSeconds ?? 0 };
  if (!found.ok) return { facts, failures: [found.failure] };
  const { source_ip_address: localAddress } = settings;
  const dial = { ip: found.address.ip, port: place.port, ...(localAddress === undefined ? {} : { localAddress }) };
  const opened = await open(dial, place.host, settings, context, facts);
  if ('failures' in opened) return { facts, failures: opened.failures };
  const failures = await talk(opened.socket, { host: place.host, key: target }, settings, sends, context, facts);
  return { facts, failures };
};

/** The texts to send, step by step; the secrets among them are not to be repeated. */
const sendsOf = async ({ query_response: steps }: TcpSettings, { kit, hide }: Context): Promise<readonly string[]> => {
  const sends = await Promise.all(steps.map(({ send }) => kit.secret(send)));
  for (const secret of secretsInDialogue(sends).flat()) hide(secret);
  return sends;
};

type Opened = { readonly socket: Socket } | { readonly failures: readonly Failure[] };

const open = async (
  dial: Parameters<typeof connectTcp>[0],
  host: string,
  settings: TcpSettings,
  context: Context,
  facts: Draft,
): Promise<Opened> => {
  const startedAt = context.mark('dialling');
  if (!settings.tls) {
    const connected = await connectTcp(dial, context);
    const endedAt = connected.ok ? connected.connectedAt : context.mark('failed');
    facts.phases = { ...facts.phases, connect: endedAt - startedAt };
    if (!connected.ok) return { failures: [connected.failure] };
    facts.source = connected.socket.localAddress ?? '';
    return { socket: connected.socket };
  }
  const secured = await connectTls(dial, secureFor(host, settings), context);
  const { connectedAt = context.mark('failed') } = secured;
  facts.phases = { ...facts.phases, connect: connectedAt - startedAt };
  // A failed handshake has closed the connection, so that its address cannot be read any more.
  if (secured.connectedAt !== undefined) facts.source = secured.ok ? (secured.socket.localAddress ?? '') : '';
  return secure(secured, secured.connectedAt, context, facts);
};

const secureFor = (host: string, { tls_config: settings }: TcpSettings) => ({
  servername: settings.server_name ?? host,
  settings,
});

const secure = (secured: Secured, since: Seconds | undefined, context: Context, facts: Draft): Opened => {
  if (secured.facts !== undefined) facts.tls = secured.facts;
  if (since !== undefined)
    facts.phases = { ...facts.phases, tls: (secured.securedAt ?? context.mark('failed')) - since };
  return secured.ok ? { socket: secured.socket } : { failures: secured.failures };
};

const talk = async (
  socket: Socket,
  { host, key }: { readonly host: string; readonly key: string },
  settings: TcpSettings,
  sends: readonly string[],
  context: Context,
  facts: Draft,
): Promise<readonly Failure[]> => {
  if (settings.query_response.length === 0) {
    facts.dialogue = { failedByRegex: false, failedByBytes: false, labels: undefined };
    socket.destroy();
    return [];
  }
  const startedAt = context.mark('talking');
  const startTls = async (plain: Socket): Promise<Opened> => {
    const since = context.mark('starttls');
    return secure(await upgradeTls(plain, secureFor(host, settings), context), since, context, facts);
  };
  const said = await dialogue(socket, settings.query_response, sends, context, key, startTls);
  facts.phases = { ...facts.phases, transfer: context.mark('transferred') - startedAt };
  facts.dialogue = said;
  said.socket.destroy();
  socket.destroy();
  return said.failures;
};

const points = (run: Run<Facts & EachAddressFacts>): Point[] => {
  const { facts } = run.outcome;
  const all = [...addressPoints(facts.address ?? {}), ...compatible(run)];
  for (const name of Object.keys(phase) as (keyof typeof phase)[]) {
    // safe: the keys of the table above
    const seconds = facts.phases?.[name];
    if (seconds !== undefined) all.push(point(metrics.duration, seconds, { phase: name }));
  }
  if (facts.tls !== undefined) all.push(...tlsPoints(facts.tls));
  all.push(...eachAddressPoints(facts));
  if (facts.dialogue === undefined) return all;
  const { failedByRegex: byRegex, failedByBytes: byBytes, labels } = facts.dialogue;
  all.push(point(metrics.failedByRegex, byRegex ? 1 : 0), point(metrics.failedByBytes, byBytes ? 1 : 0));
  // The names of these labels are the user's, so no table of ours can list them.
  if (labels !== undefined) all.push({ metric: metrics.expectInfo, labels, value: 1 });
  return all;
};

const compatible = (run: Run<Facts>): Point[] => {
  const { address, phases = {}, source } = run.outcome.facts;
  const place = hostAndPort(run.check.target.address);
  if (!speaks(run, 'network_exporter') || address?.ip === undefined || place?.port === undefined) return [];
  const { host, port } = place;
  return connectionPoints({ host, ip: address.ip, port, source, seconds: phases.connect ?? 0 });
};

/** Opens a TCP connection, secures it if asked to, and holds the dialogue of the module. */
export const tcp = defineProber<Facts & EachAddressFacts>()({
  summary: 'Opens a TCP connection, with TLS and a dialogue if asked for.',
  schemes: ['tcp', 'tls'],
  needs: [],
  modules: { tcp_connect: {}, tls_connect: { tls: true } },
  settings: tcpSettings,
  metrics,
  warmUp: async (settings, kit) => (settings.tls ? kit.trust.of(settings.tls_config) : undefined),
  locate,
  probe,
  points,
});
