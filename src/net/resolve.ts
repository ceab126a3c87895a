import { randomInt } from 'node:crypto';
import { domainToASCII } from 'node:url';
import type { Seconds } from '../kernel/check.ts';
import { type Failure, failure } from '../kernel/reason.ts';
import type { TraceEvent } from '../kernel/run.ts';
import { type DnsMessage, encodeQuery, isSameName, type ResourceRecord } from '../protocol/dns-message.ts';
import { classes, rcodeName, rcodes, types } from '../protocol/dns-names.ts';
import { recordText } from '../protocol/dns-record-text.ts';
import { hostAndPort } from '../protocol/host-and-port.ts';
import type { Address } from '../protocol/ip-address.ts';
import { connectTcp } from './connect.ts';
import { type Answered, askByUdp, askOverStream, type Query, type Server } from './dns-exchange.ts';
import { timeoutIn } from './failure.ts';
import { parseHosts, parseResolvConf, type ResolvConf, watched } from './resolv-conf.ts';

/** What a lookup gave. */
export type Lookup =
  | { readonly ok: true; readonly addresses: readonly Address[] }
  | { readonly ok: false; readonly failure: Failure };

type Asker = {
  readonly signal: AbortSignal;
  readonly trace: (what: string, data?: TraceEvent['data']) => void;
};

/** What the lookup of a service gave: its hosts and ports, in the order of the answer. */
export type ServiceLookup =
  | { readonly ok: true; readonly places: readonly Service[] }
  | { readonly ok: false; readonly failure: Failure };

/** One place where a service is (RFC 2782); priority and weight are not heeded, since all are to be probed. */
export type Service = { readonly host: string; readonly port: number };

/** Names to addresses, and services to places. Never rejects. */
export type Resolver = AsyncDisposable & {
  readonly lookup: (host: string, families: readonly (4 | 6)[], asker: Asker) => Promise<Lookup>;
  readonly services: (name: string, asker: Asker) => Promise<ServiceLookup>;
  /** Whether it has an answer of its own for a host, which counts even where the host is an address. */
  readonly answersFor?: (host: string) => boolean;
};

/** Where a resolver learns what the system's would: paths, or values that take their place. `servers` may carry ports. */
export type ResolverOptions = Partial<ResolvConf> & { readonly resolvConf?: string; readonly hostsFile?: string };

/**
 * A stub resolver: hosts file, search list and ndots as resolv.conf says, A and AAAA side by side, UDP with TCP when an answer
 * is truncated, the next server when one fails. It keeps nothing: each lookup asks. Unlike the system's it uses no thread, so
 * a dead server delays its own probe alone.
 * @see https://www.rfc-editor.org/rfc/rfc1034#section-5.3.1
 */
export const resolver = (options: ResolverOptions = {}): Resolver => {
  const { resolvConf = '/etc/resolv.conf', hostsFile = '/etc/hosts', ...fixed } = options;
  const conf = watched(resolvConf, parseResolvConf);
  const hosts = watched(hostsFile, parseHosts);
  const lookup: Resolver['lookup'] = async (host, families, asker) => {
    const name = domainToASCII(host.replace(/\.$/, '')).toLowerCase();
    if (name === '') return refuse('dns_no_such_name', `${host} is not a name`);
    const local = localAddresses(name, hosts()).filter(({ family }) => families.includes(family));
    if (local.length > 0) return { ok: true, addresses: local };
    if (isLocal(name)) return refuse('dns_no_address', `${host} has no address of the family asked for`);
    return ask(
      name,
      candidates(name, host.endsWith('.'), { ...conf(), ...fixed }),
      families,
      { ...conf(), ...fixed },
      asker,
    );
  };
  const services: Resolver['services'] = async (name, asker) => {
    const bare = name.replace(/\.$/, '').toLowerCase();
    const answered = await askRecords(bare, 'SRV', { ...conf(), ...fixed }, asker);
    if (!answered.ok) return answered;
    const places = recordsIn(answered.message, bare, types.SRV).map(serviceIn);
    if (places.length === 0)
      return { ok: false, failure: failure('dns_no_address', 'resolve', `${name} has no hosts`) };
    return { ok: true, places };
  };
  return { lookup, services, [Symbol.asyncDispose]: async () => {} };
};

/** Data of a SRV record as zone files have it: priority, weight, port, host. */
const serviceIn = (data: string): Service => {
  const [, , port = '0', host = ''] = data.split(' ');
  return { host: host.replace(/\.$/, ''), port: Number(port) };
};

const refuse = (reason: 'dns_no_such_name' | 'dns_no_address', detail: string): Lookup => ({
  ok: false,
  failure: failure(reason, 'resolve', detail),
});

/** Names that never leave the machine (RFC 6761, section 6.3). */
const isLocal = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');

const loopback: readonly Address[] = [
  { ip: '127.0.0.1', family: 4 },
  { ip: '::1', family: 6 },
];

const localAddresses = (name: string, hosts: ReadonlyMap<string, readonly Address[]>): readonly Address[] =>
  hosts.get(name) ?? (isLocal(name) ? loopback : []);

/** The names to try in turn (resolv.conf(5), `search` and `ndots`). */
const candidates = (name: string, isAbsolute: boolean, { search, ndots }: ResolvConf): readonly string[] => {
  if (isAbsolute) return [name];
  const searched = search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...searched] : [...searched, name];
};

/** What one name gave: addresses, or what is to be said if no other name does better. */
type Found = { readonly addresses: readonly Address[]; readonly problem: Failure | undefined };

const ask = async (
  host: string,
  names: readonly string[],
  families: readonly (4 | 6)[],
  conf: ResolvConf,
  asker: Asker,
): Promise<Lookup> => {
  let problem: Failure | undefined;
  for (const name of names) {
    const found = await Promise.all(families.map((family) => askFamily(name, family, conf, asker)));
    if (asker.signal.aborted) return { ok: false, failure: timeoutIn('resolve') };
    const addresses = found.flatMap((one) => one.addresses);
    if (addresses.length > 0) return { ok: true, addresses };
    const [worst] = found
      .map((one) => one.problem)
      .filter((one) => one !== undefined)
      .sort((a, b) => rank(b) - rank(a));
    // Servers that cannot be reached, or are silent, are so for the other names too; one that fails for a name may know the next.
    if (worst !== undefined && rank(worst) > rankOf.dns_server_failure) return { ok: false, failure: worst };
    if (worst !== undefined && (problem === undefined || rank(worst) > rank(problem))) problem = worst;
  }
  if (problem?.reason === 'dns_server_failure') return { ok: false, failure: problem };
  if (problem?.reason === 'dns_no_address')
    return refuse('dns_no_address', `${host} exists but has no address of the family asked for`);
  return refuse(
    'dns_no_such_name',
    `${host} does not exist${names.length > 1 ? `, nor do ${names.length - 1} names of the search list` : ''}`,
  );
};

/** Which failure counts when no name of the search list has addresses: the highest. All others are higher still. */
const rankOf = { dns_no_such_name: 0, dns_no_address: 1, dns_server_failure: 2 } as const;
const rank = ({ reason }: Failure): number =>
  // safe: hasOwn has looked
  Object.hasOwn(rankOf, reason) ? rankOf[reason as keyof typeof rankOf] : 3;

const askFamily = async (name: string, family: 4 | 6, conf: ResolvConf, asker: Asker): Promise<Found> => {
  const type = family === 4 ? 'A' : 'AAAA';
  const answered = await askRecords(name, type, conf, asker);
  if (!answered.ok) return { addresses: [], problem: answered.failure };
  const addresses = recordsIn(answered.message, name, types[type]).map((ip) => ({ ip, family }));
  return { addresses, problem: addresses.length > 0 ? undefined : failure('dns_no_address', 'resolve', name) };
};

/** An answer without an error, or what is to be said if no other name does better. */
const askRecords = async (
  name: string,
  type: keyof typeof types,
  conf: ResolvConf,
  asker: Asker,
): Promise<Answered> => {
  let problem = failure('dns_timeout', 'resolve', 'no name server answered');
  for (let attempt = 0; attempt < conf.attempts; attempt += 1) {
    for (const server of conf.servers) {
      const answered = await askServer(server, name, types[type], conf.timeoutMs, asker);
      if (asker.signal.aborted) return { ok: false, failure: timeoutIn('resolve') };
      const answer = answered.ok ? rcodeName(answered.message.rcode) : answered.failure.reason;
      asker.trace('asked', { server, name, type, answer });
      if (!answered.ok) {
        problem = problemOf(answered.failure, server);
        continue;
      }
      const { rcode } = answered.message;
      if (rcode === rcodes.NOERROR) return answered;
      if (rcode === rcodes.NXDOMAIN) return { ok: false, failure: failure('dns_no_such_name', 'resolve', name) };
      const said = `the name server ${server} answered ${rcodeName(rcode)} for ${name}`;
      problem = failure('dns_server_failure', 'resolve', said);
    }
  }
  return { ok: false, failure: problem };
};

const problemOf = ({ reason, detail }: Failure, server: string): Failure => {
  switch (reason) {
    case 'protocol_error':
    case 'connection_closed':
    case 'connection_reset':
      return failure('dns_server_failure', 'resolve', `the name server ${server}: ${detail}`);
    case 'connect_refused':
    case 'unreachable':
      return failure('dns_unreachable', 'resolve', `the name server ${server} cannot be reached: ${detail}`);
    case 'local_resources':
      return failure(reason, 'resolve', detail);
    default:
      return failure('dns_timeout', 'resolve', `the name server ${server} did not answer`);
  }
};

const askServer = async (
  server: string,
  name: string,
  type: number,
  timeoutMs: number,
  { signal }: Asker,
): Promise<Answered> => {
  const place = hostAndPort(server);
  const question = { name: `${name}.`, type, class: classes.IN };
  const id = randomInt(65_536);
  const bytes = encodeQuery(id, question, true);
  if (bytes === undefined || place === undefined)
    return { ok: false, failure: failure('dns_no_such_name', 'resolve', `${name} is not a name`) };
  const query: Query = { id, question, bytes };
  const limit = new AbortController();
  const end = () => limit.abort();
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  try {
    return await askOnce({ ip: place.host, port: place.port ?? 53 }, query, limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
};

const askOnce = async (server: Server, query: Query, signal: AbortSignal): Promise<Answered> => {
  const answered = await askByUdp(server, query, { signal, now });
  if (!answered.ok || !answered.message.isTruncated) return answered;
  const connected = await connectTcp(server, { signal, mark: now });
  return connected.ok ? askOverStream(connected.socket, query, { signal, now }) : connected;
};

const now = (): Seconds => performance.now() / 1_000;

/** A chain of CNAMEs longer than this is taken for a loop. */
const mostAliases = 16;

/** The data of a name's records in an answer, following CNAMEs inside it (RFC 1034, section 3.6.2). */
const recordsIn = (message: DnsMessage, name: string, type: number): string[] => {
  let owner = `${name}.`;
  for (let hops = 0; hops < mostAliases; hops += 1) {
    const here = message.answers.filter((record) => record.class === classes.IN && isSameName(record.name, owner));
    const records = here.filter((record) => record.type === type).map((record) => dataOf(record, message));
    if (records.length > 0) return records;
    const alias = here.find((record) => record.type === types.CNAME);
    if (alias === undefined) return [];
    owner = dataOf(alias, message);
  }
  return [];
};

/** The data is the fifth part of a record's text. */
const dataOf = (record: ResourceRecord, message: DnsMessage): string =>
  recordText(record, message).split('\t')[4] ?? '';
