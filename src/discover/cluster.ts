import type * as z from 'zod';
import type { KubernetesKind, KubernetesSettings } from '../config/discover.ts';
import { kubernetesApi, placeInCluster } from '../net/kubernetes/api.ts';
import { listAndWatch, type Watched } from '../net/kubernetes/list-watch.ts';
import { type Finds, orNothing, type Remark, together } from './found.ts';
import { httpRouteFinds } from './http-route.ts';
import { ingressFinds } from './ingress.ts';
import {
  classOf,
  gatewayObject,
  httpRouteObject,
  type IngressObject,
  ingressObject,
  type Metadata,
  podObject,
  probeObject,
  serviceObject,
} from './objects.ts';
import { probeFinds, type Selectable } from './probes.ts';
import { collectionPath, type Resource, resourcesOf } from './rights.ts';
import type { Source } from './source.ts';
import { podFinds, serviceFinds } from './workloads.ts';

/** What a cluster is watched with. `changed` is called after every change, many times in a row perhaps. */
export type ClusterParts = {
  readonly name: string;
  readonly settings: KubernetesSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file: (path: string) => Promise<Buffer>;
  readonly changed: () => void;
};

/**
 * Watches the objects of a cluster that targets are made of. Throws a sentence if it is not known where the API server is; what goes
 * wrong later is in the state, while the last objects stay.
 */
export const cluster = ({ name, settings, environment, file, changed }: ClusterParts): Source => {
  const { server, token_file: tokenFile, ca_file: caFile, kinds, namespaces, selector } = settings;
  const { gateway_namespaces: gatewayNamespaces = namespaces, ingress_classes: classes, defaults } = settings;
  const place = server === undefined ? placeInCluster(environment) : { server, tokenFile, caFile };
  if (place === undefined)
    throw new Error('this is no pod of a cluster; write `server:` and `token_file:`, or leave the block out');
  const api = kubernetesApi(place, file);
  const ending = new AbortController();
  const started = new Map<string, { readonly resource: Resource; readonly watches: readonly Watched<unknown>[] }>();

  /** The watches of a resource, one for each namespace; begun once, whoever needs it. What is not kept of an object is forgotten. */
  const watch = <T, K>(
    resource: Resource,
    schema: z.ZodType<T>,
    keep: (object: T) => K | undefined,
    { isChosen = true, where = namespaces }: Choice = {},
  ): readonly Watched<K>[] => {
    const labelSelector = isChosen ? selector : undefined;
    const key = `${collectionPath(resource)} ${labelSelector ?? ''}`;
    const known = started.get(key);
    // safe: a resource has one schema, and the same is kept of it everywhere
    if (known !== undefined) return known.watches as readonly Watched<K>[];
    const watches = (where ?? [undefined]).map((namespace) =>
      listAndWatch<K>({
        api,
        collection: { path: collectionPath(resource, namespace), labelSelector },
        pick: (object) => {
          const read = schema.safeParse(object);
          return read.success ? keep(read.data) : undefined;
        },
        changed,
        signal: ending.signal,
      }),
    );
    started.set(key, { resource, watches });
    return watches;
  };
  const all = <T>(watches: readonly Watched<T>[]): T[] => watches.flatMap(({ objects }) => [...objects.values()]);

  const selectable = (ingress: IngressObject): Selectable | undefined => {
    if (classes !== undefined && !classes.includes(classOf(ingress) ?? '')) return undefined;
    const finds = orNothing(ingressFinds(ingress));
    const { namespace, labels } = ingress.metadata;
    return finds && { namespace, labels: kinds.includes('probe') ? labels : noLabels, finds };
  };
  const whole = <T>(object: T): T => object;

  const makers: Readonly<Record<KubernetesKind, (own: Resource, other: Resource) => () => Finds>> = {
    ingress: (own) => {
      const watches = watch(own, ingressObject, selectable);
      return () => together(all(watches).map(({ finds }) => finds));
    },
    httproute: (own, other) => {
      const routes = watch(own, httpRouteObject, whole);
      const gateways = watch(other, gatewayObject, whole, { isChosen: false, where: gatewayNamespaces });
      return () => {
        const known = new Map(gateways.flatMap(({ objects }) => [...objects]));
        return together(all(routes).map((route) => httpRouteFinds(route, { known, namespaces: gatewayNamespaces })));
      };
    },
    service: (own) => {
      const watches = watch(own, serviceObject, (object) => orNothing(serviceFinds(object)));
      return () => together(all(watches));
    },
    pod: (own) => {
      // What is kept of a Pod is kept because it was ready; so what is there says which were.
      const watches: readonly Watched<KnownPod>[] = watch(own, podObject, (pod) => {
        const { namespace, name: podName, uid } = pod.metadata;
        const before = watches.map(({ objects }) => objects.get(`${namespace}/${podName}`)).find((one) => one);
        const finds = orNothing(podFinds(pod, before !== undefined && before.uid === uid));
        return finds && { uid, finds };
      });
      return () => together(all(watches).map(({ finds }) => finds));
    },
    probe: (own, other) => {
      const probes = watch(own, probeObject, whole);
      const ingresses = watch(other, ingressObject, selectable, { isChosen: false });
      return () => {
        const scope = { ingresses: all(ingresses), namespaces, module: defaults.module };
        return together(all(probes).map((probe) => probeFinds(probe, scope)));
      };
    },
  };
  const finders = [...new Set(kinds)].map((kind) => {
    const [own, other = own] = resourcesOf[kind];
    if (own === undefined || other === undefined) throw new Error(`${kind} has no resource`);
    return makers[kind](own, other);
  });
  const watches = () => [...started.values()].flatMap(({ watches: all }) => all);
  /** Kinds that the API server does not know: something is not installed there, or not yet. */
  const missing = (): readonly Remark[] =>
    [...started.values()]
      .filter(({ watches: all }) => all.some(({ state }) => state().absent))
      .map(({ resource: { resource, group, version } }) => ({
        origin: `${group === '' ? '' : `${group}/`}${version} ${resource}`,
        why: 'the API server does not know this kind; nothing of it is found until it does',
      }));

  return {
    name,
    finds: () => together([...finders.map((find) => find()), { found: [], remarks: missing() }]),
    state: () => {
      const states = watches().map(({ state }) => state());
      const synced = states.filter(({ absent }) => !absent).map(({ syncedAt }) => syncedAt);
      const oldest = synced.includes(undefined) ? undefined : Math.min(...synced.map((at) => at ?? 0));
      return {
        syncedAt: oldest === Number.POSITIVE_INFINITY ? Date.now() : oldest,
        problem: states.find(({ problem }) => problem !== undefined)?.problem,
      };
    },
    first: Promise.all(watches().map(({ first }) => first)).then(() => {}),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await Promise.all(watches().map(({ ended }) => ended));
      api[Symbol.dispose]();
    },
  };
};

const noLabels: Metadata['labels'] = {};

/** Whether only objects with the labels of the block are watched, and in which namespaces. */
type Choice = { readonly isChosen?: boolean; readonly where?: readonly string[] | undefined };

type KnownPod = { readonly uid: string | undefined; readonly finds: Finds };
