import * as z from 'zod';
import type { Check, Labels } from '../kernel/check.ts';
import type { Prober } from '../net/prober.ts';
import { quoted } from './problem.ts';

const labelName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Labels as a list writes them: names as Prometheus's classic rule wants them, none that Prometheus keeps for itself. */
export const labelsText = z.record(z.string(), z.string()).superRefine((labels, context) => {
  for (const name of Object.keys(labels)) {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: [name], message });
    if (!labelName.test(name)) refuse('not the name of a label; write letters, digits and _ only');
    else if (name.startsWith('__')) refuse('labels that begin with __ are kept for Prometheus itself');
  }
});

const identity = new Set(['job', 'instance', 'name']);

/** Labels that every run's own metrics carry, such as `probe_failure_info`. */
const ofEveryRun = ['phase', 'reason'];

const carried = new WeakMap<Prober, ReadonlySet<string>>();

/** The names of all labels that a prober's metrics bring themselves. */
const labelsOf = (prober: Prober): ReadonlySet<string> => {
  const before = carried.get(prober);
  if (before !== undefined) return before;
  const names = new Set(ofEveryRun);
  for (const { labels } of Object.values(prober.metrics)) for (const name of Object.keys(labels)) names.add(name);
  carried.set(prober, names);
  return names;
};

/** Why a target cannot have this label, in a sentence; `undefined` if it can. */
export const targetLabelProblem = (name: string, prober: Prober): string | undefined => {
  if (identity.has(name))
    return `the label ${quoted(name)} is set by its own key; write \`${name}:\` beside \`labels:\``;
  if (name === 'vantage' || name.startsWith('vantage_'))
    return 'labels that begin with vantage describe the vantage; declare them there';
  if (labelsOf(prober).has(name))
    return `metrics of this prober carry a label ${quoted(name)} themselves; choose another name`;
  return undefined;
};

/** Why a vantage cannot have this label, in a sentence; `undefined` if it can. */
export const vantageLabelProblem = (name: string): string | undefined => {
  if (name === 'vantage_kind' || name === 'vantage_region') return 'is set by us; choose another name';
  return name.startsWith('vantage_') ? undefined : `labels of a vantage begin with vantage_; write vantage_${name}`;
};

/** Joins labels, later ones first in rank; empty values are no labels, and external ones yield to all and to the metrics' own. */
const joinLabels = (external: Labels, prober: Prober, ...parts: readonly Labels[]): Labels => {
  const own = labelsOf(prober);
  const labels: Record<string, string> = {};
  for (const [name, value] of Object.entries(external)) if (value !== '' && !own.has(name)) labels[name] = value;
  for (const part of parts) for (const [name, value] of Object.entries(part)) if (value !== '') labels[name] = value;
  return labels;
};

/** The labels of a target that others wrote, without those that the list sets for all: alerts are routed by them. */
export const withoutExternal = (labels: Labels, external: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => (external[name] ?? '') === ''));

/** All labels of a check's series: of the list, of who it is, of its vantage and of its target. */
export const checkLabels = (
  external: Labels,
  prober: Prober,
  job: string,
  { instance, target, vantage }: Pick<Check, 'instance' | 'target' | 'vantage'>,
): Labels =>
  joinLabels(
    external,
    prober,
    {
      job,
      instance,
      name: target.name,
      vantage: vantage.name,
      vantage_kind: vantage.kind,
      vantage_region: vantage.region ?? '',
    },
    vantage.labels,
    target.labels,
  );
