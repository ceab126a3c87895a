import { methodOf, safeMethods } from '../config/from-cluster.ts';
import type { Check } from '../kernel/check.ts';
import { formatDuration, parseDuration } from '../kernel/duration.ts';
import type { ChoosableModules } from './choosable-modules.ts';
import type { Found } from './found.ts';

/** What a block allows to those who write its objects, each in a namespace. */
export type Tenancy = {
  /** Targets of one namespace. */
  readonly share: number;
  readonly minInterval: string;
  readonly expressions: boolean;
  readonly jobs: boolean;
  /** What the names of the targets begin with, if not with the namespace: there are objects of several clusters. */
  readonly cluster: string;
};

/** The longest time limit that an object may choose, in milliseconds: a run holds a socket for as long. */
const mostTimeoutMs = 60_000;

/** Labels that say which object a target was made of. Only we set them. */
export const objectLabels: ReadonlySet<string> = new Set([
  'namespace',
  'ingress',
  'ingress_namespace',
  'httproute',
  'service',
  'pod',
  'probe',
]);

/**
 * What is left of a target when its object has asked for more than the block allows; `remark` takes why. `taken` are labels of the
 * list and of the block: an object does not replace those, since alerts are routed by them.
 */
export const asAllowed = (
  one: Found,
  { minInterval, expressions, jobs }: Tenancy,
  taken: ReadonlySet<string>,
  remark: (why: string) => void,
): Found => {
  const { labels, job, interval, timeout, http, tcp, ...rest } = one.entry;
  const entry: Record<string, unknown> & { readonly target: string } = rest;
  const given = typeof labels === 'object' && labels !== null ? Object.entries(labels) : [];
  const kept = given.filter(([name]) => objectLabels.has(name) || !taken.has(name));
  if (kept.length < given.length) {
    const names = given.filter((pair) => !kept.includes(pair)).map(([name]) => name);
    remark(`the label ${names.join(', ')} is set by the list; that of the object is not used`);
  }
  entry.labels = Object.fromEntries(kept);
  if (jobs && job !== undefined) entry.job = job;
  else if (job !== undefined) remark('objects may not set the label job here; write `jobs: true` if they may');
  if (interval !== undefined) {
    const [asked, least] = [String(interval), parseDuration(minInterval) ?? 0];
    const isShort = (parseDuration(asked) ?? least) < least;
    if (isShort) remark(`its interval ${asked} is below ${formatDuration(least)}, which is used; see \`min_interval\``);
    entry.interval = isShort ? minInterval : interval;
  }
  if (timeout !== undefined) {
    const isLong = (parseDuration(String(timeout)) ?? 0) > mostTimeoutMs;
    if (isLong) remark(`its timeout ${timeout} is above ${formatDuration(mostTimeoutMs)}, which is used`);
    entry.timeout = isLong ? formatDuration(mostTimeoutMs) : timeout;
  }
  if (expressions) Object.assign(entry, http === undefined ? {} : { http }, tcp === undefined ? {} : { tcp });
  else if (http !== undefined || tcp !== undefined)
    remark('bothways.io/expect is ignored; write `expressions: true` into the block if objects may compare contents');
  return { ...one, entry };
};

/**
 * Why a module is not for a target that was found: it asks a host to change something, and objects choose the host. `undefined` if it
 * asks by GET or HEAD, or where the block names it.
 */
export const methodRefusal = (
  { name, modules, defaults }: Block,
  { name: module, settings }: Check['module'],
): string | undefined => {
  const method = methodOf(settings);
  if (safeMethods.has(method)) return undefined;
  if (modules === 'any' || defaults.module === module || (Array.isArray(modules) && modules.includes(module)))
    return undefined;
  return `module: ${module} asks by ${method}, which may change something; write it into \`modules\` of ${name} if that is meant`;
};

type Block = {
  readonly name: string;
  readonly modules?: ChoosableModules;
  readonly defaults: { readonly module?: string | undefined };
};
