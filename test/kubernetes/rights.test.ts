import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { resourcesOf, verbs } from '../../src/discover/rights.ts';
import { needs } from '../servers/peers.ts';
import { assertBound, built, folder, type Manifest, models, places } from './manifests.ts';

const kindsOf = (all: readonly Manifest[]): readonly string[] => all.map(({ kind }) => kind);

for (const place of places)
  test(`manifests: in ${place} the rights go to the account that is there, in whatever namespace an overlay puts it`, async (t) => {
    const kubectl = await needs(t, 'kubectl');
    if (kubectl === undefined) return;
    assertBound(await built(kubectl.path, place), place === 'poc' ? 'shop' : 'bothways');
    if (place === 'poc') return;
    assertBound(await built(kubectl.path, place, 'namespace: monitoring'), 'monitoring');
    const second = await built(kubectl.path, place, 'namespace: monitoring', 'nameSuffix: -monitoring');
    assertBound(second, 'monitoring');
    // Two of them in one cluster have nothing in common that one could take from the other.
    const names = (all: readonly Manifest[]) =>
      all.map(({ kind, metadata }) => [kind, metadata.namespace ?? '', metadata.name].join());
    const first = new Set([...names(await built(kubectl.path, 'base')), ...names(await built(kubectl.path, place))]);
    assert.deepEqual(
      names(second).filter((name) => first.has(name)),
      [],
    );
  });

test("manifests: with the component for one namespace, an agent that discovers has nothing that is the whole cluster's", async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const component = 'components: [HERE/components/namespaced]';
  for (const [place, namespace, ...lines] of [
    ['base', 'bothways'],
    ['base', 'team', 'namespace: team'],
    ['overlays/sharded', 'team', 'namespace: team', 'nameSuffix: -x'],
    ['agent', 'team', 'namespace: team', 'nameSuffix: -x'],
  ] as const) {
    const all = await built(kubectl.path, place, component, ...lines);
    assertBound(all, namespace);
    assert.deepEqual(
      kindsOf(all).filter((kind) => /Role|Namespace/.test(kind)),
      ['Role', 'RoleBinding'],
    );
    for (const object of all) new (models[object.kind] ?? assert.fail(object.kind))(object).validate();
    assert.equal(all.find(({ kind }) => kind === 'ServiceAccount').automountServiceAccountToken, true);
  }
});

test("manifests: discovery and the PodMonitor can be added to an agent of one's own", async (t) => {
  const kubectl = await needs(t, 'kubectl');
  if (kubectl === undefined) return;
  const components = 'components: [HERE/components/discovery, HERE/components/podmonitor]';
  const all = await built(kubectl.path, 'agent', components, 'namespace: team');
  assertBound(all, 'team');
  assert.deepEqual(
    kindsOf(all).filter((kind) => /Role|Monitor/.test(kind)),
    ['ClusterRole', 'ClusterRoleBinding', 'PodMonitor'],
  );
});

for (const component of ['discovery', 'namespaced'])
  for (const withPods of [false, true])
    test(`manifests: the role of components/${component} allows exactly what discovery reads, ${withPods ? 'with' : 'but for'} Pods`, async (t) => {
      const kubectl = await needs(t, 'kubectl');
      if (kubectl === undefined) return;
      const components = [component, ...(withPods ? ['pods'] : [])].map((name) => `HERE/components/${name}`);
      const all = await built(kubectl.path, 'agent', `components: [${components.join()}]`, 'nameSuffix: -x');
      const roles = all.filter(({ kind }) => /^(?:Cluster)?Role$/.test(kind));
      assert.equal(roles.length, 1);
      const allowed = roles[0].rules.flatMap(({ apiGroups, resources, verbs: may }: Manifest) => {
        assert.deepEqual(may, [...verbs]);
        return apiGroups.flatMap((group: string) => resources.map((resource: string) => `${group}/${resource}`));
      });
      const needed = Object.entries(resourcesOf)
        .filter(([kind]) => withPods || kind !== 'pod')
        .flatMap(([, all]) => all.map(({ group, resource }) => `${group}/${resource}`));
      assert.equal(new Set(needed).has('/pods'), withPods);
      assert.deepEqual([...allowed].sort(), [...new Set(needed)].sort());
    });

test('manifests: the list of base has no kinds that its role does not allow', async () => {
  const { discover } = parse(await readFile(`${folder}/base/bothways.yml`, 'utf8'));
  assert.ok(discover.kubernetes.length > 0);
  for (const { kinds } of discover.kubernetes) assert.ok(!kinds.includes('pod'));
});
