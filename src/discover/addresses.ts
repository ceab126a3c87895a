import type { Found } from './found.ts';
import type { PodObject, ServiceObject } from './objects.ts';
import { type Addresses, addressKey, type KnownAddresses } from './reach.ts';

/** Addresses that an object shows: its own, and those of nodes and the API server. */
export type Shown = {
  readonly namespace: string;
  readonly own: readonly string[];
  readonly nodes: readonly string[];
};

/**
 * The addresses of a Service. One without a selector has none: who writes its endpoints chooses where they lead. Those of load
 * balancers are set by controllers.
 */
export const serviceAddresses = ({ metadata, spec, status }: ServiceObject): Shown => {
  const { namespace, name } = metadata;
  const isSelecting = Object.keys(spec.selector).length > 0;
  const isApiServer = namespace === 'default' && name === 'kubernetes';
  const balancers = status.loadBalancer.ingress.map(({ ip }) => ip);
  const all = textsOf([spec.clusterIP, ...spec.clusterIPs, ...balancers]);
  return { namespace, own: isSelecting && !isApiServer ? all : [], nodes: isApiServer ? all : [] };
};

/** Why a Service has no addresses that are known to be its own, as a remark for who has it probed; `undefined` if it has, or will. */
export const unknownPlaces = ({ spec }: ServiceObject, readsPods: boolean): string | undefined => {
  if (spec.type === 'ExternalName') return undefined;
  if (Object.keys(spec.selector).length === 0)
    return 'it has no selector, so where it leads is not known to be its own; write its addresses into `allow_ranges`';
  return spec.clusterIP === 'None' && !readsPods
    ? 'it is headless, and its Pods are not read; write the kind pod, or their addresses into `allow_ranges`'
    : undefined;
};

/** The addresses of a Pod, and of its node. A Pod in its node's network has none of its own. */
export const podAddresses = ({ metadata, spec, status }: PodObject): Shown => {
  const pods = [status.podIP, ...status.podIPs.map(({ ip }) => ip)];
  const hosts = [status.hostIP, ...status.hostIPs.map(({ ip }) => ip)];
  const nodes = textsOf(spec.hostNetwork ? [...hosts, ...pods] : hosts);
  const isGone = status.phase === 'Succeeded' || status.phase === 'Failed';
  const own = isGone || spec.hostNetwork ? [] : textsOf(pods).filter((ip) => !nodes.includes(ip));
  return { namespace: metadata.namespace, own, nodes };
};

const mostOfObject = 16;

const textsOf = (all: readonly (string | undefined)[]): readonly string[] =>
  [...new Set(all.filter((ip) => ip !== undefined && addressKey(ip) !== undefined))]
    .slice(0, mostOfObject)
    // safe: undefined was filtered
    .map((ip) => ip as string);

/** The addresses that are known of a cluster, by namespace. `never` are those of the API server and the process itself. */
export const addressBook = (
  shown: Iterable<Shown>,
  found: Iterable<Found>,
  never: Addresses,
): ((namespace: string) => KnownAddresses) => {
  const own = new Map<string, Set<string>>();
  const nodes = new Set(never);
  const add = (namespace: string, ips: readonly string[]) => {
    if (ips.length === 0) return;
    const keys = own.get(namespace) ?? new Set<string>();
    own.set(namespace, keys);
    for (const ip of ips) {
      const key = addressKey(ip);
      if (key !== undefined) keys.add(key);
    }
  };
  for (const one of shown) {
    add(one.namespace, one.own);
    for (const ip of one.nodes) nodes.add(addressKey(ip) ?? ip);
  }
  for (const { tenant, served = [] } of found) add(tenant, served);
  return (namespace) => ({ never: nodes, own: own.get(namespace) ?? none });
};

const none: Addresses = new Set();
