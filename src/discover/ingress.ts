import { wishesOf } from './annotations.ts';
import { type Finds, nothing, remarksOn } from './found.ts';
import type { IngressObject } from './objects.ts';
import { isHost, isServedInside, noHost, originOf, pathsOf, routeTargets, usualPorts } from './routes.ts';

type Rule = { readonly host: string; readonly paths: readonly (string | undefined)[] };

/**
 * The targets of an Ingress, at most `most`: each host with each of its paths, over TLS where the object says so. Hosts that only `tls`
 * names are those of the default backend and of rules without a host.
 */
export const ingressFinds = (ingress: IngressObject, most: number = Number.POSITIVE_INFINITY): Finds => {
  const { metadata, spec, status } = ingress;
  const origin = originOf('Ingress', metadata);
  const remarks = remarksOn(origin, metadata.namespace);
  const wishes = wishesOf(metadata, remarks);
  if (wishes.skip) return nothing;
  const named = new Set(spec.rules.map(({ host }) => host));
  const others = [...new Set(spec.tls.flatMap(({ hosts }) => hosts))].filter(
    (host) => isHost(host) && !named.has(host),
  );
  for (const { host } of spec.rules) if (!isHost(host) && !standsForAll(host, others)) remarks.add(noHost(host));
  const places = status.loadBalancer.ingress;
  const isInside = isServedInside(places.map(({ ip, hostname }) => ip ?? hostname));
  const addresses = places.flatMap(({ ip }) => ip ?? []).slice(0, mostAddresses);
  const isSecure = securedBy(spec.tls);
  const hosts = function* () {
    for (const { host, paths } of rulesOf(ingress, others)) {
      const scheme = isSecure(host) ? ('https' as const) : ('http' as const);
      const asked = pathsOf(wishes, paths.length === 0 ? ['/'] : paths);
      yield { host, scheme, port: usualPorts[scheme], isInside, addresses, paths: asked };
    }
  };
  const labels = { namespace: metadata.namespace, ingress: metadata.name };
  return routeTargets({ origin, namespace: metadata.namespace, wishes, hosts: hosts(), labels, remarks, most });
};

const mostAddresses = 16;

/** Whether a rule is for the hosts that only `tls` names. */
const standsForAll = (host: string | undefined, others: readonly string[]): boolean =>
  (host === undefined || host === '') && others.length > 0;

/** The hosts of an Ingress and the paths of each, one by one: a large object has more of them than memory. */
const rulesOf = function* ({ spec }: IngressObject, others: readonly string[]): Generator<Rule> {
  let hasOthers = false;
  const served = new Set<string>();
  for (const { host, http } of spec.rules) {
    const paths = http?.paths.map(({ path }) => path) ?? [];
    if (isHost(host)) {
      served.add(host);
      yield { host, paths };
    } else if (standsForAll(host, others)) {
      hasOthers = true;
      for (const other of others) yield { host: other, paths };
    }
  }
  if (spec.defaultBackend === undefined || hasOthers) return;
  for (const host of others) if (!served.has(host)) yield { host, paths: [] };
};

/** Whether a certificate of the object is for a host: a star stands for one label, and an entry without hosts for all. */
const securedBy = (tls: IngressObject['spec']['tls']): ((host: string) => boolean) => {
  const exact = new Set(tls.flatMap(({ hosts }) => hosts));
  const endings = new Set([...exact].filter((host) => host.startsWith('*.')).map((host) => host.slice(1)));
  const isForAll = tls.some(({ hosts }) => hosts.length === 0);
  return (host) => isForAll || exact.has(host) || endings.has(host.slice(host.indexOf('.')));
};
