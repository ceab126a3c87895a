import * as z from 'zod';
import { durationText } from '../net/settings.ts';
import { clusterName } from './aws.ts';
import { groupDefaults } from './choices.ts';
import { labelsText } from './labels.ts';

/** Kinds of objects that targets are made of. */
export const kubernetesKinds = ['ingress', 'httproute', 'service', 'pod', 'probe'] as const;

/** One of {@link kubernetesKinds}. */
export type KubernetesKind = (typeof kubernetesKinds)[number];

const common = {
  max_targets: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('At most so many targets; what is above it is left out, said and counted.'),
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
    .describe('Modules that objects may choose, besides `defaults.module`; any without secrets if not set.'),
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
  ...common,
});

/** What an agent tells the functions outside. */
const publishSettings = z.strictObject({
  cluster: clusterName.describe('The name of this cluster; targets are called CLUSTER/NAME outside.'),
  stage: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,19}$/, 'write a stage as it is deployed')
    .describe('The stage whose functions read it.'),
  namespaces: z.array(name).min(1).describe('Only what was found in these namespaces.'),
  max_targets: z.int().min(1).max(10_000).describe('At most so many targets; the first by name.'),
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
/** A row of `discover.file_sd`. */
export type FileSdSettings = z.output<typeof fileSdSettings>;
