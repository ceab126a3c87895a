import type * as z from 'zod';
import { compile } from '../config/compile.ts';
import { most } from '../config/from-cluster.ts';
import { addIssues } from '../config/issues.ts';
import { shortName } from '../config/place.ts';
import { type Finding, findings } from '../config/problem.ts';
import { type List, listSchema, type ProberTable } from '../config/schema.ts';
import { mentionsSecret } from '../config/secrets.ts';
import { shapeOf } from '../config/shape.ts';
import type { Check } from '../kernel/check.ts';
import { type ChoosableModules, refusal } from './choosable-modules.ts';
import { distinct, fairShare, nameOf } from './distinct.ts';
import type { Found, Remark } from './found.ts';

/** What was found by one block of the list, with what that block says for all. */
export type FoundBlock = {
  readonly name: string;
  readonly found: readonly Found[];
  readonly maxTargets: number;
  readonly defaults: List['groups'][number]['defaults'];
  readonly labels: Readonly<Record<string, string>>;
  /** Those without secrets, if not set. */
  readonly modules?: ChoosableModules;
};

/** The checks of what was found, at all vantages, how many targets each block gave, and what was left out. */
export type CompiledFound = {
  readonly checks: readonly Check[];
  readonly counts: ReadonlyMap<string, number>;
  /** The targets as the list would have them, made when asked for. */
  readonly groups: () => List['groups'];
  readonly remarks: readonly Remark[];
  /** Targets left out because a block has too many, by block. */
  readonly above: ReadonlyMap<string, number>;
};

/**
 * So many targets are compiled at a time. What that takes on the way is many times what stays, and is to be gone before the next
 * ones take theirs.
 */
const portionSize = 250;

/**
 * Compiles what was found as if it stood in the list, behind what does stand there: a name that the list has is its own. What the list would refuse is left out with the same words, and harms nothing else. Texts
 * that were found are never read as secrets (a target with what looks like one is left out), and no module with secrets is taken that the block does not allow.
 */
export const compileFound = (list: List, blocks: readonly FoundBlock[], probers: ProberTable): CompiledFound => {
  const remarks = new Map<string, Remark>();
  const above = new Map<string, number>();
  const counts = new Map<string, number>();
  const checks: Check[] = [];
  const good: Written[] = [];
  const remark = ({ origin, why }: Remark) =>
    void remarks.set(`${origin}: ${why}`, { origin, why: why.slice(0, most.letters) });
  const schema = listSchema(probers);
  const first = list.discover?.publish?.namespaces ?? [];
  const named = distinct(
    blocks.map(({ found }) => found.filter((one) => isSound(one, remark))),
    { taken: namesOf(list), first, remark },
  );
  for (const [index, block] of blocks.entries()) {
    const all = named[index] ?? [];
    const kept = fairShare(all, block.maxTargets);
    if (all.length > kept.length) above.set(block.name, all.length - kept.length);
    const targets: Found['entry'][] = [];
    for (let from = 0; from < kept.length; from += portionSize) {
      const portion = kept.slice(from, from + portionSize);
      const compiled = compilePortion({ list, block, schema, probers, remark }, portion);
      for (const check of compiled.checks) checks.push(check);
      for (const { entry } of compiled.kept) targets.push(entry);
    }
    counts.set(block.name, targets.length);
    good.push(writtenAs(block, targets));
  }
  const groups = () => schema.safeParse({ version: 1, groups: good }).data?.groups ?? [];
  return { checks, counts, groups, remarks: [...remarks.values()], above };
};

/**
 * Whether the texts of a target that was found may go further. Whoever may annotate an object writes them: a long one would be in
 * every series, and what looks like a reference to a secret would be one as soon as it is printed as a list.
 */
const isSound = ({ origin, entry }: Found, remark: (one: Remark) => void): boolean => {
  const texts = textsOf(entry);
  const why = texts.some((text) => text.length > most.letters)
    ? `a text of more than ${most.letters} letters; it is left out`
    : texts.some(mentionsSecret)
      ? 'a reference to a secret is not read from what was found; it is left out'
      : undefined;
  if (why !== undefined) remark({ origin, why });
  return why === undefined;
};

/** All texts in a value, keys too. */
const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)]);
};

/** A group as it would stand in a list. */
type Written = Pick<FoundBlock, 'name' | 'defaults' | 'labels'> & { readonly targets: readonly Found['entry'][] };

const writtenAs = ({ name, defaults, labels }: FoundBlock, targets: readonly Found['entry'][]): Written => ({
  name,
  defaults,
  labels,
  // The side that a block says goes before what its objects seem to say.
  targets: defaults.side === undefined ? targets : targets.map(({ side: _, ...entry }) => entry),
});

type Around = {
  readonly list: List;
  readonly block: FoundBlock;
  readonly schema: ReturnType<typeof listSchema>;
  readonly probers: ProberTable;
  readonly remark: (one: Remark) => void;
};

type Portion = { readonly checks: readonly Check[]; readonly kept: readonly Found[] };

/** Compiles some of a block's targets; again without those that the list would refuse, until nothing is wrong with them. */
const compilePortion = ({ list, block, schema, probers, remark }: Around, portion: readonly Found[]): Portion => {
  for (let kept = portion; kept.length > 0; ) {
    const written = [
      writtenAs(
        block,
        kept.map(({ entry }) => entry),
      ),
    ];
    const shaped = schema.safeParse({ version: 1, groups: written });
    const compiled = shaped.success
      ? compile({ ...list, targets: [], groups: shaped.data.groups }, probers, Number.POSITIVE_INFINITY)
      : undefined;
    const problems = compiled?.problems ?? shapeProblems(shaped.error?.issues ?? [], written, schema);
    if (compiled !== undefined && problems.length === 0) return allowed(block, compiled.checks, kept, remark);
    const bad = new Map<number, string>();
    for (const { path, message } of problems) {
      const [, , , index] = path;
      if (typeof index === 'number' && !bad.has(index)) bad.set(index, sentenceAt(path.slice(4), message));
    }
    if (bad.size === 0) {
      for (const { message } of problems) remark({ origin: 'discover', why: message });
      break;
    }
    for (const [index, why] of bad) remark({ origin: kept[index]?.origin ?? '', why });
    kept = kept.filter((_, index) => !bad.has(index));
  }
  return { checks: [], kept: [] };
};

/** What is left without the targets whose module is not for them. */
const allowed = (
  block: FoundBlock,
  checks: readonly Check[],
  kept: readonly Found[],
  remark: (one: Remark) => void,
): Portion => {
  const byName = new Map(kept.map((one) => [nameOf(one), one]));
  const refused = new Set<string>();
  for (const { target, module } of checks) {
    const one = byName.get(target.name);
    const why = refusal(block, module, one?.entry.module !== undefined);
    if (one === undefined || why === undefined) continue;
    refused.add(target.name);
    remark({ origin: one.origin, why });
  }
  if (refused.size === 0) return { checks, kept };
  return {
    checks: checks.filter(({ target }) => !refused.has(target.name)),
    kept: kept.filter((one) => !refused.has(nameOf(one))),
  };
};

const shapeProblems = (issues: readonly z.core.$ZodIssue[], groups: unknown, schema: z.ZodType): readonly Finding[] => {
  const found = findings(Number.POSITIVE_INFINITY);
  addIssues(issues, { groups }, shapeOf(schema), found.add);
  return found.all;
};

const sentenceAt = (path: readonly PropertyKey[], why: string): string =>
  path.length === 0 ? why : `${path.map(String).join('.')}: ${why}`;

const namesOf = (list: List): string[] =>
  [...list.targets, ...list.groups.flatMap(({ targets }) => targets)].map((target) =>
    typeof target === 'string' ? shortName(target) : (target.name ?? shortName(target.target)),
  );
