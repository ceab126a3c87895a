import { entryOf, type Wishes, wishesOf } from './annotations.ts';
import { type Finds, nothing } from './found.ts';
import type { Metadata, PodObject, PortObject, ServiceObject } from './objects.ts';
import { originOf } from './routes.ts';

/** The target of a Service that asks to be probed, by the name that pods know it by. */
export const serviceFinds = ({ metadata, spec }: ServiceObject): Finds =>
  probed('Service', metadata, `${metadata.name}.${metadata.namespace}.svc`, spec.ports);

/** The target of a Pod that asks to be probed and runs, by its address. */
export const podFinds = ({ metadata, spec, status }: PodObject): Finds => {
  const { podIP: ip } = status;
  if (ip === undefined || status.phase !== 'Running' || metadata.deletionTimestamp !== undefined) return nothing;
  const ports = spec.containers.flatMap((container) => container.ports);
  return probed('Pod', metadata, ip.includes(':') ? `[${ip}]` : ip, ports);
};

/** Schemes that ask for a path, and those that have no port. */
const withPath = new Set(['http', 'https']);
const withoutPort = new Set(['icmp', 'mtr']);

const probed = (kind: 'Service' | 'Pod', metadata: Metadata, host: string, ports: readonly PortObject[]): Finds => {
  const origin = originOf(kind, metadata);
  const wishes = wishesOf(metadata, origin);
  const wanted = wishes.get('probe');
  if (wanted === undefined || wishes.skip) return nothing;
  const refused = (why: string): Finds => ({ found: [], remarks: [...wishes.remarks, { origin, why }] });
  const port = portOf(wishes, ports);
  if (typeof port === 'string') return refused(port);
  const scheme = wanted === 'true' ? usualScheme(wishes, port) : wanted.toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme))
    return refused('bothways.io/probe: write true, false, or a scheme such as http, https, tcp, tls, icmp');
  const number = port?.port ?? port?.containerPort;
  if (number === undefined && !withoutPort.has(scheme))
    return refused('it has no port; name one in bothways.io/port, or write bothways.io/probe: icmp');
  const path = withPath.has(scheme) ? (wishes.get('path') ?? '/') : '';
  const place = withoutPort.has(scheme) ? host : `${host}:${number}`;
  const target = `${scheme}://${place}${path === '' || path === '/' ? '' : path.startsWith('/') ? path : `/${path}`}`;
  const labels = { namespace: metadata.namespace, [kind.toLowerCase()]: metadata.name };
  const name = `${metadata.namespace}/${metadata.name}`;
  return { found: [{ origin, entry: { name, ...entryOf(wishes, target, labels) } }], remarks: wishes.remarks };
};

/** The port that is asked for, the first one, or what is wrong. */
const portOf = (wishes: Wishes, ports: readonly PortObject[]): PortObject | undefined | string => {
  const wanted = wishes.get('port');
  const open = ports.filter(({ protocol = 'TCP' }) => protocol === 'TCP' || protocol === 'UDP');
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
