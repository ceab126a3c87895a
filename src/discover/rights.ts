import type { KubernetesKind } from '../config/discover.ts';

/** A resource of the API as RBAC names it, and its version. The core group is empty. */
export type Resource = { readonly group: string; readonly version: string; readonly resource: string };

/** The verbs that a watched collection needs. */
export const verbs = ['list', 'watch'] as const;

const services = { group: '', version: 'v1', resource: 'services' };
const ingresses = { group: 'networking.k8s.io', version: 'v1', resource: 'ingresses' };

/** THE table of what each kind has to read: the objects themselves first, then those that they refer to. */
export const resourcesOf: Readonly<Record<KubernetesKind, readonly Resource[]>> = {
  ingress: [ingresses],
  httproute: [
    { group: 'gateway.networking.k8s.io', version: 'v1', resource: 'httproutes' },
    { group: 'gateway.networking.k8s.io', version: 'v1', resource: 'gateways' },
  ],
  service: [services],
  pod: [{ group: '', version: 'v1', resource: 'pods' }],
  probe: [{ group: 'monitoring.coreos.com', version: 'v1', resource: 'probes' }, ingresses, services],
};

/** The path of a collection, in one namespace or in all. */
export const collectionPath = ({ group, version, resource }: Resource, namespace?: string): string => {
  const base = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${base}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource}`;
};
