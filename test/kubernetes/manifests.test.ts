import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Service } from 'kubernetes-models/v1/Service';
import { parse, parseAllDocuments } from 'yaml';
import { agent } from '../../src/cli/agent.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import { loadTexts } from '../../src/config/load.ts';
import { choosePart } from '../../src/config/part.ts';
import { probers } from '../../src/probers/index.ts';
import { needs } from '../servers/peers.ts';
import { assertBound, built, folder, type Manifest, models, ours, places, wordsOf, workloads } from './manifests.ts';
import { broken, type PodSpec, restrictedRules } from './restricted.ts';

const selecting = new Set([...workloads, 'Service', 'NetworkPolicy']);

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
      if (!/^bothways/.test(metadata.name) || !selecting.has(kind)) continue;
      const { selector = spec.podSelector } = spec;
      const { matchLabels = kind === 'Service' ? selector : {} } = selector;
      assert.ok(Object.keys(matchLabels).length > 0, `${kind} selects every pod of the namespace`);
      for (const [key, value] of Object.entries(matchLabels)) assert.equal(labels[key], value, kind);
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
    // Whoever discovers nothing has no token and no right.
    const discovers = loaded.list.discover?.kubernetes !== undefined;
    const rights = all.filter(({ kind }) => kind === 'ClusterRoleBinding');
    assert.equal(rights.length, discovers ? 1 : 0);
    const account = all.find(({ kind }) => kind === 'ServiceAccount');
    assert.equal(pod.automountServiceAccountToken ?? account.automountServiceAccountToken, discovers);
    assert.equal(pod.hostNetwork, undefined);
    assert.deepEqual(workload.spec.template.spec.securityContext.sysctls, [
      { name: 'net.ipv4.ping_group_range', value: '0 65535' },
    ]);
  });

test('docs: the groups that may ping are those of the manifests, all of which a pod with ids of its own has', async () => {
  const root = join(folder, '../..');
  for (const page of ['docs/image.md', 'docs/paths.md', 'infra/kubernetes/agent/deployment.yaml']) {
    const text = await readFile(join(root, page), 'utf8');
    const values = [...text.matchAll(/ping_group_range(?:=|, value: )"([^"]*)"/g)].map(([, value]) => value);
    // A user namespace maps 65,536 ids, and takes no sysctl that names others.
    assert.deepEqual([...new Set(values)], ['0 65535'], page);
  }
});

test('manifests: the base runs a list whose only agent has any name', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  for (const place of ['base', 'overlays/sharded', 'poc']) {
    const { container } = ours(await built(kubectl.path, place));
    assert.ok(!wordsOf(container).some((word) => word.startsWith('--vantage')), place);
  }
});

test('manifests: an agent for every node is on the tainted ones too', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const { workload, pod } = ours(await built(kubectl.path, 'overlays/daemonset'));
  assert.equal(workload.kind, 'DaemonSet');
  assert.deepEqual(
    (pod as Manifest).tolerations,
    ['NoSchedule', 'NoExecute'].map((effect) => ({ operator: 'Exists', effect })),
  );
});

test('manifests: each shard has a name of its own, behind a service without an address', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const { replacements } = parse(await readFile(`${folder}/overlays/sharded/kustomization.yaml`, 'utf8'));
  const second = ['nameSuffix: -second', `replacements: ${JSON.stringify(replacements)}`];
  for (const more of [[], second]) {
    const all = await built(kubectl.path, 'overlays/sharded', 'namespace: monitoring', ...more);
    const { serviceName } = ours(all).workload.spec;
    const service = all.find(({ kind, metadata }) => kind === 'Service' && metadata.name === serviceName);
    assert.equal(service?.spec.clusterIP, 'None', serviceName);
    assert.equal(service.metadata.namespace, 'monitoring');
  }
});

test('manifests: from one place to another no Service has to lose or to get an address, which the API refuses', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const addresses = new Map<string, Set<unknown>>();
  for (const place of places)
    for (const { kind, metadata, spec } of await built(kubectl.path, place))
      if (kind === 'Service')
        addresses.set(metadata.name, (addresses.get(metadata.name) ?? new Set()).add(spec.clusterIP));
  assert.ok(addresses.has('bothways'));
  for (const [name, all] of addresses) assert.equal(all.size, 1, name);
});

test('manifests: the namespace for an agent of its own keeps the restricted profile', async () => {
  const namespace = parse(await readFile(`${folder}/namespace.yaml`, 'utf8'));
  new Namespace(namespace).validate();
  assert.equal(namespace.metadata.name, 'bothways');
  assert.equal(namespace.metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted');
});

test('docs: the overlay and the patches that are shown do what is said of them', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const text = await readFile(join(folder, '../../docs/kubernetes.md'), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  const [overlay = '', patches = ''] = blocks.flatMap(([, language, block = '']) => (language === '' ? [block] : []));
  assert.match(overlay, /^resources: \[\S+\/base\]\n/);
  // A list of its own, which is no file here.
  const own = overlay.replace(/^resources: .*\n/, '').replace('files: [bothways.yml]', 'literals: [bothways.yml=x]');
  const all = await built(kubectl.path, 'base', own, patches);
  assertBound(all, 'monitoring');
  const { container } = ours(all);
  assert.match(container.image, /^registry\.example\.com\/bothways:/);
  assert.deepEqual(
    wordsOf(container).filter((word) => /^--(?:listen|vantage)/.test(word)),
    ['--listen=[::]:9115', '--vantage=prod-a'],
  );
  assert.ok(parseFlags(agent, wordsOf(container).slice(1)).ok);
  assert.equal(all.find(({ kind }) => kind === 'ConfigMap').data['bothways.yml'], 'x');
  assert.deepEqual(all.find(({ kind }) => kind === 'NetworkPolicy').spec.ingress[0].from, [
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'observability' } } },
    { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
  ]);
});

test('manifests: the page is reached from the namespace of monitoring alone', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  for (const place of places) {
    const all = await built(kubectl.path, place);
    const policy = all.find(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === 'bothways');
    assert.deepEqual(
      policy.spec.ingress,
      [
        {
          from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
          ports: [{ port: 'http', protocol: 'TCP' }],
        },
      ],
      place,
    );
  }
});

test('manifests: the component against metadata leaves every other address reachable', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const all = await built(kubectl.path, 'base', 'components: [HERE/components/no-metadata]');
  const policy = all.find(({ kind }) => kind === 'NetworkPolicy');
  new (models.NetworkPolicy ?? assert.fail())(policy).validate();
  const blocks = policy.spec.egress.flatMap(({ to, ports }: Manifest) => {
    assert.equal(ports, undefined);
    return to.flatMap(({ ipBlock }: Manifest) => ipBlock ?? []);
  });
  assert.deepEqual(
    blocks.map(({ cidr }: Manifest) => cidr),
    ['0.0.0.0/0', '::/0'],
  );
  const excepted = blocks.flatMap(({ except }: Manifest) => except);
  for (const address of ['169.254.169.254/32', 'fd00:ec2::254/128']) assert.ok(excepted.includes(address), address);
});

test('docs: what is to be applied is there, and by no command that would leave the rights behind', async () => {
  const root = join(folder, '../..');
  let commands = 0;
  for (const page of ['README.md', 'docs/kubernetes.md', 'infra/kubernetes/poc/README.md']) {
    const text = await readFile(join(root, page), 'utf8');
    for (const [command, flag, path = ''] of text.matchAll(/kubectl apply.*? -([kf]) (\S+).*/g)) {
      commands += 1;
      // -n does not reach the subject of a role's binding.
      assert.doesNotMatch(command, /(?:-n|--namespace)\b/, page);
      await stat(join(root, path, ...(flag === 'k' ? ['kustomization.yaml'] : [])));
    }
  }
  assert.ok(commands >= 4);
});

test('manifests: the number of shards stands in one place', async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const { workload, container } = ours(await built(kubectl.path, 'overlays/sharded'));
  assert.equal(workload.kind, 'StatefulSet');
  assert.ok(container.args.includes(`--shard=$(POD_INDEX)/${workload.spec.replicas}`));
  // Or in an overlay on top, along with what carries it over.
  const { replacements } = parse(await readFile(`${folder}/overlays/sharded/kustomization.yaml`, 'utf8'));
  const more = [`replacements: ${JSON.stringify(replacements)}`, 'replicas: [{ name: bothways, count: 5 }]'];
  const five = ours(await built(kubectl.path, 'overlays/sharded', ...more));
  assert.equal(five.workload.spec.replicas, 5);
  assert.ok(five.container.args.includes('--shard=$(POD_INDEX)/5'));
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
  assert.deepEqual(
    kustomizations.sort(),
    [
      'agent',
      ...['discovery', 'namespaced', 'no-metadata', 'podmonitor', 'pods'].map((name) => `components/${name}`),
      ...places,
    ].sort(),
  );
});
