import * as z from 'zod';
import { most } from '../config/from-cluster.ts';

// Objects of the cluster are written by others, so all is read leniently: what is not as it should be is not there.

// Some are large, so nothing is kept of a text that no series could carry: one that is as much too long stands for it.

const tooLong = 'x'.repeat(most.letters + 1);
const short = (value: string): string => (value.length > most.letters ? tooLong : value);

const text = z.string().transform(short).optional().catch(undefined);
const texts = z.record(z.string(), z.string()).default({}).catch({});
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item.nullable().catch(null))
    .default([])
    .catch([])
    .transform((items) => items.filter((one) => one !== null));
const listOfTexts = list(z.string().transform(short));

/** The annotation that named the class of an Ingress before there was a field for it. */
const oldClass = 'kubernetes.io/ingress.class';

/** Labels or annotations of one object that are looked at; usual objects have a dozen. */
const mostOfObject = 100;

/** What all objects have. Annotations are kept as far as they are read. */
const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  labels: texts.transform((all) =>
    Object.fromEntries(
      Object.entries(all)
        .slice(0, mostOfObject)
        .map(([key, value]) => [short(key), short(value)]),
    ),
  ),
  annotations: texts.transform((all) =>
    Object.fromEntries(
      Object.entries(all)
        .filter(([key]) => key.startsWith('bothways.io/') || key === oldClass)
        .slice(0, mostOfObject)
        .map(([key, value]) => [short(key), short(value)]),
    ),
  ),
});

const port = z.object({
  name: text,
  port: z.int().optional().catch(undefined),
  containerPort: z.int().optional().catch(undefined),
  protocol: text,
  appProtocol: text,
});

/** A port of a service or a container. */
export type PortObject = z.output<typeof port>;
/** What all objects have. */
export type Metadata = z.output<typeof metadata>;

/** @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/ */
export const ingressObject = z.object({
  metadata,
  spec: z.object({
    ingressClassName: text,
    defaultBackend: z.object({}).optional().catch(undefined),
    tls: list(z.object({ hosts: listOfTexts })),
    rules: list(
      z.object({
        host: text,
        http: z
          .object({ paths: list(z.object({ path: text, pathType: text })) })
          .optional()
          .catch(undefined),
      }),
    ),
  }),
  status: z
    .object({
      loadBalancer: z
        .object({ ingress: list(z.object({ ip: text, hostname: text })) })
        .default({ ingress: [] })
        .catch({ ingress: [] }),
    })
    .default({ loadBalancer: { ingress: [] } })
    .catch({ loadBalancer: { ingress: [] } }),
});

/** The class of an Ingress, by its field or as it was written before. */
export const classOf = ({ metadata: { annotations }, spec }: IngressObject): string | undefined =>
  spec.ingressClassName ?? annotations[oldClass];

const condition = z.object({ type: text, status: text });

const parentRef = z.object({
  kind: text,
  name: z.string(),
  namespace: text,
  sectionName: text,
  port: z.int().optional().catch(undefined),
});

/** @see https://gateway-api.sigs.k8s.io/reference/spec/#httproute */
export const httpRouteObject = z.object({
  metadata,
  spec: z.object({
    hostnames: listOfTexts,
    parentRefs: list(parentRef),
    rules: list(
      z.object({
        matches: list(
          z.object({
            path: z.object({ type: text, value: text }).optional().catch(undefined),
            method: text,
            headers: list(z.object({})),
            queryParams: list(z.object({})),
          }),
        ),
      }),
    ),
  }),
  status: z
    .object({
      parents: list(z.object({ parentRef, conditions: list(condition) })),
    })
    .default({ parents: [] })
    .catch({ parents: [] }),
});

/** @see https://gateway-api.sigs.k8s.io/reference/spec/#gateway */
export const gatewayObject = z.object({
  metadata,
  spec: z.object({
    listeners: list(
      z.object({
        name: text,
        hostname: text,
        port: z.int(),
        protocol: z.string(),
        allowedRoutes: z
          .object({ namespaces: z.object({ from: text }).optional().catch(undefined) })
          .optional()
          .catch(undefined),
      }),
    ),
  }),
  status: z
    .object({ addresses: list(z.object({ value: text })) })
    .default({ addresses: [] })
    .catch({ addresses: [] }),
});

/** @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
export const serviceObject = z.object({
  metadata,
  spec: z.object({ type: text, ports: list(port), selector: texts, clusterIP: text, clusterIPs: listOfTexts }),
  status: z
    .object({
      loadBalancer: z
        .object({ ingress: list(z.object({ ip: text })) })
        .default({ ingress: [] })
        .catch({ ingress: [] }),
    })
    .default({ loadBalancer: { ingress: [] } })
    .catch({ loadBalancer: { ingress: [] } }),
});

/** @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export const podObject = z.object({
  metadata: metadata.extend({ deletionTimestamp: text, uid: text }),
  spec: z.object({
    hostNetwork: z.boolean().default(false).catch(false),
    containers: list(z.object({ ports: list(port) })),
  }),
  status: z
    .object({
      phase: text,
      podIP: text,
      podIPs: list(z.object({ ip: text })),
      hostIP: text,
      hostIPs: list(z.object({ ip: text })),
      conditions: list(condition),
    })
    .default({ podIPs: [], hostIPs: [], conditions: [] })
    .catch({ podIPs: [], hostIPs: [], conditions: [] }),
});

/** Labels as an object writes them; more than a target may have are as good as too long ones. */
const labelTexts = texts.transform((all) =>
  Object.fromEntries(
    Object.entries(all)
      .slice(0, most.labels + 1)
      .map(([key, value]) => [short(key), short(value)]),
  ),
);

/** How many there are of what is not looked at. */
const count = list(z.unknown()).transform(({ length }) => length);

const expression = z.object({ key: z.string(), operator: z.string(), values: listOfTexts });

/** @see https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.Probe */
export const probeObject = z.object({
  metadata,
  spec: z.object({
    module: text,
    interval: text,
    scrapeTimeout: text,
    jobName: text,
    targets: z
      .object({
        staticConfig: z
          .object({ static: listOfTexts, labels: labelTexts, relabelingConfigs: count })
          .optional()
          .catch(undefined),
        ingress: z
          .object({
            selector: z
              .object({ matchLabels: texts, matchExpressions: list(expression) })
              .default({ matchLabels: {}, matchExpressions: [] })
              .catch({ matchLabels: {}, matchExpressions: [] }),
            namespaceSelector: z
              .object({ any: z.boolean().default(false).catch(false), matchNames: listOfTexts })
              .optional()
              .catch(undefined),
            relabelingConfigs: count,
          })
          .optional()
          .catch(undefined),
      })
      .default({})
      .catch({}),
  }),
});

/** See {@link ingressObject}. */
export type IngressObject = z.output<typeof ingressObject>;
/** See {@link httpRouteObject}. */
export type HttpRouteObject = z.output<typeof httpRouteObject>;
/** A parent that a route names. */
export type ParentRef = z.output<typeof parentRef>;
/** See {@link gatewayObject}. */
export type GatewayObject = z.output<typeof gatewayObject>;
/** See {@link serviceObject}. */
export type ServiceObject = z.output<typeof serviceObject>;
/** See {@link podObject}. */
export type PodObject = z.output<typeof podObject>;
/** See {@link probeObject}. */
export type ProbeObject = z.output<typeof probeObject>;
