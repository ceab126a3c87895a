import { wishesOf } from './annotations.ts';
import { type Finds, nothing, type Remark } from './found.ts';
import type { IngressObject } from './objects.ts';
import { isHost, isServedInside, noHost, originOf, pathsOf, routeTargets, usualPorts } from './routes.ts';

/** Whether a name is one that a pattern such as `*.example.com` means: the star stands for one label in a certificate. */
const covers = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1));

/**
 * The targets of an Ingress: each host with each of its paths, over TLS where the object says so. Hosts that only `tls` names are those
 * of the default backend and of rules without a host.
 */
export const ingressFinds = ({ metadata, spec, status }: IngressObject): Finds => {
  const origin = originOf('Ingress', metadata);
  const wishes = wishesOf(metadata, origin);
  if (wishes.skip) return nothing;
  const remarks: Remark[] = [...wishes.remarks];
  const named = new Set(spec.rules.map(({ host }) => host));
  const others = [...new Set(spec.tls.flatMap(({ hosts }) => hosts))].filter(
    (host) => isHost(host) && !named.has(host),
  );
  const rules: { readonly host: string; readonly paths: readonly (string | undefined)[] }[] = [];
  for (const { host, http } of spec.rules) {
    const paths = http?.paths.map(({ path }) => path) ?? [];
    if (isHost(host)) rules.push({ host, paths });
    else if ((host === undefined || host === '') && others.length > 0)
      rules.push(...others.map((other) => ({ host: other, paths })));
    else remarks.push(noHost(origin, host));
  }
  const isServed = new Set(rules.map(({ host }) => host));
  if (spec.defaultBackend !== undefined)
    rules.push(...others.filter((host) => !isServed.has(host)).map((host) => ({ host, paths: [] })));
  const isInside = isServedInside(status.loadBalancer.ingress.map(({ ip, hostname }) => ip ?? hostname));
  const hosts = rules.map(({ host, paths }) => {
    const isSecure = spec.tls.some(
      (one) => one.hosts.length === 0 || one.hosts.some((pattern) => covers(pattern, host)),
    );
    const scheme = isSecure ? ('https' as const) : ('http' as const);
    const asked = pathsOf(wishes, paths.length === 0 ? ['/'] : paths);
    return { host, scheme, port: usualPorts[scheme], isInside, paths: asked };
  });
  const labels = { namespace: metadata.namespace, ingress: metadata.name };
  const { found, problem } = routeTargets(origin, wishes, hosts, labels);
  return { found, remarks: problem === undefined ? remarks : [...remarks, { origin, why: problem }] };
};
