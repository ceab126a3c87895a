import type * as z from 'zod';
import type { KubernetesKind, KubernetesSettings } from '../config/discover.ts';
import { kubernetesApi, placeInCluster } from '../net/kubernetes/api.ts';
import { listAndWatch, type Watched } from '../net/kubernetes/list-watch.ts';
import { type Finds, together } from './found.ts';
import { gatewayObject, httpRouteObject, ingressObject, podObject, probeObject, serviceObject } from './objects.ts';
import { probeFinds } from './probes.ts';
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

  /** The watches of a resource, one for each namespace; begun once, whoever needs it. */
  const watch = <T>(resource: Resource, schema: z.ZodType<T>, isChosen: boolean): readonly Watched<T>[] => {
    const labelSelector = isChosen ? selector : undefined;
    const key = `${collectionPath(resource)} ${labelSelector ?? ''}`;
    const known = started.get(key);
    // safe: a resource has one schema
    if (known !== undefined) return known as Watched<T>[];
    const watches = (namespaces ?? [undefined]).map((namespace) =>
      listAndWatch<T>({
        api,
        collection: { path: collectionPath(resource, namespace), labelSelector },
        pick: (object) => schema.safeParse(object).data,
        changed,
        signal: ending.signal,
      }),
    );
    started.set(key, watches);
    return watches;
  };
  const all = <T>(watches: readonly Watched<T>[]): T[] => watches.flatMap(({ objects }) => [...objects.values()]);

  const makers: Readonly<Record<KubernetesKind, (own: Resource, other: Resource) => () => Finds>> = {
    ingress: (own) => {
      const watches = watch(own, ingressObject, true);
      return () => together(all(watches).map(ingressFinds));
    },
    httproute: (own, other) => {
      const [routes, gateways] = [watch(own, httpRouteObject, true), watch(other, gatewayObject, false)];
      return () => {
        const known = new Map(gateways.flatMap(({ objects }) => [...objects]));
        return together(all(routes).map((route) => httpRouteFinds(route, known)));
      };
    },
    service: (own) => {
      const watches = watch(own, serviceObject, true);
      return () => together(all(watches).map(serviceFinds));
    },
    pod: (own) => {
      const watches = watch(own, podObject, true);
      return () => together(all(watches).map(podFinds));
    },
    probe: (own, other) => {
      const [probes, ingresses] = [watch(own, probeObject, true), watch(other, ingressObject, false)];
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
