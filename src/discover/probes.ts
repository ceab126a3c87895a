import { wishesOf } from './annotations.ts';
import { type Finds, type Found, nothing, type Remark } from './found.ts';
import type { Metadata, ProbeObject } from './objects.ts';
import { originOf } from './routes.ts';

/** What an Ingress gives, and what it is selected by. */
export type Selectable = Pick<Metadata, 'namespace' | 'labels'> & { readonly finds: Finds };

/**
 * The targets of a Probe object of prometheus-operator: its static ones, and those of the Ingresses that it selects. Its `prober` is
 * not asked, since we probe ourselves; relabelling is not done, and said.
 */
export const probeFinds = ({ metadata, spec }: ProbeObject, ingresses: readonly Selectable[]): Finds => {
  const origin = originOf('Probe', metadata);
  const wishes = wishesOf(metadata, origin);
  if (wishes.skip) return nothing;
  const remarks: Remark[] = [...wishes.remarks];
  const { staticConfig, ingress } = spec.targets;
  if ((staticConfig?.relabelingConfigs.length ?? 0) + (ingress?.relabelingConfigs.length ?? 0) > 0)
    remarks.push({ origin, why: 'its relabelingConfigs are not applied' });
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
    entry: { target, labels: { ...labels, ...own }, ...common },
  }));
  const selected = ingress === undefined ? [] : ingresses.filter((one) => isSelected(one, ingress, metadata.namespace));
  for (const { finds } of selected) {
    remarks.push(...finds.remarks);
    for (const { entry } of finds.found) {
      const { namespace, ...rest } = { ...(entry.labels as Readonly<Record<string, string>>) };
      found.push({ origin, entry: { ...entry, ...common, labels: { ...rest, ...own, namespace: namespace ?? '' } } });
    }
  }
  return { found, remarks };
};

type Selection = NonNullable<ProbeObject['spec']['targets']['ingress']>;

/** @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements */
const isSelected = (
  { namespace, labels }: Selectable,
  { selector, namespaceSelector }: Selection,
  own: string,
): boolean => {
  const { any = false, matchNames = [] } = namespaceSelector ?? {};
  const namespaces = matchNames.length > 0 ? matchNames : [own];
  if (!any && !namespaces.includes(namespace)) return false;
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value) &&
    selector.matchExpressions.every(({ key, operator, values }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      if (operator === 'In') return value !== undefined && values.includes(value);
      return operator === 'NotIn' && (value === undefined || !values.includes(value));
    })
  );
};
