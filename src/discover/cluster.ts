import type * as z from 'zod';
import { type KubernetesKind, type KubernetesSettings, shareOf } from '../config/discover.ts';
import { kubernetesApi, placeInCluster } from '../net/kubernetes/api.ts';
import { listAndWatch, type Watched } from '../net/kubernetes/list-watch.ts';
import { addressBook, podAddresses, type Shown, serviceAddresses, unknownPlaces } from './addresses.ts';
import { type Finds, nothing, orNothing, type Remark, sumOf, together } from './found.ts';
import { httpRouteFinds } from './http-route.ts';
import { ingressFinds } from './ingress.ts';
import { type NamespaceBudget, namespaceBudget } from './namespace-budget.ts';
import {
  classOf,
  gatewayObject,
  httpRouteObject,
  type IngressObject,
  ingressObject,
  type Metadata,
  podObject,
  probeObject,
  type ServiceObject,
  serviceObject,
} from './objects.ts';
import { ownPlaces } from './own-places.ts';
import { type BoundedProbe, boundedProbe, probesWithin, type Selectable } from './probes.ts';
import { reachRule } from './reach.ts';
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
export const cluster = ({ name, settings, environment, file, changed }: ClusterParts): ClusterSource => {
  const { server, token_file: tokenFile, ca_file: caFile, kinds, namespaces, selector } = settings;
  const { gateway_namespaces: gatewayNamespaces = namespaces, ingress_classes: classes, defaults } = settings;
  const place = server === undefined ? placeInCluster(environment) : { server, tokenFile, caFile };
  if (place === undefined)
    throw new Error('this is no pod of a cluster; write `server:` and `token_file:`, or leave the block out');
  const api = kubernetesApi(place, file);
  // Of one object no more is kept than its namespace may have, and some for what turns out to be of no use.
  const most = 2 * shareOf(settings);
  const ending = new AbortController();
  const started = new Map<string, Started>();

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
    const budget = namespaceBudget<K>(2 * most, costOf);
    const watches = (where ?? [undefined]).map((namespace) =>
      listAndWatch<K>({
        api,
        collection: { path: collectionPath(resource, namespace), labelSelector },
        pick: (object) => {
          const read = schema.safeParse(object);
          return read.success ? keep(read.data) : undefined;
        },
        admit: budget.admit,
        isPartial: budget.isPartial,
        changed,
        signal: ending.signal,
      }),
    );
    started.set(key, { resource, watches, budget });
    return watches;
  };
  const all = <T>(watches: readonly Watched<T>[]): T[] => watches.flatMap(({ objects }) => [...objects.values()]);

  const selectable = (ingress: IngressObject): Selectable | undefined => {
    if (classes !== undefined && !classes.includes(classOf(ingress) ?? '')) return undefined;
    const finds = orNothing(ingressFinds(ingress, most));
    const { namespace, name: ingressName, labels } = ingress.metadata;
    return finds && { namespace, name: ingressName, labels: kinds.includes('probe') ? labels : noLabels, finds };
  };
  const whole = <T>(object: T): T => object;

  const makers: Readonly<Record<KubernetesKind, (...resources: Three) => () => Finds>> = {
    ingress: (own) => {
      const watches = watch(own, ingressObject, selectable);
      return () => together(all(watches).map(({ finds }) => finds));
    },
    httproute: (own, other) => {
      const routes = watch(own, httpRouteObject, whole);
      const gateways = watch(other, gatewayObject, whole, { isChosen: false, where: gatewayNamespaces });
      return () => {
        const known = new Map(gateways.flatMap(({ objects }) => [...objects]));
        return together(
          all(routes).map((route) => httpRouteFinds(route, { known, namespaces: gatewayNamespaces }, most)),
        );
      };
    },
    service: (own) => {
      const services = watchServices(own);
      return () => together(all(services).flatMap(({ finds }) => finds ?? []));
    },
    pod: (own) => {
      // Targets are kept of a Pod because it was ready; so they say which were.
      const pods: readonly Watched<KnownPod>[] = watch(own, podObject, (pod) => {
        const { namespace, name: podName, uid } = pod.metadata;
        const before = pods.map(({ objects }) => objects.get(`${namespace}/${podName}`)).find((one) => one);
        const wasReady = before?.finds !== undefined && before.uid === uid;
        const finds = orNothing(podFinds(pod, wasReady));
        const addresses = podAddresses(pod);
        if (finds === undefined && addresses.own.length + addresses.nodes.length === 0) return undefined;
        return { ...addresses, ...(finds && { uid, finds }) };
      });
      showing.push(() => all(pods));
      return () => together(all(pods).flatMap(({ finds }) => finds ?? []));
    },
    probe: (own, other, third) => {
      const probes = watch(own, probeObject, (probe) => boundedProbe(probe, most));
      const ingresses = watch(other, ingressObject, selectable, { isChosen: false });
      // Static targets name Services, whose addresses are then their namespace's own.
      if (settings.allow === 'own') watchServices(third, { isChosen: false });
      return () => {
        const scope = { ingresses: all(ingresses), namespaces, module: defaults.module };
        return probesWithin(all(probes), scope, most);
      };
    },
  };
  /** Says of a Service which is probed that its runs will be refused. */
  const withRemark = (finds: Finds | undefined, service: ServiceObject): Finds | undefined => {
    const isOpen = settings.allow === 'any' || settings.allow_ranges.length > 0;
    const why = isOpen ? undefined : unknownPlaces(service, kinds.includes('pod'));
    const [first] = finds?.found ?? [];
    if (finds === undefined || why === undefined || first === undefined) return finds;
    return { ...finds, remarks: [...finds.remarks, { origin: first.origin, why, tenant: first.tenant }] };
  };
  const showing: (() => readonly Shown[])[] = [];
  const watchServices = (resource: Resource, choice: Choice = {}) => {
    const services = watch(
      resource,
      serviceObject,
      (service): KnownService | undefined => {
        const finds = withRemark(orNothing(serviceFinds(service)), service);
        const addresses = serviceAddresses(service);
        if (finds === undefined && addresses.own.length === 0) return undefined;
        return { ...addresses, ...(finds && { finds }) };
      },
      choice,
    );
    showing.push(() => all(services));
    return services;
  };
  const finders = [...new Set(kinds)].map((kind) => {
    const [own, other = own, third = other] = resourcesOf[kind];
    if (own === undefined || other === undefined || third === undefined) throw new Error(`${kind} has no resource`);
    return makers[kind](own, other, third);
  });
  const mayReach = reachRule({ allow: settings.allow, ranges: settings.allow_ranges });
  const places = ownPlaces(place.server, environment);
  let known = addressBook([], [], places());
  const watches = () => [...started.values()].flatMap(({ watches: all }) => all);
  /** Kinds that the API server does not know: something is not installed there, or not yet. */
  const missing = (): readonly Remark[] =>
    [...started.values()]
      .filter(({ watches: all }) => all.some(({ state }) => state().absent))
      .map(({ resource: { resource, group, version } }) => ({
        origin: `${group === '' ? '' : `${group}/`}${version} ${resource}`,
        why: 'the API server does not know this kind; nothing of it is found until it does',
      }));

  const notKept = () => sumOf([...started.values()].map(({ budget }) => budget.left()));
  /** While it is not known for the first time which addresses are whose, nothing is probed that may lead to one. */
  let isComplete = false;
  const first = Promise.all(watches().map((one) => one.first)).then(() => {
    isComplete = true;
    changed();
  });

  return {
    name,
    finds: () => {
      if (!isComplete) return nothing;
      const above = notKept();
      const rest = { found: [], remarks: missing(), ...(above === undefined ? {} : { above }) };
      const finds = together([...finders.map((find) => find()), rest]);
      known = addressBook(
        showing.flatMap((show) => show()),
        finds.found,
        places(),
      );
      return finds;
    },
    mayReach: (namespace, ip) => mayReach(ip, known(namespace)),
    state: () => {
      const states = watches().map(({ state }) => state());
      const synced = states.filter(({ absent }) => !absent).map(({ syncedAt }) => syncedAt);
      const oldest = synced.includes(undefined) ? undefined : Math.min(...synced.map((at) => at ?? 0));
      return {
        syncedAt: oldest === Number.POSITIVE_INFINITY ? Date.now() : oldest,
        problem: states.find(({ problem }) => problem !== undefined)?.problem,
      };
    },
    first,
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

/** A source that knows which addresses its targets may lead to. */
export type ClusterSource = Source & Required<Pick<Source, 'mayReach'>>;

type Three = readonly [own: Resource, other: Resource, third: Resource];

type Started = {
  readonly resource: Resource;
  readonly watches: readonly Watched<unknown>[];
  readonly budget: Pick<NamespaceBudget<never>, 'left' | 'isPartial'>;
};

type KnownService = Shown & { readonly finds?: Finds };
type KnownPod = Shown & { readonly uid?: string | undefined; readonly finds?: Finds };

/** What is kept of an object, in targets and remarks; addresses alone are small, and not chosen by who writes the object. */
const costOf = (kept: unknown): number => {
  if (typeof kept !== 'object' || kept === null) return 0;
  // safe: these are the shapes that are kept
  const { finds, probe, own } = kept as { finds?: Finds; probe?: BoundedProbe['probe']; own?: unknown };
  if (finds !== undefined) return finds.found.length + finds.remarks.length;
  if (probe !== undefined) return Math.max(1, probe.spec.targets.staticConfig?.static.length ?? 0);
  return own === undefined ? 1 : 0;
};
