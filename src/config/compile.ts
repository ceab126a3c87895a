import type { Check, Labels, Module, Target, Vantage } from '../kernel/check.ts';
import { parseDuration } from '../kernel/duration.ts';
import type { Prober } from '../net/prober.ts';
import { nearest } from '../protocol/nearest.ts';
import { withAuthorities } from './authorities.ts';
import { clustersOf } from './aws.ts';
import { checkDiscover } from './check-discover.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointsOf } from './endpoints.ts';
import { isLinkLocal, isMetadata } from './hosts.ts';
import { type IntervalRules, intervalRules } from './interval-rules.ts';
import { addIssues } from './issues.ts';
import { checkLabels, targetLabelProblem } from './labels.ts';
import { type Modules, moduleTable } from './modules.ts';
import { checkPlaintext } from './plaintext.ts';
import { type Finding, findings, type Path, pathText, quoted } from './problem.ts';
import type { List, ProberTable } from './schema.ts';
import { type Selection, selector, unmatchedText } from './selectors.ts';
import { shapeOf } from './shape.ts';
import { type Add, type Chosen, type Item, itemsOf, nameOf, type Wanted, wantedOf } from './target.ts';
import { timeLimit } from './time-limit.ts';
import { vantageProblem } from './vantage-rules.ts';
import { vantagesOf, vpcOf } from './vantages.ts';
import { checkVariables } from './variables.ts';

/** A list turned into what the rest of the program deals in. With problems the rest is incomplete and must not be used. */
export type Compiled = {
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
  readonly vantages: readonly Vantage[];
  readonly warnings: readonly Finding[];
  readonly problems: readonly Finding[];
  /** How many problems were left out. */
  readonly more: number;
  /** Modules that cannot be used and that a target uses all the same. */
  readonly usedBroken: readonly string[];
};

/**
 * Compiles a list into one check per target (and `also`) and vantage, with all labels and settings, and finds what is wrong
 * with it beyond the schema. Pure; linear in the number of checks.
 */
export const compile = (list: List, probers: ProberTable, mostProblems?: number): Compiled => {
  const problems = findings(mostProblems);
  const warnings = findings();
  const vantages = vantagesOf(list, problems.add);
  const work: Work = {
    list,
    probers,
    vantages,
    modules: moduleTable(list, probers),
    select: selector(vantages),
    add: problems.add,
    warn: warnings.add,
    once: new Set(),
    names: new Map(),
    used: new Set(),
    checks: [],
    authorities: withAuthorities(list.ca_file),
    intervals: intervalRules(problems.add),
  };
  const wanted = wantedOf(list);
  if (vantages.length > 0) for (const one of wanted) compileTarget(one, work);
  else if (!wanted.next().done) problems.add(['vantages'], noVantage);
  work.intervals.warn(warnings.add);
  checkInside(list, work);
  checkDiscover(list, work);
  const result = (): Compiled => ({
    checks: work.checks,
    endpoints,
    vantages,
    warnings: warnings.all,
    problems: problems.all,
    more: problems.more(),
    usedBroken: work.modules.usedBroken(),
  });
  checkPlaintext(list, probers, warnings.add);
  const endpoints = endpointsOf(list, work.select, vantages, problems.add, warnings.add);
  checkVariables({ vantages, checks: work.checks, endpoints }, problems.add);
  // What is discovered, or what clusters publish, may be all that there is, or all that a vantage probes.
  const hears = clustersOf(list.aws).length > 0;
  if (list.discover !== undefined) return result();
  if (work.names.size === 0 && !hears) warnings.add([], 'the list has no targets');
  else if (problems.all.length === 0) {
    for (const { name, kind } of vantages)
      if (!work.used.has(name) && !(hears && kind === 'lambda')) problems.add(['vantages', name], unused);
  }
  return result();
};

const noVantage = 'the list has targets and no vantage; write for example `vantages: { laptop: { kind: agent } }`';
const unused = 'no target is probed from this vantage; name it in a `from`, or take it out';

type Work = {
  readonly list: List;
  readonly probers: ProberTable;
  readonly vantages: readonly Vantage[];
  readonly modules: Modules;
  readonly select: (from: readonly string[]) => Selection;
  readonly add: Add;
  readonly warn: Add;
  /** Places of defaults that were complained about already. */
  readonly once: Set<string>;
  readonly names: Map<string, { readonly path: Path; readonly side: Chosen['side'] }>;
  readonly used: Set<string>;
  readonly checks: Check[];
  readonly authorities: <T>(settings: T) => T;
  readonly intervals: IntervalRules;
};

const compileTarget = (wanted: Wanted, work: Work): void => {
  const read = itemsOf(wanted, work);
  if (read === undefined) return;
  const { chosen, items } = read;
  const name = nameOf(wanted);
  const before = work.names.get(name);
  if (before !== undefined) {
    const at = wanted.entry.name === undefined ? wanted.path : [...wanted.path, 'name'];
    work.add(at, `the name ${quoted(name)} is used twice; write another \`name:\``, before.path);
    return;
  }
  work.names.set(name, { path: wanted.path, side: chosen.side });
  const vantages = vantagesFor(wanted, chosen, work);
  const instances = new Map<string, Path>();
  for (const [index, item] of items.entries()) {
    const twin = instances.get(item.instance);
    if (twin !== undefined) {
      const message = `a second check with the instance ${quoted(item.instance)}; write another \`instance:\``;
      work.add(item.path, message, twin);
    } else {
      instances.set(item.instance, item.path);
      compileItem(item, index, { wanted, chosen, name, vantages }, work);
    }
  }
};

type Around = {
  readonly wanted: Wanted;
  readonly chosen: Chosen;
  readonly name: string;
  readonly vantages: readonly Vantage[];
};

const compileItem = (item: Item, index: number, around: Around, work: Work): void => {
  const { place, module, intervalMs, path } = item;
  const { chosen, name } = around;
  const prober = work.probers[module.prober];
  if (prober === undefined) return;
  if (isMetadata(place.host)) work.add(path, `${quoted(place.host)} is a metadata service; those are never probed`);
  const linkLocal = around.wanted.entry.link_local === 'allow';
  if (!linkLocal && isLinkLocal(place.host))
    work.add(path, `${quoted(place.host)} is a link-local address; write \`link_local: allow\` if it is meant`);
  const labels = targetLabels(around, prober, work);
  const settings = settingsFor(item, prober, work);
  if (!settings.ok) return;
  warnOf(settings.value, item, prober, work);
  const timeoutMs = timeLimit(item, prober.usualTimeoutMs?.(settings.value));
  work.intervals.look(path, intervalMs, timeoutMs);
  const target: Target = {
    name,
    address: place.address,
    side: chosen.side,
    intervalMs,
    labels,
    profile: chosen.get('profile') ?? 'standard',
    names: chosen.get('names') ?? [],
    quorum: chosen.get('quorum') ?? (chosen.side === 'outside' ? 'majority' : 'each'),
    ...sloOf(around.wanted),
    ...(linkLocal ? { linkLocal } : {}),
  };
  const said = { name: module.name, prober: module.prober, timeoutMs, settings: settings.value };
  for (const vantage of vantagesOfItem(item, prober, said, around, work)) {
    work.used.add(vantage.name);
    work.checks.push({
      id: `${name}@${vantage.name}${index === 0 ? '' : `+${index}`}`,
      instance: item.instance,
      target,
      module: said,
      vantage,
      labels: checkLabels(work.list.external_labels, prober, chosen.get('job') ?? 'bothways', {
        instance: item.instance,
        target,
        vantage,
      }),
    });
  }
};

/** What the prober has to say of the settings, once for each module. */
const warnOf = (settings: unknown, { module, path }: Item, prober: Prober, work: Work): void => {
  for (const message of prober.remarks?.(settings) ?? []) {
    const key = `${module.name} ${message}`;
    if (work.once.has(key)) continue;
    work.once.add(key);
    work.warn(path, message);
  }
};

const sloOf = ({ entry: { slo } }: Wanted): Pick<Target, 'slo'> =>
  slo === undefined
    ? {}
    : { slo: { objective: Number((slo.objective / 100).toPrecision(12)), windowMs: parseDuration(slo.window) ?? 0 } };

/** The vantages that an item can be probed from; tells of the first one that it cannot. */
const vantagesOfItem = (
  { place, module, intervalMs, path }: Item,
  { needs }: Prober,
  { settings, timeoutMs }: Module,
  { chosen, vantages }: Around,
  work: Work,
): readonly Vantage[] => {
  const times = { intervalMs, timeoutMs };
  const wish = { host: place.host, prober: module.prober, needs, settings, ...times, private: chosen.get('private') };
  for (const vantage of vantages) {
    const entry = work.list.vantages[vantage.name];
    const problem =
      entry === undefined ? undefined : vantageProblem(wish, vantage, entry, vpcOf(work.list, vantage.name));
    if (problem === undefined) continue;
    work.add([...path, problem.key], problem.message);
    return [];
  }
  return vantages;
};

type ItemSettings = { readonly ok: true; readonly value: unknown } | { readonly ok: false };

/** The module's settings with the target's block over them. Findings point to the target, since the module alone was good. */
const settingsFor = ({ module, place, overlay, path }: Item, prober: Prober, work: Work): ItemSettings => {
  const parsed = work.modules.settings(module, place.settings, overlay);
  if (parsed.ok) return { ok: true, value: work.authorities(parsed.settings) };
  addIssues(parsed.issues, parsed.given, shapeOf(prober.settings), (at, message) =>
    work.add([...path, module.prober, ...at], message),
  );
  return { ok: false };
};

const vantagesFor = ({ path }: Wanted, chosen: Chosen, work: Work): readonly Vantage[] => {
  const from = chosen.get('from');
  if (from === undefined) return usualVantages(path, chosen.side, work);
  const { vantages, unmatched } = work.select(from);
  const at = chosen.pathOf('from');
  for (const text of unmatched) {
    const key = `${pathText(at)} ${text}`;
    if (work.once.has(key)) continue;
    work.once.add(key);
    work.add([...at, from.indexOf(text)], unmatchedText(text, work.vantages));
  }
  return vantages;
};

/** Where targets are probed from when nothing says it: the outside from Lambda (or from all, without any), the inside from agents. */
const usualVantages = (path: Path, side: Chosen['side'], { vantages, add }: Work): readonly Vantage[] => {
  const kind = side === 'outside' ? 'lambda' : 'agent';
  const usual = vantages.filter((vantage) => vantage.kind === kind);
  if (usual.length > 0) return usual;
  if (side === 'outside') return vantages;
  add(path, 'is on the inside, and the list has no vantage of kind agent; write `side: outside`, or `from:`');
  return [];
};

const targetLabels = ({ wanted, chosen }: Around, prober: Prober, work: Work): Labels => {
  const { path, entry, group } = wanted;
  const layers: readonly { readonly at: Path; readonly labels: Labels | undefined }[] = [
    { at: ['defaults', chosen.side, 'labels'], labels: work.list.defaults[chosen.side].labels },
    { at: [...(group?.path ?? []), 'defaults', 'labels'], labels: group?.entry.defaults.labels },
    { at: [...(group?.path ?? []), 'labels'], labels: group?.entry.labels },
    { at: [...path, 'labels'], labels: entry.labels },
  ];
  const labels: Record<string, string> = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer.labels ?? {})) {
      const problem = targetLabelProblem(name, prober);
      const place = pathText([...layer.at, name]);
      if (problem === undefined) labels[name] = value;
      else if (!work.once.has(place)) {
        work.once.add(place);
        work.add([...layer.at, name], problem);
      }
    }
  }
  return labels;
};

/** What a target stands on must be a target of the inside. */
const checkInside = (list: List, { names, add }: Work): void => {
  for (const { path, entry } of wantedOf(list)) {
    for (const [index, name] of (entry.inside ?? []).entries()) {
      const there = names.get(name);
      const guess = there === undefined ? nearest(name, names.keys()) : undefined;
      const hint = guess === undefined ? '' : `; did you mean ${quoted(guess)}?`;
      if (there === undefined) add([...path, 'inside', index], `no target of the name ${quoted(name)}${hint}`);
      else if (there.side === 'outside')
        add(
          [...path, 'inside', index],
          `${quoted(name)} is a target of the outside; write \`side: inside\` there`,
          there.path,
        );
    }
  }
};
