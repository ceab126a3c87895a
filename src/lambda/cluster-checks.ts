import { allowedFor, clusterCheckProblem, shapedCheck } from '../config/from-cluster.ts';
import { checkLabels } from '../config/labels.ts';
import type { Packed } from '../config/packed.ts';
import type { References } from '../config/references.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check, Vantage } from '../kernel/check.ts';

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
};

/**
 * The checks of a cluster's object that a function takes. Whoever may write the object is trusted with nothing but which public
 * hosts are probed under the cluster's own name: vantage, receivers and labels of identity are those of the stage's list, secrets
 * those that its targets refer to as well. Of too many targets the first by name are taken.
 */
export const takenFrom = (
  checks: readonly unknown[],
  { cluster, own, vantage, probers, mostTargets }: TakenParts,
): Taken => {
  const ours = own.vantages.find(({ name }) => name === vantage);
  const written = own.checks.filter((check) => check.vantage.name === vantage);
  const allowed = allowedFor(written, own.endpoints);
  const names = new Set(own.checks.map(({ target }) => target.name));
  const good = new Map<string, Check>();
  const refused: { readonly name: string; readonly why: string }[] = [];
  for (const check of checks) {
    const read = readCheck(check, { cluster, own, ours, allowed, probers });
    if (!read.ok) refused.push(read);
    // A target that was taken into the list is the list's.
    else if (!names.has(read.check.target.name)) {
      const key = JSON.stringify([read.check.target.name, read.check.instance]);
      if (good.has(key)) refused.push({ name: shown(read.check.target.name), why: 'it is there twice' });
      else good.set(key, read.check);
    }
  }
  // Shards are made for so many checks, so it is those that are counted.
  const taken = [...good]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, mostTargets)
    .map(([, check]) => check);
  const above = good.size - taken.length;
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
  readonly allowed: References;
};

type Read =
  | { readonly ok: true; readonly check: Check }
  | { readonly ok: false; readonly name: string; readonly why: string };

const readCheck = (value: unknown, { cluster, own, ours, allowed, probers }: Around): Read => {
  const read = shapedCheck(value);
  if (read === undefined) return { ok: false, name: 'one', why: 'it is no check' };
  const { target, module, vantage, ...rest } = read;
  const refuse = (why: string): Read => ({ ok: false, name: shown(target.name), why });
  if (ours === undefined || vantage.name !== ours.name) return refuse('it is for another vantage');
  const prober = Object.hasOwn(probers, module.prober) ? probers[module.prober] : undefined;
  const settings = prober?.settings.safeParse(module.settings);
  if (prober === undefined || settings?.success !== true) return refuse('this version cannot read its settings');
  const check: Check = {
    ...rest,
    target,
    module: { ...module, settings: settings.data },
    vantage: ours,
    publicOnly: true,
  };
  const problem = clusterCheckProblem(check, { cluster, allowed, probers });
  if (problem !== undefined) return refuse(problem);
  return {
    ok: true,
    check: { ...check, labels: checkLabels(own.externalLabels, prober, rest.labels.job ?? 'bothways', check) },
  };
};

/** A name as it can stand in a log, whoever chose it. */
const shown = (name: string): string => name.replaceAll(/\p{Cc}/gu, ' ').slice(0, 200);
