import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';
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
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { parseAllDocuments } from 'yaml';
import { agent } from '../../src/cli/agent.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import { loadTexts } from '../../src/config/load.ts';
import { choosePart } from '../../src/config/part.ts';
import { resourcesOf, verbs } from '../../src/discover/rights.ts';
import { probers } from '../../src/probers/index.ts';
import { needs } from '../servers/peers.ts';
import { broken, type PodSpec, restrictedRules } from './restricted.ts';

const folder = fileURLToPath(new URL('../../infra/kubernetes', import.meta.url));
const run = promisify(execFile);

// biome-ignore lint/suspicious/noExplicitAny: manifests are read as they come, and checked below
type Manifest = any;
const models: Readonly<Record<string, new (data: Manifest) => { validate: () => void }>> = {
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
  PodMonitor,
};
const workloads = new Set(['Deployment', 'DaemonSet', 'StatefulSet']);

const built = async (kubectl: string, place: string): Promise<readonly Manifest[]> => {
  const { stdout } = await run(kubectl, ['kustomize', `${folder}/${place}`], { maxBuffer: 16e6 });
  return parseAllDocuments(stdout).map((document) => document.toJS());
};

/** Our own workload of a build, and its pods. */
const ours = (all: readonly Manifest[]) => {
  const [workload] = all.filter(({ kind, metadata }) => workloads.has(kind) && metadata.name === 'bothways');
  const pod: PodSpec & { containers: readonly Manifest[] } = workload.spec.template.spec;
  return { workload, pod, container: pod.containers[0] };
};

/** The words of the container, with the variables that the cluster would put there. */
const wordsOf = (container: Manifest): string[] =>
  container.args.map((word: string) => word.replace('$(NODE_NAME)', 'node-7').replace('$(POD_INDEX)', '2'));

const places = ['base', 'overlays/daemonset', 'overlays/sharded', 'poc'];

for (const place of places)
  test(`manifests: ${place} is built, and every object is as the API describes it`, async (t) => {
    const kubectl = await needs(t, 'kubectl');
    if (kubectl === undefined) return;
    const all = await built(kubectl.path, place);
    for (const object of all) {
      const Model = models[object.kind] ?? assert.fail(`no schema for ${object.kind}`);
      new Model(object).validate();
    }
    const wrong = { ...all.find(({ kind }) => kind === 'Service') };
    wrong.spec = { ...wrong.spec, ports: 'none' };
    assert.throws(() => new Service(wrong).validate());
  });

for (const place of places)
  test(`manifests: ${place} keeps the restricted profile, and its parts fit together`, async (t) => {
    const kubectl = await needs(t, 'kubectl');
    if (kubectl === undefined) return;
    const all = await built(kubectl.path, place);
    for (const object of all)
      if (workloads.has(object.kind)) assert.deepEqual(broken(object.spec.template.spec), [], object.metadata.name);
    const { workload, pod, container } = ours(all);
    const labels = workload.spec.template.metadata.labels;
    for (const { kind, spec, metadata } of all) {
      if (metadata.name !== 'bothways') continue;
      const selector =
        kind === 'Service' ? spec.selector : (spec?.selector?.matchLabels ?? spec?.podSelector?.matchLabels);
      if (selector === undefined) continue;
      assert.ok(Object.keys(selector).length > 0, kind);
      for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value, kind);
    }
    const flags = parseFlags(agent, wordsOf(container).slice(1));
    assert.ok(flags.ok, JSON.stringify(flags));
    assert.equal(wordsOf(container)[0], 'agent');
    const said = Object.fromEntries(
      wordsOf(container)
        .slice(1)
        .map((word) => word.split(/=(.*)/s).slice(0, 2)),
    );
    const port = Number(said['--listen'].split(':')[1]);
    assert.deepEqual(container.ports, [{ name: 'http', containerPort: port }]);
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      assert.match(probe.httpGet.path, /^\/-\/(?:ready|healthy)$/);
      assert.equal(probe.httpGet.port, 'http');
    }
    const [mount] = container.volumeMounts.filter(({ mountPath }: Manifest) => mountPath === said['--config']);
    const [volume] = (pod.volumes ?? []).filter(({ name }) => name === mount.name) as Manifest[];
    const map = all.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === volume.configMap.name);
    const loaded = loadTexts([{ file: 'bothways.yml', text: map.data['bothways.yml'] }], {
      probers,
      vantage: said['--vantage'],
    });
    if (!loaded.ok) assert.fail(JSON.stringify(loaded.problems));
    const part = choosePart({ ...loaded.compiled, literals: loaded.literals }, said['--vantage']);
    if (!part.ok) assert.fail(part.message);
    assert.ok(part.checks.length > 0);
    assert.ok(part.endpoints.length > 0);
    const binding = all.find(({ kind }) => kind === 'ClusterRoleBinding');
    assert.equal(binding.subjects[0].namespace, place === 'poc' ? 'shop' : 'default');
    assert.equal(pod.hostNetwork, undefined);
    assert.deepEqual(workload.spec.template.spec.securityContext.sysctls, [
      { name: 'net.ipv4.ping_group_range', value: '0 2147483647' },
    ]);
  });

test('manifests: the role allows exactly what discovery reads', async () => {
  const documents = parseAllDocuments(await readFile(`${folder}/base/rbac.yaml`, 'utf8')).map((one) => one.toJS());
  const { rules } = documents.find(({ kind }: Manifest) => kind === 'ClusterRole');
  const allowed = rules.flatMap(({ apiGroups, resources, verbs: may }: Manifest) => {
    assert.deepEqual(may, [...verbs]);
    return apiGroups.flatMap((group: string) => resources.map((resource: string) => `${group}/${resource}`));
  });
  const needed = Object.values(resourcesOf).flatMap((all) => all.map(({ group, resource }) => `${group}/${resource}`));
  assert.deepEqual([...allowed].sort(), [...new Set(needed)].sort());
});

test('manifests: the number of shards stands in one place', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const { workload, container } = ours(await built(kubectl.path, 'overlays/sharded'));
  assert.equal(workload.kind, 'StatefulSet');
  assert.ok(container.args.includes(`--shard=$(POD_INDEX)/${workload.spec.replicas}`));
});

test('manifests: the component for PodMonitor is of the API and selects our pods', async () => {
  const [monitor] = parseAllDocuments(await readFile(`${folder}/components/podmonitor/podmonitor.yaml`, 'utf8')).map(
    (one) => one.toJS(),
  );
  new PodMonitor(monitor).validate();
  assert.deepEqual(monitor.spec.selector.matchLabels, { 'app.kubernetes.io/name': 'bothways' });
});

test('restricted profile: each rule finds what it is about', () => {
  const good: PodSpec = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ name: 'x', securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
  };
  assert.deepEqual(broken(good), []);
  const [container = assert.fail('none')] = good.containers;
  const withContext = (more: object): PodSpec => ({
    ...good,
    containers: [{ ...container, securityContext: { ...container.securityContext, ...more } }],
  });
  const violations: Readonly<Record<string, PodSpec>> = {
    HostProcess: withContext({ windowsOptions: { hostProcess: true } }),
    'Host Namespaces': { ...good, hostNetwork: true },
    'Privileged Containers': withContext({ privileged: true }),
    'HostPath Volumes': { ...good, volumes: [{ name: 'x', hostPath: {} }] },
    'Host Ports': { ...good, containers: [{ ...container, ports: [{ hostPort: 80 }] }] },
    'Host Probes / Lifecycle Hooks': {
      ...good,
      containers: [{ ...container, livenessProbe: { httpGet: { host: '10.0.0.1' } } }],
    },
    AppArmor: withContext({ appArmorProfile: { type: 'Unconfined' } }),
    SELinux: withContext({ seLinuxOptions: { type: 'spc_t' } }),
    '/proc Mount Type': withContext({ procMount: 'Unmasked' }),
    Sysctls: { ...good, securityContext: { ...good.securityContext, sysctls: [{ name: 'kernel.msgmax' }] } },
    'Volume Types': { ...good, volumes: [{ name: 'x', nfs: {} }] },
    'Privilege Escalation': withContext({ allowPrivilegeEscalation: true }),
    'Running as Non-root': { ...good, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
    'Running as Non-root user': withContext({ runAsUser: 0 }),
    Seccomp: withContext({ seccompProfile: { type: 'Unconfined' } }),
    Capabilities: withContext({ capabilities: { drop: ['ALL'], add: ['NET_RAW'] } }),
  };
  assert.deepEqual(Object.keys(violations), Object.keys(restrictedRules));
  for (const [rule, pod] of Object.entries(violations)) assert.ok(broken(pod).includes(rule), rule);
});

test('manifests: nothing lies in the folder that no test builds', async () => {
  const found = await readdir(folder, { recursive: true });
  const kustomizations = found
    .filter((name) => name.endsWith('kustomization.yaml'))
    .map((name) => name.replace(/\/[^/]*$/, ''));
  assert.deepEqual(kustomizations.sort(), ['components/podmonitor', ...places].sort());
});
