import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { ClusterRole } from 'kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRole';
import { ClusterRoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/ClusterRoleBinding';
import { Role } from 'kubernetes-models/rbac.authorization.k8s.io/v1/Role';
import { RoleBinding } from 'kubernetes-models/rbac.authorization.k8s.io/v1/RoleBinding';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { parseAllDocuments } from 'yaml';
import type { PodSpec } from './restricted.ts';

/** Where the manifests are. */
export const folder = fileURLToPath(new URL('../../infra/kubernetes', import.meta.url));
const run = promisify(execFile);

/** A manifest as it comes. */
// biome-ignore lint/suspicious/noExplicitAny: what it is is checked by the tests
export type Manifest = any;
/** Schemas of the objects, by their kind: `validate` throws. */
export const models: Readonly<Record<string, new (data: Manifest) => { validate: () => void }>> = {
  Deployment,
  DaemonSet,
  StatefulSet,
  Service,
  ServiceAccount,
  ConfigMap,
  Namespace,
  Ingress,
  NetworkPolicy,
  ClusterRole,
  ClusterRoleBinding,
  Role,
  RoleBinding,
  PodMonitor,
};
/** Kinds that have pods. */
export const workloads = new Set(['Deployment', 'DaemonSet', 'StatefulSet']);

const kustomized = async (kubectl: string, path: string): Promise<readonly Manifest[]> => {
  const { stdout } = await run(kubectl, ['kustomize', path], { maxBuffer: 16e6 });
  return parseAllDocuments(stdout).map((document) => document.toJS());
};

/** What a place of our folder gives; with lines, what an overlay of these lines on top of it gives. `HERE` in a line is our folder. */
export const built = async (
  kubectl: string,
  place: string,
  ...lines: readonly string[]
): Promise<readonly Manifest[]> => {
  if (lines.length === 0) return kustomized(kubectl, join(folder, place));
  const above = await mkdtemp(join(tmpdir(), 'bothways-overlay-'));
  try {
    // kustomize takes no folder by its whole path.
    const here = relative(above, folder);
    const text = [`resources: [HERE/${place}]`, ...lines].join('\n').replaceAll('HERE', here);
    await writeFile(join(above, 'kustomization.yaml'), text);
    return await kustomized(kubectl, above);
  } finally {
    await rm(above, { recursive: true });
  }
};

/** Our own workload of a build, and its pods. */
export const ours = (all: readonly Manifest[]) => {
  const [workload] = all.filter(({ kind, metadata }) => workloads.has(kind) && /^bothways/.test(metadata.name));
  const pod: PodSpec & { containers: readonly Manifest[] } = workload.spec.template.spec;
  return { workload, pod, container: pod.containers[0] };
};

/** The words of the container, with the variables that the cluster would put there. */
export const wordsOf = (container: Manifest): string[] =>
  container.args.map((word: string) => word.replace('$(NODE_NAME)', 'node-7').replace('$(POD_INDEX)', '2'));

/** What can be applied. */
export const places = ['base', 'overlays/daemonset', 'overlays/sharded', 'poc'];

/** Checks that what belongs together is in one namespace, and that every binding binds our account to a role that is there. */
export const assertBound = (all: readonly Manifest[], namespace: string) => {
  const cluster = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding']);
  for (const { kind, metadata } of all)
    assert.equal(metadata.namespace, cluster.has(kind) ? undefined : namespace, `${kind} ${metadata.name}`);
  const account = all.find(({ kind }) => kind === 'ServiceAccount').metadata;
  assert.equal(ours(all).workload.spec.template.spec.serviceAccountName, account.name);
  for (const { kind, subjects, roleRef } of all.filter((one) => one.kind.endsWith('RoleBinding'))) {
    assert.deepEqual(subjects, [{ kind: 'ServiceAccount', name: account.name, namespace }], kind);
    assert.ok(all.some((one) => one.kind === roleRef.kind && one.metadata.name === roleRef.name));
  }
};
