import type { PublishSettings } from '../config/discover.ts';
import { type Allowed, clusterCheckProblem, shapedCheck } from '../config/from-cluster.ts';
import { isPublicHost } from '../config/hosts.ts';
import { roughHost } from '../config/place.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check } from '../kernel/check.ts';

/** What is published: a check as the functions of a vantage are to run it, and when it was last found. */
export type Kept = { readonly check: Check; readonly seenAt: number };

/** What is known by the ids of the checks. */
export type Publication = ReadonlyMap<string, Kept>;

/** What may be published, and what may not though somebody meant it to be: the target's name, and why in a sentence. */
export type Publishable = {
  readonly checks: readonly Check[];
  readonly remarks: readonly { readonly name: string; readonly why: string }[];
};

/** What {@link publishable} goes by. `allowed` gives what checks at a vantage may refer to. */
export type PublishRules = {
  readonly publish: PublishSettings;
  readonly allowed: (vantage: string) => Allowed;
  readonly probers: ProberTable;
};

/**
 * The checks found that the functions are to run: at Lambda vantages, in the namespaces that may publish, of hosts that the world can
 * reach, under names that begin with the cluster's. Whoever may write annotations decides what is probed, so nothing else passes. Of
 * these the ones that functions would not take, or could not run, are left out with a remark.
 */
export const publishable = (
  checks: readonly Check[],
  { publish: { cluster, namespaces }, allowed, probers }: PublishRules,
): Publishable => {
  const good: Check[] = [];
  const remarks = new Map<string, string>();
  for (const check of checks) {
    const { target, vantage, labels } = check;
    if (vantage.kind !== 'lambda' || target.side !== 'outside') continue;
    // Its name says who wrote its object; files, and objects of other clusters, may have the label as well.
    const { namespace = '' } = target.labels;
    if (!namespaces.includes(namespace) || !target.name.startsWith(`${namespace}/`)) continue;
    if (!isPublicHost(roughHost(target.address))) continue;
    const name = `${cluster}/${target.name}`;
    const { reach: _, ...plain } = check;
    const named = { ...plain, id: `${cluster}/${check.id}`, target: { ...target, name }, labels: { ...labels, name } };
    const problem =
      shapedCheck(named) === undefined
        ? 'its texts are too long or its labels too many'
        : clusterCheckProblem(named, { cluster, allowed: allowed(vantage.name), probers });
    if (problem === undefined) good.push(named);
    else remarks.set(target.name, problem);
  }
  return { checks: good, remarks: [...remarks].map(([name, why]) => ({ name, why })) };
};

/** What {@link nextPublication} goes by. `isComplete` says that what was found is all that there is now. */
export type Found = {
  readonly checks: readonly Check[];
  readonly now: number;
  readonly graceMs: number;
  readonly isComplete: boolean;
  /** Targets of one namespace. */
  readonly share: number;
};

/**
 * What is to be published next: what is found, and what has vanished for less than the grace, so that a mistake in a cluster or an API
 * server that is away does not end the watch from outside. While it is not known what there is, nothing ends. Of too many targets of
 * a namespace the first by name stay; `above` counts the others.
 */
export const nextPublication = (
  before: Publication,
  { checks, now, graceMs, isComplete, share }: Found,
): { readonly publication: Publication; readonly above: number } => {
  const all = new Map(before);
  for (const check of checks) all.set(check.id, { check, seenAt: now });
  const alive = [...all].filter(([, { seenAt }]) => !isComplete || now - seenAt <= graceMs);
  const namespaces = new Map(alive.map(([, { check }]) => [check.target.name, check.target.labels.namespace ?? '']));
  const used = new Map<string, number>();
  const kept = new Set<string>();
  for (const name of [...namespaces.keys()].sort()) {
    const namespace = namespaces.get(name) ?? '';
    const count = used.get(namespace) ?? 0;
    used.set(namespace, count + 1);
    if (count < share) kept.add(name);
  }
  return {
    publication: new Map(alive.filter(([, { check }]) => kept.has(check.target.name))),
    above: namespaces.size - kept.size,
  };
};
