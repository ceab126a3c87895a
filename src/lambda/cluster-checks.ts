import {
  type Allowed,
  allowedFor,
  clusterCheckProblem,
  type ShapedCheck,
  shapedCheck,
} from '../config/from-cluster.ts';
import { checkLabels, withoutExternal } from '../config/labels.ts';
import type { Packed } from '../config/packed.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check, Vantage } from '../kernel/check.ts';
import { fairShare } from '../protocol/fair-share.ts';

/** What a function takes from a cluster: checks, how many it leaves out, and in a sentence why. */
export type Taken = {
  readonly checks: readonly Check[];
  readonly leftOut: number;
  readonly remark: string | undefined;
};

/** What {@link takenFrom} is given. `own` is the list of the stage, whose word goes before a cluster's. */
export type TakenParts = {
  readonly cluster: string;
  readonly own: Packed;
  readonly vantage: string;
  readonly probers: ProberTable;
  readonly mostTargets: number;
  /** Checks of the object that are not even looked at; none if not given. */
  readonly more?: number;
  /** CPU time of this process, in milliseconds; what is spent here has a bound. */
  readonly cpuMs?: () => number;
};

/** So many checks are looked at where so many targets are taken: some may be refused. */
export const mostChecks = (mostTargets: number): number => mostTargets + Math.max(200, Math.ceil(mostTargets / 4));

/** The longest settings of a module that are taken, in characters of JSON: regular expressions and bodies, each compiled or sent. */
const mostOfSettings = 16_384;

/** What looking at the checks of one object may take of the CPU, in milliseconds: many times what good ones take. */
const mostCpuMs = (mostTargets: number): number => 300 + mostTargets / 4;

/**
 * The checks of a cluster's object that a function takes. Whoever may write the object is trusted with nothing but which public
 * hosts are probed under the cluster's own name: vantage, receivers and labels of identity are those of the stage's list, secrets
 * those that its targets refer to as well. Of too many targets each namespace has an equal part, the first by name. Settings that checks
 * share are read once and stay shared. Throws the end of a sentence when that takes more than
 * 300 ms of CPU time, and a quarter of a millisecond for each target.
 */
export const takenFrom = (
  checks: readonly unknown[],
  { cluster, own, vantage, probers, mostTargets, more = 0, cpuMs = usedCpuMs }: TakenParts,
): Taken => {
  const startedAt = cpuMs();
  const settings = settingsReader(probers);
  const ours = own.vantages.find(({ name }) => name === vantage);
  const written = own.checks.filter((check) => check.vantage.name === vantage);
  const allowed = allowedFor(written, own.endpoints);
  const names = new Set(own.checks.map(({ target }) => target.name));
  const jobs = new Set(written.map(({ labels }) => labels.job));
  const good = new Map<string, Check>();
  const refused: { readonly name: string; readonly why: string }[] = [];
  for (const check of checks) {
    if (cpuMs() - startedAt > mostCpuMs(mostTargets))
      throw new Error(`takes more than ${mostCpuMs(mostTargets)} ms to read`);
    const read = readCheck(check, { cluster, own, ours, allowed, probers, jobs, settings });
    if (!read.ok) refused.push(read);
    // A target that was taken into the list is the list's.
    else if (!names.has(read.check.target.name)) {
      const key = JSON.stringify([read.check.target.name, read.check.instance]);
      if (good.has(key)) refused.push({ name: shown(read.check.target.name), why: 'it is there twice' });
      else good.set(key, read.check);
    }
  }
  // Shards are made for so many checks, so it is those that are counted.
  const sorted = [...good].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, check]) => check);
  const taken = fairShare(sorted, mostTargets, ({ target }) => target.labels.namespace ?? '');
  const above = good.size - taken.length + more;
  return {
    checks: taken,
    leftOut: refused.length + above,
    remark: remarkOn(
      cluster,
      refused,
      above === 0 ? undefined : `${above} are above the ${mostTargets} targets that it may have`,
    ),
  };
};

const remarkOn = (
  cluster: string,
  refused: readonly { readonly name: string; readonly why: string }[],
  above: string | undefined,
): string | undefined => {
  const [first] = refused;
  const why = [
    ...(first === undefined
      ? []
      : [`${first.name}: ${first.why}${refused.length > 1 ? `, and ${refused.length - 1} more` : ''}`]),
    ...(above === undefined ? [] : [above]),
  ];
  return why.length === 0 ? undefined : `not all checks of the cluster ${cluster} are taken: ${why.join('; ')}`;
};

type Around = Pick<TakenParts, 'cluster' | 'own' | 'probers'> & {
  readonly ours: Vantage | undefined;
  readonly allowed: Allowed;
  /** Jobs of targets that are written for this vantage. */
  readonly jobs: ReadonlySet<string | undefined>;
  readonly settings: SettingsReader;
};

type Read =
  | { readonly ok: true; readonly check: Check }
  | { readonly ok: false; readonly name: string; readonly why: string };

const readCheck = (value: unknown, { cluster, own, ours, allowed, probers, jobs, settings }: Around): Read => {
  const read = shapedCheck(value);
  if (read === undefined) return { ok: false, name: 'one', why: 'it is no check' };
  const { target, module, vantage, ...rest } = read;
  const refuse = (why: string): Read => ({ ok: false, name: shown(target.name), why });
  if (ours === undefined || vantage.name !== ours.name) return refuse('it is for another vantage');
  const prober = Object.hasOwn(probers, module.prober) ? probers[module.prober] : undefined;
  const known = settings(module);
  if (prober === undefined || known.why !== undefined) return refuse(known.why ?? unreadable);
  const check: Check = {
    ...rest,
    target: { ...target, labels: withoutExternal(target.labels, own.externalLabels) },
    module: { ...module, settings: known.settings },
    vantage: ours,
    reach: 'public',
  };
  const problem = clusterCheckProblem(check, { cluster, allowed, probers });
  if (problem !== undefined) return refuse(problem);
  const job = jobs.has(rest.labels.job) ? (rest.labels.job ?? usualJob) : usualJob;
  return { ok: true, check: { ...check, labels: checkLabels(own.externalLabels, prober, job, check) } };
};

const usualJob = 'bothways';

const unreadable = 'this version cannot read its settings';

type SettingsReader = (module: ShapedCheck['module']) => { readonly why?: string; readonly settings?: unknown };

/** Reads settings once for all checks that have them: a module that many share does not become many. */
const settingsReader = (probers: ProberTable): SettingsReader => {
  const known = new Map<string, Map<unknown, ReturnType<SettingsReader>>>();
  const read: SettingsReader = ({ prober, settings }) => {
    if ((JSON.stringify(settings) ?? '').length > mostOfSettings)
      return { why: `its settings are longer than ${mostOfSettings} characters` };
    const result = Object.hasOwn(probers, prober) ? probers[prober]?.settings.safeParse(settings) : undefined;
    return result?.success === true ? { settings: result.data } : { why: unreadable };
  };
  return (module) => {
    const ofProber = known.get(module.prober) ?? new Map<unknown, ReturnType<SettingsReader>>();
    known.set(module.prober, ofProber);
    const result = ofProber.get(module.settings) ?? read(module);
    ofProber.set(module.settings, result);
    return result;
  };
};

const usedCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** A name as it can stand in a log, whoever chose it. */
const shown = (name: string): string => name.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200);
