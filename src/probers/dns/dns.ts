import { randomInt } from 'node:crypto';
import type { Seconds } from '../../kernel/check.ts';
import { gauge, type Point, point } from '../../kernel/metric.ts';
import { type Failure, failure } from '../../kernel/reason.ts';
import type { Outcome, Run } from '../../kernel/run.ts';
import { type AddressFacts, addressMetrics, addressPoints, findAddress } from '../../net/address.ts';
import { connectTcp } from '../../net/connect.ts';
import { type Answered, askByUdp, askOverStream, type Query, type Server } from '../../net/dns-exchange.ts';
import { matcher } from '../../net/matcher.ts';
import { type Context, defineProber, type Place } from '../../net/prober.ts';
import { connectTls } from '../../net/tls.ts';
import { recordTexts } from '../../protocol/dns-judge.ts';
import { type DnsMessage, encodeQuery } from '../../protocol/dns-message.ts';
import { classes, rcodeName, rcodes, types } from '../../protocol/dns-names.ts';
import { soaSerial } from '../../protocol/dns-record-text.ts';
import { parseDnsUrl } from '../../protocol/dns-url.ts';
import { hostAndPort } from '../../protocol/host-and-port.ts';
import { type DnsSettings, dnsSettings, wireNameOf } from './settings.ts';

type Facts = {
  readonly address: Partial<AddressFacts>;
  readonly phases: { readonly resolve: Seconds; readonly connect: Seconds; readonly request: Seconds };
  readonly counts: { readonly answer: number; readonly authority: number; readonly additional: number };
  readonly serial: number;
};
type Draft = { -readonly [K in keyof Facts]?: Facts[K] };

const dialect = 'blackbox_exporter';
const phase = {
  resolve: 'Resolving the name of the server.',
  connect: 'Opening the socket, with TLS if asked for.',
  request: 'From the query to its answer.',
} as const;

const metrics = {
  ...addressMetrics,
  duration: gauge(
    'probe_dns_duration_seconds',
    'Time spent in each phase, in seconds; the one in which the run failed lasts until the failure.',
    {
      dialect,
      labels: { phase },
      profile: 'lean',
    },
  ),
  answer: gauge('probe_dns_answer_rrs', 'Number of records in the answer section.', { dialect }),
  authority: gauge('probe_dns_authority_rrs', 'Number of records in the authority section.', { dialect }),
  additional: gauge('probe_dns_additional_rrs', 'Number of records in the additional section.', { dialect }),
  succeeded: gauge('probe_dns_query_succeeded', 'Whether any answer came, whatever it says: 1 or 0.', {
    dialect,
    profile: 'lean',
  }),
  serial: gauge('probe_dns_serial', 'Serial of the zone; only for SOA queries.', { dialect }),
};

const locate = (target: string): Place | undefined => {
  if (/^dns:\/\//i.test(target)) return parseDnsUrl(target);
  const place = hostAndPort(target);
  return place === undefined ? undefined : { address: target, ...place };
};

const probe = async (target: string, settings: DnsSettings, context: Context): Promise<Outcome<Facts>> => {
  const place = hostAndPort(target);
  const query = queryOf(settings);
  if (place === undefined || query === undefined) {
    const what =
      place === undefined ? 'the target is not host or host:port' : 'query_name is not a name that can be asked for';
    return { facts: {}, failures: [failure('target_invalid', 'setup', what)] };
  }
  const facts: Draft = {};
  const found = await findAddress(place.host, settings, context);
  const resolve = found.facts.lookupSeconds ?? 0;
  facts.address = found.facts;
  facts.phases = { resolve, connect: 0, request: 0 };
  if (!found.ok) return { facts, failures: [found.failure] };
  const { source_ip_address: localAddress } = settings;
  const port = place.port ?? (settings.dns_over_tls ? 853 : 53);
  const server = { ip: found.address.ip, port, ...(localAddress === undefined ? {} : { localAddress }) };
  const startedAt = context.mark('dialling');
  const answered = await exchange(server, place.host, query, settings, context);
  const endedAt = answered.ok ? answered.answeredAt : context.mark('ended');
  const sentAt = answered.sentAt ?? endedAt;
  facts.phases = { resolve, connect: sentAt - startedAt, request: endedAt - sentAt };
  if (!answered.ok) return { facts, failures: answered.failures };
  return {
    facts: { ...facts, ...messageFacts(answered.message, settings) },
    failures: await judge(answered.message, settings, target, context),
  };
};

const queryOf = ({ query_name, query_type, query_class, recursion_desired }: DnsSettings): Query | undefined => {
  const question = {
    name: wireNameOf(query_name) ?? query_name,
    type: types[query_type],
    class: classes[query_class],
  };
  const id = randomInt(65_536);
  const bytes = encodeQuery(id, question, recursion_desired);
  return bytes === undefined ? undefined : { id, question, bytes };
};

type Exchanged =
  | { readonly ok: true; readonly message: DnsMessage; readonly sentAt: Seconds; readonly answeredAt: Seconds }
  | { readonly ok: false; readonly failures: readonly Failure[]; readonly sentAt?: Seconds };

const exchange = async (
  server: Server,
  host: string,
  query: Query,
  settings: DnsSettings,
  context: Context,
): Promise<Exchanged> => {
  const timing = { signal: context.signal, now: context.mark };
  if (settings.transport_protocol === 'udp') return several(await askByUdp(server, query, timing));
  if (!settings.dns_over_tls) {
    const connected = await connectTcp(server, context);
    return connected.ok
      ? several(await askOverStream(connected.socket, query, timing))
      : { ok: false, failures: [connected.failure] };
  }
  const { tls_config: tls } = settings;
  const secured = await connectTls(server, { servername: tls.server_name ?? host, settings: tls }, context);
  return secured.ok
    ? several(await askOverStream(secured.socket, query, timing))
    : { ok: false, failures: secured.failures };
};

const several = (answered: Answered): Exchanged =>
  answered.ok ? answered : { ...answered, failures: [answered.failure] };

const messageFacts = (message: DnsMessage, { query_type }: DnsSettings): Pick<Draft, 'counts' | 'serial'> => {
  const { answers, authority, additional } = message;
  const counts = { answer: answers.length, authority: authority.length, additional: additional.length };
  if (query_type !== 'SOA') return { counts };
  const soa = answers.findLast(({ type }) => type === types.SOA);
  return { counts, serial: (soa === undefined ? undefined : soaSerial(soa, message)) ?? 0 };
};

/** Response code, then the sections in turn; the first that is wrong ends it, as in blackbox_exporter. */
const judge = async (
  message: DnsMessage,
  settings: DnsSettings,
  key: string,
  { kit, signal }: Context,
): Promise<Failure[]> => {
  const { valid_rcodes: valid } = settings;
  if (!valid.some((name) => rcodes[name] === message.rcode)) {
    return [
      failure(
        'dns_rcode',
        'check',
        `the response code is ${rcodeName(message.rcode)}, expected ${valid.join(' or ') || 'none'}`,
      ),
    ];
  }
  for (const section of ['answer', 'authority', 'additional'] as const) {
    const records = section === 'answer' ? message.answers : message[section];
    const texts = recordTexts(records, message, settings[`validate_${section}_rrs`]);
    if (texts === undefined) continue;
    const judged = await kit.own('matcher', matcher).run('records', texts, { key, signal });
    if (!judged.ok) return [judged.failure];
    const { result: wrong } = judged;
    if (wrong !== undefined) return [failure('dns_records_mismatch', 'check', `${section} section: ${wrong}`)];
  }
  return [];
};

const points = ({ outcome: { facts } }: Run<Facts>): Point[] => {
  const { address = {}, phases, counts, serial } = facts;
  const all = [
    ...addressPoints(address),
    point(metrics.duration, phases?.resolve ?? 0, { phase: 'resolve' }),
    point(metrics.duration, phases?.connect ?? 0, { phase: 'connect' }),
    point(metrics.duration, phases?.request ?? 0, { phase: 'request' }),
    point(metrics.answer, counts?.answer ?? 0),
    point(metrics.authority, counts?.authority ?? 0),
    point(metrics.additional, counts?.additional ?? 0),
    point(metrics.succeeded, counts === undefined ? 0 : 1),
  ];
  if (serial !== undefined) all.push(point(metrics.serial, serial));
  return all;
};

/** Asks a name server a question and judges the answer, over UDP, TCP or TLS. */
export const dns = defineProber<Facts>()({
  summary: 'Asks a name server a question and judges the answer.',
  schemes: ['dns'],
  needs: [],
  modules: { dns_udp: { query_name: '.' }, dns_tcp: { query_name: '.', transport_protocol: 'tcp' } },
  settings: dnsSettings,
  metrics,
  warmUp: async (settings, kit) => (settings.dns_over_tls ? kit.trust.of(settings.tls_config) : undefined),
  locate,
  probe,
  points,
});
