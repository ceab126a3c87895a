import type * as z from 'zod';
import type { KubernetesKind, KubernetesSettings } from '../config/discover.ts';
import { kubernetesApi, placeInCluster } from '../net/kubernetes/api.ts';
import { listAndWatch, type Watched } from '../net/kubernetes/list-watch.ts';
import { type Finds, orNothing, together } from './found.ts';
import {
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
import { httpRouteFinds, ingressFinds } from './routes.ts';
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
  const place = server === undefined ? placeInCluster(environment) : { server, tokenFile, caFile };
  if (place === undefined)
    throw new Error(
      `${name}: this is no pod of a cluster; write \`server:\` and \`token_file:\`, or leave the block out`,
    );
  const api = kubernetesApi(place, file);
  const ending = new AbortController();
  const started = new Map<string, Watched<unknown>[]>();

  /** The watches of a resource, one for each namespace; begun once, whoever needs it. What is not kept of an object is forgotten. */
  const watch = <T, K>(
    resource: Resource,
    schema: z.ZodType<T>,
    keep: (object: T) => K | undefined,
    isChosen = true,
  ): readonly Watched<K>[] => {
    const labelSelector = isChosen ? selector : undefined;
    const key = `${collectionPath(resource)} ${labelSelector ?? ''}`;
    const known = started.get(key);
    // safe: a resource has one schema, and the same is kept of it everywhere
    if (known !== undefined) return known as Watched<K>[];
    const watches = (namespaces ?? [undefined]).map((namespace) =>
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
    started.set(key, watches);
    return watches;
  };
  const all = <T>(watches: readonly Watched<T>[]): T[] => watches.flatMap(({ objects }) => [...objects.values()]);

  const selectable = ({ metadata, spec }: IngressObject): Selectable | undefined => {
    const finds = orNothing(ingressFinds({ metadata, spec }));
    const { namespace, labels } = metadata;
    return finds && { namespace, labels: kinds.includes('probe') ? labels : noLabels, finds };
  };
  const whole = <T>(object: T): T => object;

  const makers: Readonly<Record<KubernetesKind, (own: Resource, other: Resource) => () => Finds>> = {
    ingress: (own) => {
      const watches = watch(own, ingressObject, selectable);
      return () => together(all(watches).map(({ finds }) => finds));
    },
    httproute: (own, other) => {
      const [routes, gateways] = [watch(own, httpRouteObject, whole), watch(other, gatewayObject, whole, false)];
      return () => {
        const known = new Map(gateways.flatMap(({ objects }) => [...objects]));
        return together(all(routes).map((route) => httpRouteFinds(route, known)));
      };
    },
    service: (own) => {
      const watches = watch(own, serviceObject, (object) => orNothing(serviceFinds(object)));
      return () => together(all(watches));
    },
    pod: (own) => {
      const watches = watch(own, podObject, (object) => orNothing(podFinds(object)));
      return () => together(all(watches));
    },
    probe: (own, other) => {
      const [probes, ingresses] = [watch(own, probeObject, whole), watch(other, ingressObject, selectable, false)];
      return () => {
        const known = all(ingresses);
        return together(all(probes).map((probe) => probeFinds(probe, known)));
      };
    },
  };
  const finders = [...new Set(kinds)].map((kind) => {
    const [own, other = own] = resourcesOf[kind];
    if (own === undefined || other === undefined) throw new Error(`${kind} has no resource`);
    return makers[kind](own, other);
  });
  const watches = () => [...started.values()].flat();

  return {
    name,
    finds: () => together(finders.map((find) => find())),
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
