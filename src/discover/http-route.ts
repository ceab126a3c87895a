import { wishesOf } from './annotations.ts';
import { type Finds, nothing, remarksOn } from './found.ts';
import type { GatewayObject, HttpRouteObject, ParentRef } from './objects.ts';
import { isHost, isServedInside, noHost, originOf, pathsOf, routeTargets, type Served, usualPorts } from './routes.ts';

/** Finds a Gateway by namespace and name; `namespaces` are those in which they are looked for, all if not set. */
export type Gateways = {
  readonly known: ReadonlyMap<string, GatewayObject>;
  readonly namespaces?: readonly string[] | undefined;
};

/**
 * The targets of an HTTPRoute: what its hostnames and those of the listeners that it is attached to have in common, over TLS where a
 * listener does that. A Gateway that says no, by its status or its listeners, serves nothing of it.
 */
export const httpRouteFinds = (
  route: HttpRouteObject,
  gateways: Gateways,
  most: number = Number.POSITIVE_INFINITY,
): Finds => {
  const { metadata } = route;
  const origin = originOf('HTTPRoute', metadata);
  const remarks = remarksOn(origin, metadata.namespace);
  const wishes = wishesOf(metadata, remarks);
  if (wishes.skip) return nothing;
  const { served, problems, stars } = servedBy(route, gateways);
  for (const why of problems) remarks.add(why);
  for (const host of stars) remarks.add(noHost(host));
  const paths = pathsOf(wishes, plainPaths(route));
  if (paths.length === 0)
    remarks.add('each of its matches wants a method, header or query parameter; write a path in bothways.io/path');
  const labels = { namespace: metadata.namespace, httproute: metadata.name };
  const hosts = paths.length === 0 ? [] : served.map((one) => ({ ...one, paths }));
  return routeTargets({ origin, namespace: metadata.namespace, wishes, hosts, labels, remarks, most });
};

/** How each host of a route is served best, and why it is not. */
const servedBy = (
  { metadata, spec, status }: HttpRouteObject,
  gateways: Gateways,
): {
  readonly served: readonly Served[];
  readonly problems: readonly string[];
  readonly stars: Set<string | undefined>;
} => {
  const best = new Map<string, Served>();
  const problems = new Set<string>();
  const closed = new Set<string>();
  const stars = new Set<string | undefined>();
  let listeners = 0;
  for (const parent of spec.parentRefs) {
    const { kind = 'Gateway' } = parent;
    if (kind !== 'Gateway') {
      closed.add(`its parent ${parent.name} is a ${kind} and no Gateway; that is not looked at`);
      continue;
    }
    const namespace = parent.namespace ?? metadata.namespace;
    const key = `${namespace}/${parent.name}`;
    const gateway = gateways.known.get(key);
    if (gateway === undefined) {
      problems.add(notSeen(key, namespace, gateways));
      continue;
    }
    if (isRefused(parent, metadata.namespace, status)) {
      problems.add(`the Gateway ${key} does not accept it`);
      continue;
    }
    const places = gateway.status.addresses.map(({ value }) => value);
    const isInside = isServedInside(places);
    const addresses = places.flatMap((place) => place ?? []);
    for (const { listener, scheme } of attached(parent, gateway)) {
      listeners += 1;
      if (!isAllowed(listener, namespace === metadata.namespace)) {
        closed.add(`the listener ${listener.name ?? listener.port} of ${key} takes no routes of ${metadata.namespace}`);
        continue;
      }
      for (const own of spec.hostnames.length === 0 ? [listener.hostname] : spec.hostnames) {
        const host = commonHost(own, listener.hostname);
        if (host === 'none') {
          closed.add(`${own} has nothing in common with ${listener.hostname}, which a listener of ${key} is for`);
          continue;
        }
        if (!isHost(host)) {
          stars.add(host);
          continue;
        }
        const one = { host, scheme, port: listener.port, isInside, addresses };
        const other = best.get(host);
        if (other === undefined || rankOf(one) < rankOf(other)) best.set(host, one);
      }
    }
  }
  if (listeners + problems.size + closed.size === 0) problems.add('it is attached to no listener for HTTP');
  const served = [...best.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
  // Of two parents or listeners one may take what the other does not; that is said only where nothing is left.
  return { served, problems: [...problems, ...(served.length === 0 ? closed : [])], stars };
};

const schemes: ReadonlyMap<string, 'http' | 'https'> = new Map([
  ['HTTP', 'http'],
  ['HTTPS', 'https'],
]);

/** The listeners for HTTP that a parent means. */
const attached = ({ sectionName, port }: ParentRef, { spec }: GatewayObject) =>
  spec.listeners.flatMap((listener) => {
    const scheme = schemes.get(listener.protocol);
    const isMeant = (sectionName ?? listener.name) === listener.name && (port ?? listener.port) === listener.port;
    return scheme !== undefined && isMeant ? [{ listener, scheme }] : [];
  });

/** Public before private, TLS before clear text (a host that answers over TLS sends who asks in clear text there), the usual port first. */
const rankOf = ({ isInside, scheme, port }: Served): number =>
  (isInside ? 1_000_000 : 0) + (scheme === 'https' ? 0 : 100_000) + (port === usualPorts[scheme] ? 0 : port);

const notSeen = (key: string, namespace: string, { namespaces }: Gateways): string =>
  namespaces === undefined || namespaces.includes(namespace)
    ? `the Gateway ${key} is not there, or not to be seen`
    : `the Gateway ${key} is not looked for; write ${namespace} into \`gateway_namespaces\``;

/** Whether a Gateway says in the route's status that it does not accept it. While it says nothing, it may. */
const isRefused = (parent: ParentRef, own: string, { parents }: HttpRouteObject['status']): boolean => {
  const textOf = ({ namespace = own, name, sectionName, port }: ParentRef) =>
    JSON.stringify([namespace, name, sectionName, port]);
  const said = parents
    .filter(({ parentRef }) => textOf(parentRef) === textOf(parent))
    .flatMap(({ conditions }) => conditions.filter(({ type }) => type === 'Accepted').map(({ status }) => status));
  return said.includes('False') && !said.includes('True');
};

type Listener = GatewayObject['spec']['listeners'][number];

/** Whether a listener takes routes of a namespace. What a selector chooses is known only to the status, since we do not read namespaces. */
const isAllowed = ({ allowedRoutes }: Listener, isSame: boolean): boolean => {
  const from = allowedRoutes?.namespaces?.from ?? 'Same';
  return from === 'All' || from === 'Selector' || (from === 'Same' && isSame);
};

/** The paths that a plain request for them is enough for; a rule that says nothing takes all. */
const plainPaths = ({ spec }: HttpRouteObject): readonly (string | undefined)[] => {
  if (spec.rules.length === 0) return ['/'];
  return spec.rules.flatMap(({ matches }) =>
    matches.length === 0
      ? ['/']
      : matches
          .filter(
            ({ method = 'GET', headers, queryParams }) =>
              (method === 'GET' || method === 'HEAD') && headers.length + queryParams.length === 0,
          )
          .map(({ path }) => (path?.type === 'RegularExpression' ? undefined : (path?.value ?? '/'))),
  );
};

/**
 * What a route's hostname and a listener's have in common. A star stands for any number of labels here.
 * @see https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec for hostnames
 */
const commonHost = (route: string | undefined, listener: string | undefined): string | undefined => {
  if (route === undefined || route === '') return listener;
  if (listener === undefined || listener === '' || listener === route) return route;
  if (listener.startsWith('*.') && route.endsWith(listener.slice(1))) return route;
  if (route.startsWith('*.') && listener.endsWith(route.slice(1))) return listener;
  return 'none';
};
