import { isSecretRef } from '../config/secrets.ts';
import type { Check } from '../kernel/check.ts';
import { formatDuration } from '../kernel/duration.ts';

/** One thing that is not as it was: a target, which of its settings, and its values as text. Secrets are references. */
export type ListChange = {
  readonly what: 'added' | 'removed' | 'changed';
  readonly target: string;
  /** Path of the setting, for a target that changed. */
  readonly key?: string;
  readonly before?: string;
  readonly after?: string;
};

/** What differs between two compiled lists, target by target in the order of their names, and setting by setting. */
export const listChanges = (before: readonly Check[], after: readonly Check[]): readonly ListChange[] => {
  const [old, now] = [byTarget(before), byTarget(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((target): ListChange[] => {
    const [was, is] = [old.get(target), now.get(target)];
    if (was === undefined) return [{ what: 'added', target }];
    if (is === undefined) return [{ what: 'removed', target }];
    return settingChanges(target, was, is);
  });
};

const byTarget = (checks: readonly Check[]): ReadonlyMap<string, readonly Check[]> => {
  const found = new Map<string, Check[]>();
  for (const check of checks) {
    const known = found.get(check.target.name);
    if (known === undefined) found.set(check.target.name, [check]);
    else known.push(check);
  }
  return found;
};

const settingChanges = (target: string, before: readonly Check[], after: readonly Check[]): ListChange[] => {
  const [was, is] = [settingsOf(before), settingsOf(after)];
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((key): ListChange[] => {
    const [old, now] = [was.get(key), is.get(key)];
    if (old === now) return [];
    return [
      {
        what: 'changed',
        target,
        key,
        ...(old !== undefined && { before: old }),
        ...(now !== undefined && { after: now }),
      },
    ];
  });
};

/** All that a target's checks say, as paths and texts. Its vantages are one setting, `from`. */
const settingsOf = (checks: readonly Check[]): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  const own = (instance: string) => checks.filter((check) => check.instance === instance);
  const instances = [...new Set(checks.map(({ instance }) => instance))];
  for (const instance of instances) {
    const [check] = own(instance);
    if (check === undefined) continue;
    const { target, module } = check;
    const { name: _, address, intervalMs, ...rest } = target;
    const start = instances.length === 1 ? '' : `${instance}.`;
    const vantages = own(instance).map(({ vantage }) => vantage.name);
    const flat = {
      target: instance,
      address,
      interval: formatDuration(intervalMs),
      timeout: formatDuration(module.timeoutMs),
      module: module.name,
      [module.prober]: module.settings,
      from: vantages.sort().join(', '),
      ...rest,
    };
    flatten(flat, start, found);
  }
  return found;
};

const flatten = (value: object, start: string, into: Map<string, string>): void => {
  for (const [key, one] of Object.entries(value)) {
    if (one === undefined) continue;
    if (isSecretRef(one)) into.set(start + key, `\${${one.secret}}`);
    else if (typeof one === 'object' && one !== null && !Array.isArray(one)) flatten(one, `${start}${key}.`, into);
    else into.set(start + key, typeof one === 'string' ? one : JSON.stringify(one));
  }
};
