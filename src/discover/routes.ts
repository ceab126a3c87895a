import { entryOf, type Wishes, wishesOf } from './annotations.ts';
import { type Finds, type Found, nothing, type Remark } from './found.ts';
import type { GatewayObject, HttpRouteObject, IngressObject, Metadata } from './objects.ts';

/** A path that stands for one place; patterns of controllers that take regular expressions do not. */
const plainPath = /^\/[\w\-./~%!&'+,;=:@]*$/;

/** The paths to ask a host for: that of the annotation, else those of the rules, else the root. */
const pathsOf = (wishes: Wishes, paths: readonly (string | undefined)[]): readonly string[] => {
  const wanted = wishes.get('path');
  if (wanted !== undefined) return [wanted.startsWith('/') ? wanted : `/${wanted}`];
  const plain = paths.map((path) => (path !== undefined && plainPath.test(path) ? path : '/'));
  return plain.length === 0 ? ['/'] : [...new Set(plain)];
};

const urlOf = (base: string, path: string): string => (path === '/' ? base : base + path);

/** Whether a name is one that a pattern such as `*.example.com` means: the star stands for one label in a certificate. */
const covers = (pattern: string, host: string): boolean =>
  pattern === host || (pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1));

const isHost = (host: string | undefined): host is string => host !== undefined && /^[A-Za-z0-9.-]+$/.test(host);

const noHost = (origin: string, host: string | undefined): Remark => ({
  origin,
  why:
    host === undefined || host === ''
      ? 'a rule without a host stands for any name; write a target in the list'
      : `the host ${host.slice(0, 100)} stands for many names; write a target in the list`,
});

/** The targets of an Ingress: each host with each of its paths, over TLS where the object says so. */
export const ingressFinds = ({ metadata, spec }: IngressObject): Finds => {
  const origin = originOf('Ingress', metadata);
  const wishes = wishesOf(metadata, origin);
  if (wishes.skip) return nothing;
  const remarks: Remark[] = [...wishes.remarks];
  const found = new Map<string, Found>();
  for (const { host, http } of spec.rules) {
    if (!isHost(host)) {
      remarks.push(noHost(origin, host));
      continue;
    }
    const secure = spec.tls.some(({ hosts }) => hosts.length === 0 || hosts.some((one) => covers(one, host)));
    const base = `${secure ? 'https' : 'http'}://${host}`;
    for (const path of pathsOf(wishes, http?.paths.map((one) => one.path) ?? [])) {
      const url = urlOf(base, path);
      const labels = { namespace: metadata.namespace, ingress: metadata.name };
      if (!found.has(url)) found.set(url, { origin, entry: entryOf(wishes, url, labels) });
    }
  }
  return { found: [...found.values()], remarks };
};

/** Finds a Gateway by namespace and name. */
export type Gateways = ReadonlyMap<string, GatewayObject>;

/**
 * The targets of an HTTPRoute: what its hostnames and those of the listeners that it is attached to have in common, over TLS where a
 * listener does that.
 */
export const httpRouteFinds = ({ metadata, spec }: HttpRouteObject, gateways: Gateways): Finds => {
  const origin = originOf('HTTPRoute', metadata);
  const wishes = wishesOf(metadata, origin);
  if (wishes.skip) return nothing;
  const remarks: Remark[] = [...wishes.remarks];
  const bases = new Map<string, string>();
  let listeners = 0;
  for (const parent of spec.parentRefs) {
    if ((parent.kind ?? 'Gateway') !== 'Gateway') continue;
    const key = `${parent.namespace ?? metadata.namespace}/${parent.name}`;
    const gateway = gateways.get(key);
    if (gateway === undefined) remarks.push({ origin, why: `the Gateway ${key} is not there, or not to be seen` });
    for (const listener of gateway?.spec.listeners ?? []) {
      if (parent.sectionName !== undefined && parent.sectionName !== listener.name) continue;
      if (parent.port !== undefined && parent.port !== listener.port) continue;
      const scheme = schemes[listener.protocol];
      if (scheme === undefined) continue;
      listeners += 1;
      for (const host of spec.hostnames.length === 0 ? [listener.hostname] : spec.hostnames) {
        const common = commonHost(host, listener.hostname);
        if (common === 'none') continue;
        if (!isHost(common)) {
          remarks.push(noHost(origin, common));
          continue;
        }
        const usual = listener.port === (scheme === 'https' ? 443 : 80);
        const base = `${scheme}://${common}${usual ? '' : `:${listener.port}`}`;
        // A host that answers over TLS sends who asks in clear text there.
        if (scheme === 'https' || !bases.has(common)) bases.set(common, base);
      }
    }
  }
  if (listeners === 0 && remarks.length === 0) remarks.push({ origin, why: 'it is attached to no listener for HTTP' });
  const paths = pathsOf(
    wishes,
    spec.rules.flatMap(({ matches }) =>
      matches.map(({ path }) => (path?.type === 'RegularExpression' ? undefined : path?.value)),
    ),
  );
  const labels = { namespace: metadata.namespace, httproute: metadata.name };
  const found = [...bases.values()].flatMap((base) =>
    paths.map((path) => ({ origin, entry: entryOf(wishes, urlOf(base, path), labels) })),
  );
  return { found, remarks };
};

const schemes: Readonly<Record<string, 'http' | 'https'>> = { HTTP: 'http', HTTPS: 'https' };

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

/** What people call an object. */
export const originOf = (kind: string, { namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`;
