import type { Finding, Path } from './problem.ts';
import type { List } from './schema.ts';

const brokenModules = new WeakMap<List['modules'], ReadonlySet<string>>();

/** Names of modules that a list has and that cannot be used. They are not among its modules, and must not fall back to built-in ones. */
export const brokenIn = ({ modules }: List): ReadonlySet<string> => brokenModules.get(modules) ?? new Set();

/** Marks a list, and all that are made of it, as having had these modules. */
export const markBroken = ({ modules }: List, names: Iterable<string>): void =>
  void brokenModules.set(modules, new Set(names));

/** A value without its broken modules, and what is wrong with each of those. */
type Split = { readonly value: unknown; readonly broken: ReadonlyMap<string, readonly Finding[]> };

/** The name of the module that a path lies in. */
export const moduleIn = (path: Path): string | undefined =>
  path[0] === 'modules' && path.length > 1 ? String(path[1]) : undefined;

/**
 * Takes the modules that findings are about out of a list's value. A module that no target uses may be one that we cannot honour: files
 * of blackbox_exporter hold many, and one of those must not block the rest.
 */
export const withoutBroken = (value: unknown, found: readonly Finding[]): Split => {
  const broken = new Map<string, Finding[]>();
  for (const finding of found) {
    const name = moduleIn(finding.path);
    if (name === undefined) continue;
    const before = broken.get(name);
    if (before === undefined) broken.set(name, [finding]);
    else before.push(finding);
  }
  if (broken.size === 0 || typeof value !== 'object' || value === null || !('modules' in value))
    return { value, broken };
  const kept = Object.entries(value.modules ?? {}).filter(([name]) => !broken.has(name));
  return { value: { ...value, modules: Object.fromEntries(kept) }, broken };
};
