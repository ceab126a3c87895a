import * as z from 'zod';
import { durationText } from '../net/settings.ts';
import { addressRange } from '../protocol/address-range.ts';
import { clusterName } from './aws.ts';
import { groupDefaults, intervalText } from './choices.ts';
import { labelsText } from './labels.ts';

/** Kinds of objects that targets are made of. */
export const kubernetesKinds = ['ingress', 'httproute', 'service', 'pod', 'probe'] as const;

/** One of {@link kubernetesKinds}. */
export type KubernetesKind = (typeof kubernetesKinds)[number];

const maxTargets = z.int().min(1).max(100_000).default(1_000);

const common = {
  defaults: groupDefaults.default({}).describe('What the targets found have that say nothing else.'),
  labels: labelsText.default({}).describe('Labels of all targets found.'),
};

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'write the name of a namespace');

/** Objects of a cluster. */
const kubernetesSettings = z.strictObject({
  kinds: z.array(z.enum(kubernetesKinds)).min(1).describe('Kinds of objects to make targets of.'),
  namespaces: z.array(name).min(1).optional().describe('Only in these namespaces; in all if not set.'),
  gateway_namespaces: z
    .array(name)
    .min(1)
    .optional()
    .describe('Where the Gateways of routes are looked for; as `namespaces` if not set.'),
  ingress_classes: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Only Ingresses of these classes; of all if not set.'),
  selector: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('Only objects with these labels, for example `team=shop,tier!=test`.'),
  modules: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Modules that objects may choose, besides `defaults.module`; any without secrets that asks by GET or HEAD if not set.',
    ),
  max_targets: maxTargets.describe(
    'Targets of all namespaces together. With `namespaces` it is a limit; without, a sum above it is logged, since no namespace is cut below its share.',
  ),
  max_targets_per_namespace: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe(
      'The share of each namespace. If not set: `max_targets` divided by the number of `namespaces`, or a tenth of it, at least 100, if those are not set.',
    ),
  min_interval: intervalText.default('10s').describe('Shortest interval that an object may choose.'),
  expressions: z
    .boolean()
    .default(false)
    .describe(
      'Whether objects may have bodies compared with an expression of theirs (`bothways.io/expect`). It reads contents that its author may not see.',
    ),
  jobs: z.boolean().default(false).describe('Whether a Probe object may set the label `job` (`jobName`).'),
  allow: z
    .enum(['own', 'any'])
    .default('own')
    .describe(
      "Addresses that found targets may lead to. `own`: public ones, and those of the object's namespace. `any`: other private ones too. Never loopback, link-local addresses, nodes, the API server and the agent itself.",
    ),
  allow_ranges: z
    .array(
      z
        .string()
        .refine((text) => addressRange(text) !== undefined, { error: 'not a range; write for example 10.0.0.0/8' }),
    )
    .default([])
    .describe(
      'Ranges of addresses that found targets may lead to besides; link-local addresses and metadata services stay refused.',
    ),
  server: z
    .string()
    .regex(/^https?:\/\//, 'write a URL: https://HOST:PORT')
    .optional()
    .describe("The API server's URL; the own cluster's if not set."),
  token_file: z
    .string()
    .min(1)
    .optional()
    .describe('File with a bearer token for that server; read anew when it changes.'),
  ca_file: z.string().min(1).optional().describe('File with the certificates that the server is verified by.'),
  ...common,
});

/** Files in the form of Prometheus's file_sd. */
const fileSdSettings = z.strictObject({
  files: z
    .array(z.string().regex(/\.(?:json|ya?ml)$/, 'write a path that ends with .json, .yml or .yaml'))
    .min(1)
    .describe('Paths; the last part may have a `*`.'),
  max_targets: maxTargets.describe('At most so many targets; what is above it is left out, logged and counted.'),
  ...common,
});

/** What an agent tells the functions outside. */
const publishSettings = z.strictObject({
  cluster: clusterName.describe('The name of this cluster; targets are called CLUSTER/NAME outside.'),
  stage: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,19}$/, 'write a stage as it is deployed')
    .describe('The stage whose functions read it.'),
  namespaces: z.array(name).min(1).describe('Only targets of objects in these namespaces.'),
  max_targets: z
    .int()
    .min(1)
    .max(10_000)
    .describe('At most so many targets; each namespace has an equal part of it, the first by name.'),
  grace: durationText.default('10m').describe('How long a target is still probed after it has vanished.'),
});

/** Where targets are found besides those that are written. */
export const discoverSettings = z.strictObject({
  kubernetes: z.array(kubernetesSettings).default([]).describe('Objects of a Kubernetes cluster.'),
  file_sd: z.array(fileSdSettings).default([]).describe("Files in the form of Prometheus's file_sd."),
  publish: publishSettings
    .optional()
    .describe('Writes public hosts that were found into the bucket `aws.list`, for the functions of its stage.'),
});

/** See {@link discoverSettings}. */
export type PublishSettings = z.output<typeof publishSettings>;
/** See {@link discoverSettings}. */
export type DiscoverSettings = z.output<typeof discoverSettings>;
/** A row of `discover.kubernetes`. */
export type KubernetesSettings = z.output<typeof kubernetesSettings>;
/**
 * How many targets of one namespace a row of `discover.kubernetes` takes. It follows from settings alone, so that no namespace has
 * less because of what others have.
 */
export const shareOf = ({
  max_targets: all,
  max_targets_per_namespace: share,
  namespaces,
}: Pick<KubernetesSettings, 'max_targets' | 'max_targets_per_namespace' | 'namespaces'>): number => {
  if (share !== undefined) return Math.min(share, all);
  if (namespaces !== undefined) return Math.max(1, Math.floor(all / new Set(namespaces).size));
  return Math.min(all, Math.max(leastShare, Math.floor(all / 10)));
};

const leastShare = 100;

/** How many targets of one namespace are published. */
export const publishedShareOf = ({ max_targets: all, namespaces }: PublishSettings): number =>
  Math.max(1, Math.floor(all / new Set(namespaces).size));

/** A row of `discover.file_sd`. */
export type FileSdSettings = z.output<typeof fileSdSettings>;

/** Hosts that a service (SRV name) which was found stands for at most. It counts as so many targets, however many the DNS has. */
export const mostFoundHosts = 10;
