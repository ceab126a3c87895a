import { wishesOf } from './annotations.ts';
import { type Finds, type Found, nothing, remarksOn, together } from './found.ts';
import type { Metadata, ProbeObject } from './objects.ts';
import { originOf } from './routes.ts';
import { objectLabels } from './tenancy.ts';

/** What an Ingress gives, and what it is selected by. */
export type Selectable = Pick<Metadata, 'namespace' | 'name' | 'labels'> & { readonly finds: Finds };

/** What a Probe is read with: Ingresses that are seen, where, and the module of the block for what names none. */
export type ProbeScope = {
  readonly ingresses: readonly Selectable[];
  readonly namespaces?: readonly string[] | undefined;
  readonly module?: string | undefined;
  /** How many targets are made at most; the others are counted. */
  readonly most?: number;
};

/** Terms of a selector; it is compared with every Ingress. */
const mostTerms = 100;

/** What is kept of a Probe object: of its static targets no more than there may be of one namespace, and how many more there are. */
export const boundedProbe = (probe: ProbeObject, most: number): BoundedProbe => {
  const { staticConfig, ingress } = probe.spec.targets;
  const above = Math.max(0, (staticConfig?.static.length ?? 0) - most);
  const terms = ingress === undefined ? 0 : termsOf(ingress);
  if (above === 0 && terms <= mostTerms) return { probe, above, isUnbounded: false };
  const targets = {
    ...(staticConfig === undefined
      ? {}
      : { staticConfig: { ...staticConfig, static: staticConfig.static.slice(0, most) } }),
    ...(ingress === undefined || terms > mostTerms ? {} : { ingress }),
  };
  return { probe: { ...probe, spec: { ...probe.spec, targets } }, above, isUnbounded: terms > mostTerms };
};

/** See {@link boundedProbe}. `isUnbounded` says that its selector has too many terms, and is not used. */
export type BoundedProbe = { readonly probe: ProbeObject; readonly above: number; readonly isUnbounded: boolean };

const termsOf = ({ selector, namespaceSelector }: Selection): number =>
  Object.keys(selector.matchLabels).length +
  selector.matchExpressions.reduce((sum, { values }) => sum + 1 + values.length, 0) +
  (namespaceSelector?.matchNames.length ?? 0);

/**
 * The targets of a Probe object of prometheus-operator: its static ones, else those of the Ingresses that it selects. All of them are
 * its own, whosever the Ingress is; the namespace of another is a label. Its `prober` is ignored, since we probe ourselves; so is
 * relabelling, with a remark.
 */
export const probeFinds = (bounded: BoundedProbe | ProbeObject, scope: ProbeScope): Finds => {
  const { most = Number.POSITIVE_INFINITY } = scope;
  const { probe, above: before, isUnbounded } = 'probe' in bounded ? bounded : boundedProbe(bounded, most);
  const { metadata, spec } = probe;
  const origin = originOf('Probe', metadata);
  const remarks = remarksOn(origin, metadata.namespace);
  const wishes = wishesOf(metadata, remarks);
  if (wishes.skip) return nothing;
  const remark = remarks.add;
  if (isUnbounded) remark(`its selector has more than ${mostTerms} terms; it is not used`);
  const { staticConfig, ingress: unlessFixed } = spec.targets;
  if (staticConfig !== undefined && unlessFixed !== undefined)
    remark('it has staticConfig and ingress; only its staticConfig is used, as prometheus-operator does');
  const ingress = staticConfig === undefined ? unlessFixed : undefined;
  if ((staticConfig?.relabelingConfigs ?? 0) + (ingress?.relabelingConfigs ?? 0) > 0)
    remark('its relabelingConfigs are not applied');
  const { module, interval, scrapeTimeout: timeout, jobName: job } = spec;
  const common = {
    ...(module === undefined ? {} : { module }),
    ...(interval === undefined ? {} : { interval }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(job === undefined ? {} : { job }),
  };
  const own = { namespace: metadata.namespace, probe: metadata.name };
  const labels = labelsFrom(staticConfig?.labels ?? {}, remark);
  const tenant = metadata.namespace;
  const found: Found[] = (staticConfig?.static ?? []).map((target) => ({
    origin,
    tenant,
    entry: { ...placeOf(target, module ?? scope.module), labels: { ...labels, ...own }, ...common },
  }));
  const isOwn = ({ namespace }: Selectable): boolean => namespace === metadata.namespace;
  const chosen =
    ingress === undefined ? [] : scope.ingresses.filter((one) => isSelected(one, ingress, metadata.namespace));
  const selected = [...chosen.filter(isOwn), ...chosen.filter((one) => !isOwn(one))];
  if (ingress !== undefined) for (const why of notSelected(ingress, metadata.namespace, selected, scope)) remark(why);
  let above = before + Math.max(0, found.length - most);
  for (const one of selected) {
    const { namespace, finds } = one;
    const isForeign = !isOwn(one);
    const room = Math.max(0, most - found.length);
    above += Math.max(0, finds.found.length - room);
    for (const { entry, served } of finds.found.slice(0, room)) {
      // safe: labels of an Ingress are ours
      const { namespace: _, ...rest } = entry.labels as Readonly<Record<string, string>>;
      const labels = { ...rest, ...own, ...(isForeign ? { ingress_namespace: namespace } : {}) };
      found.push({
        origin,
        tenant,
        entry: { ...entry, ...common, labels },
        ...(served === undefined ? {} : { served }),
        ...(isForeign ? { isForeign: true as const } : {}),
      });
    }
  }
  const ofIngresses = selected.filter(isOwn).map(({ finds }) => finds);
  const all = together([remarks.with(found, above), ...ofIngresses.map((finds) => ({ ...finds, found: [] }))]);
  return { ...all, remarks: all.remarks.slice(0, mostRemarks) };
};

/** What Probe objects select, bounded for each namespace while it is selected: forty of them may choose the same thousands. */
export const probesWithin = (probes: readonly BoundedProbe[], scope: Omit<ProbeScope, 'most'>, most: number): Finds => {
  const rooms = new Map<string, number>();
  const all: Finds[] = [];
  const ingresses = [...scope.ingresses].sort(byName);
  const sorted = [...probes].sort((a, b) => (a.probe.metadata.name < b.probe.metadata.name ? -1 : 1));
  for (const one of sorted) {
    const { namespace } = one.probe.metadata;
    const room = rooms.get(namespace) ?? most;
    if (room <= 0) {
      all.push({ found: [], remarks: [], above: new Map([[namespace, 1]]) });
      continue;
    }
    const finds = probeFinds(one, { ...scope, ingresses, most: room });
    // One that selects nothing has been compared with all the same.
    rooms.set(namespace, room - Math.max(1, finds.found.length));
    all.push(finds);
  }
  return together(all);
};

const byName = (a: Selectable, b: Selectable): number =>
  a.namespace === b.namespace ? (a.name < b.name ? -1 : 1) : a.namespace < b.namespace ? -1 : 1;

/** Remarks on the Ingresses of a Probe come with its own; each of them is made again with the Ingress, where those are looked at. */
const mostRemarks = 10;

/** The labels that a Probe gives its static targets. Those that say which object it is, or name a namespace, are not for it to set. */
const labelsFrom = (labels: Readonly<Record<string, string>>, remark: (why: string) => void) =>
  Object.fromEntries(
    Object.entries(labels).filter(([key]) => {
      const isReserved = objectLabels.has(key) || /namespace$/i.test(key);
      if (isReserved) remark(`the label ${key.slice(0, 100)} is set by us; that of the object is not used`);
      return !isReserved && !key.startsWith('__');
    }),
  );

/** blackbox_exporter asks by HTTP when no module is named. The label `instance` stays what the object says. */
const placeOf = (
  target: string,
  module: string | undefined,
): { readonly target: string; readonly instance?: string } =>
  module !== undefined || target.includes('://') ? { target } : { target: `http://${target}`, instance: target };

/** What to say of a selection that is not seen, or that is empty. */
const notSelected = (
  { namespaceSelector }: Selection,
  own: string,
  selected: readonly Selectable[],
  { namespaces }: ProbeScope,
): readonly string[] => {
  const wanted = namespaceSelector?.any === true ? [] : namespacesOf(namespaceSelector, own);
  const unseen = wanted.filter((one) => namespaces?.includes(one) === false);
  if (unseen.length > 0) return [`it selects Ingresses of ${unseen.join(', ')}, which is not in \`namespaces\``];
  return selected.length > 0 ? [] : ['it selects no Ingress with a host to probe'];
};

type Selection = NonNullable<ProbeObject['spec']['targets']['ingress']>;

/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements */
const isSelected = (
  { namespace, labels }: Selectable,
  { selector, namespaceSelector }: Selection,
  own: string,
): boolean => {
  if (namespaceSelector?.any !== true && !namespacesOf(namespaceSelector, own).includes(namespace)) return false;
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value) &&
    selector.matchExpressions.every(({ key, operator, values }) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      if (operator === 'In') return value !== undefined && values.includes(value);
      return operator === 'NotIn' && (value === undefined || !values.includes(value));
    })
  );
};

const namespacesOf = (selector: Selection['namespaceSelector'], own: string): readonly string[] =>
  selector === undefined || selector.matchNames.length === 0 ? [own] : selector.matchNames;
