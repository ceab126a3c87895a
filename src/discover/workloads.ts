import { entryOf, schemeOf, type Wishes, wishesOf, withoutPort, withPath } from './annotations.ts';
import { type Finds, nothing, remarksOn } from './found.ts';
import type { Metadata, PodObject, PortObject, ServiceObject } from './objects.ts';
import { originOf } from './routes.ts';

/** The target of a Service that asks to be probed, by the name that pods know it by. */
export const serviceFinds = ({ metadata, spec }: ServiceObject): Finds =>
  probed('Service', metadata, `${metadata.name}.${metadata.namespace}.svc`, spec.ports);

/**
 * The target of a Pod that asks to be probed and runs, by its address. Before it is ready for the first time nothing answers, and that
 * is no failure; what happens after that is one, whatever the Pod says of itself. `wasReady` says that it was ready before.
 */
export const podFinds = ({ metadata, spec, status }: PodObject, wasReady = false): Finds => {
  const { podIP: ip, conditions } = status;
  if (ip === undefined || status.phase !== 'Running' || metadata.deletionTimestamp !== undefined) return nothing;
  const ready = conditions.find(({ type }) => type === 'Ready')?.status ?? 'True';
  if (ready !== 'True' && !wasReady) return nothing;
  const ports = spec.containers.flatMap((container) => container.ports);
  return probed('Pod', metadata, ip.includes(':') ? `[${ip}]` : ip, ports);
};

const probed = (kind: 'Service' | 'Pod', metadata: Metadata, host: string, ports: readonly PortObject[]): Finds => {
  const origin = originOf(kind, metadata);
  const remarks = remarksOn(origin, metadata.namespace);
  const wishes = wishesOf(metadata, remarks);
  if (wishes.get('probe') === undefined || wishes.skip) return nothing;
  const refused = (why: string): Finds => {
    remarks.add(why);
    return remarks.with([]);
  };
  const wanted = schemeOf(wishes);
  if (typeof wanted === 'object') return refused(wanted.problem);
  const port = portOf(wishes, ports, overUdp.has(wanted ?? ''));
  if (typeof port === 'string') return refused(port);
  if (wanted === undefined && port?.protocol === 'UDP') return refused(udpOnly);
  const scheme = wanted ?? usualScheme(wishes, port);
  const number = port?.port ?? port?.containerPort;
  if (number === undefined && !withoutPort.has(scheme))
    return refused('it has no port; name one in bothways.io/port, or write bothways.io/probe: icmp');
  const path = withPath.has(scheme) ? (wishes.get('path') ?? '/') : '';
  const place = withoutPort.has(scheme) ? host : `${host}:${number}`;
  const target = `${scheme}://${place}${path === '' || path === '/' ? '' : path.startsWith('/') ? path : `/${path}`}`;
  const labels = { namespace: metadata.namespace, [kind.toLowerCase()]: metadata.name };
  const name = `${metadata.namespace}/${metadata.name}`;
  const entry = { name, ...entryOf(wishes, target, labels) };
  return remarks.with([{ origin, tenant: metadata.namespace, entry }]);
};

/** Schemes that ask over UDP first. */
const overUdp: ReadonlySet<string> = new Set(['dns']);

const udpOnly =
  'its port is one of UDP, which says nothing to whom it does not know; write how to probe it, for example bothways.io/probe: dns, or icmp';

/** The port that is asked for, else the first one of the protocol that the scheme prefers, or what is wrong. */
const portOf = (wishes: Wishes, ports: readonly PortObject[], prefersUdp: boolean): PortObject | undefined | string => {
  const wanted = wishes.get('port');
  const [own, other] = prefersUdp ? ['UDP', 'TCP'] : ['TCP', 'UDP'];
  const of = (wantedProtocol: string | undefined) =>
    ports.filter(({ protocol = 'TCP' }) => protocol === wantedProtocol);
  const open = [...of(own), ...of(other)];
  if (wanted === undefined) return open[0];
  const number = Number(wanted);
  if (Number.isInteger(number) && number >= 1 && number <= 65_535)
    return (
      open.find((one) => (one.port ?? one.containerPort) === number) ?? {
        name: undefined,
        port: number,
        containerPort: undefined,
        protocol: undefined,
        appProtocol: undefined,
      }
    );
  return (
    open.find((one) => one.name === wanted) ??
    `bothways.io/port: there is no port ${wanted.slice(0, 40)}; it has ${open.map((one) => one.name ?? one.port ?? one.containerPort).join(', ')}`
  );
};

/** HTTP where the port says so by its protocol or name (as service meshes read it), else whether it can be connected to. */
const usualScheme = (wishes: Wishes, port: PortObject | undefined): string => {
  const said = (port?.appProtocol ?? port?.name ?? '').toLowerCase();
  if (/^https\b|^https-/.test(said)) return 'https';
  if (/^(?:http|http2|kubernetes\.io\/h2c)\b/.test(said)) return 'http';
  return wishes.get('path') === undefined && wishes.get('expect') === undefined ? 'tcp' : 'http';
};
