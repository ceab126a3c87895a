import { wishesOf } from './annotations.ts';
import { type Finds, type Found, nothing, type Remark } from './found.ts';
import type { Metadata, ProbeObject } from './objects.ts';
import { originOf } from './routes.ts';

/** What an Ingress gives, and what it is selected by. */
export type Selectable = Pick<Metadata, 'namespace' | 'labels'> & { readonly finds: Finds };

/** What a Probe is read with: Ingresses that are seen, where, and the module of the block for what names none. */
export type ProbeScope = {
  readonly ingresses: readonly Selectable[];
  readonly namespaces?: readonly string[] | undefined;
  readonly module?: string | undefined;
};

/**
 * The targets of a Probe object of prometheus-operator: its static ones, else those of the Ingresses that it selects. Its `prober` is
 * not asked, since we probe ourselves; relabelling is not done, and said.
 */
export const probeFinds = ({ metadata, spec }: ProbeObject, scope: ProbeScope): Finds => {
  const origin = originOf('Probe', metadata);
  const wishes = wishesOf(metadata, origin);
  if (wishes.skip) return nothing;
  const remarks: Remark[] = [...wishes.remarks];
  const remark = (why: string) => void remarks.push({ origin, why });
  const { staticConfig, ingress: unlessFixed } = spec.targets;
  if (staticConfig !== undefined && unlessFixed !== undefined)
    remark('it has staticConfig and ingress; only its staticConfig is used, as prometheus-operator does');
  const ingress = staticConfig === undefined ? unlessFixed : undefined;
  if ((staticConfig?.relabelingConfigs.length ?? 0) + (ingress?.relabelingConfigs.length ?? 0) > 0)
    remark('its relabelingConfigs are not applied');
  const { module, interval, scrapeTimeout: timeout, jobName: job } = spec;
  const common = {
    ...(module === undefined ? {} : { module }),
    ...(interval === undefined ? {} : { interval }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(job === undefined ? {} : { job }),
  };
  const own = { namespace: metadata.namespace, probe: metadata.name };
  const labels = Object.fromEntries(
    Object.entries(staticConfig?.labels ?? {}).filter(([key]) => !key.startsWith('__')),
  );
  const found: Found[] = (staticConfig?.static ?? []).map((target) => ({
    origin,
    entry: { ...placeOf(target, module ?? scope.module), labels: { ...labels, ...own }, ...common },
  }));
  const selected =
    ingress === undefined ? [] : scope.ingresses.filter((one) => isSelected(one, ingress, metadata.namespace));
  if (ingress !== undefined) for (const why of notSelected(ingress, metadata.namespace, selected, scope)) remark(why);
  for (const { finds } of selected) {
    remarks.push(...finds.remarks);
    for (const { entry } of finds.found) {
      const { namespace, ...rest } = { ...(entry.labels as Readonly<Record<string, string>>) };
      found.push({ origin, entry: { ...entry, ...common, labels: { ...rest, ...own, namespace: namespace ?? '' } } });
    }
  }
  return { found, remarks };
};

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
