import { most } from '../config/from-cluster.ts';
import { isPublicHost } from '../config/hosts.ts';
import { entryOf, schemeOf, type Wishes, withoutPort, withPath } from './annotations.ts';
import type { Finds, Found, Remarks } from './found.ts';
import type { Metadata } from './objects.ts';

/** What people call an object. */
export const originOf = (kind: string, { namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`;

/** A path that stands for one place; patterns of controllers that take regular expressions do not. */
const plainPath = /^\/[\w\-./~%!&'+,;=:@]*$/;

/** The paths to ask a host for: that of the annotation, else those of the rules; for what is no plain path, the root. */
export const pathsOf = (wishes: Wishes, paths: readonly (string | undefined)[]): readonly string[] => {
  const wanted = wishes.get('path');
  if (wanted !== undefined) return [wanted.startsWith('/') ? wanted : `/${wanted}`];
  return [...new Set(paths.map((path) => (path !== undefined && plainPath.test(path) ? path : '/')))];
};

/** Whether a host is one that can be asked for. */
export const isHost = (host: string | undefined): host is string => host !== undefined && /^[A-Za-z0-9.-]+$/.test(host);

const whyNot = (host = ''): string => {
  if (host === '') return 'a rule without a host stands for any name';
  const shown = host.slice(0, 100);
  return host.includes('*')
    ? `the host ${shown} stands for many names`
    : `the host ${shown} is no name that can be asked for`;
};

/** Why there is no target for a host: it stands for many, or cannot be asked for. */
export const noHost = (host: string | undefined): string => `${whyNot(host)}; write a target in the list`;

/** Whether something is served at addresses of private networks only; not known, and so not said, while it has no address. */
export const isServedInside = (places: readonly (string | undefined)[]): boolean => {
  const known = places.flatMap((place) => (place === undefined || place === '' ? [] : [place]));
  return known.length > 0 && known.every((place) => !isPublicHost(place) || internal.test(place));
};

/** Load balancers of AWS that have private addresses under a public name. */
const internal = /^internal-.*\.elb\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?$/i;

/** How a host is served by what its object says. */
export type Served = {
  readonly host: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly isInside: boolean;
  /** The addresses that its object says it is served at. */
  readonly addresses: readonly string[];
};

/** The ports of {@link Served} that need not be written. */
export const usualPorts = { http: 80, https: 443 } as const;

/** What {@link routeTargets} makes targets of. At most `most` are kept of one object. */
export type Route = {
  readonly origin: string;
  readonly namespace: string;
  readonly wishes: Wishes;
  readonly hosts: Iterable<Served & { readonly paths: readonly string[] }>;
  readonly labels: Readonly<Record<string, string>>;
  readonly remarks: Remarks;
  readonly most: number;
};

/** So many pairs of a host and a path are looked at in one object. What it has beyond is not even counted. */
const mostPairs = 20_000;

/**
 * The targets of hosts: each with each path, by the scheme and port that the annotations say, which are right where TLS ends at a load
 * balancer before the cluster. Schemes without paths give one target for each host.
 */
export const routeTargets = ({ origin, namespace, wishes, hosts, labels, remarks, most: limit }: Route): Finds => {
  const refused = (why: string): Finds => {
    remarks.add(why);
    return remarks.with([]);
  };
  const scheme = schemeOf(wishes);
  if (typeof scheme === 'object') return refused(scheme.problem);
  const wanted = wishes.get('port');
  const port = wanted === undefined ? undefined : Number(wanted);
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    return refused('bothways.io/port: write a number from 1 to 65535 here');
  const targets = new Map<string, Served>();
  let above = 0;
  for (const [target, served] of pairsOf(hosts, scheme, port)) {
    if (targets.has(target)) continue;
    if (target.length > most.letters) remarks.add(`a target of more than ${most.letters} characters; it is left out`);
    else if (targets.size < limit) targets.set(target, served);
    else above += 1;
  }
  const found = [...targets].map(
    ([target, { isInside, addresses }]): Found => ({
      origin,
      tenant: namespace,
      entry: { ...entryOf(wishes, target, labels), ...(isInside ? { side: 'inside' } : {}) },
      ...(addresses.length === 0 ? {} : { served: addresses }),
    }),
  );
  return remarks.with(found, above);
};

const pairsOf = function* (hosts: Route['hosts'], scheme: string | undefined, port: number | undefined) {
  let pairs = 0;
  for (const { paths, ...served } of hosts) {
    const base = baseOf(served, scheme ?? served.scheme, port);
    for (const path of withPath.has(scheme ?? served.scheme) ? paths : ['/']) {
      pairs += 1;
      if (pairs > mostPairs) return;
      yield [path === '/' ? base : base + path, served] as const;
    }
  }
};

const baseOf = (served: Served, scheme: string, wanted: number | undefined): string => {
  if (withoutPort.has(scheme)) return `${scheme}://${served.host}`;
  const isSecure = scheme === 'https' || scheme === 'tls';
  const isOther = withPath.has(scheme) ? scheme !== served.scheme : isSecure && served.scheme === 'http';
  const port = wanted ?? (isOther ? usualPorts[isSecure ? 'https' : 'http'] : served.port);
  const isUsual = (scheme === 'http' || scheme === 'https') && port === usualPorts[scheme];
  return `${scheme}://${served.host}${isUsual ? '' : `:${port}`}`;
};
