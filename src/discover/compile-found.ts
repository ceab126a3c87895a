import type * as z from 'zod';
import { compile } from '../config/compile.ts';
import { addIssues } from '../config/issues.ts';
import { type Finding, findings } from '../config/problem.ts';
import { shapeOf } from '../config/shape.ts';
import { type List, listSchema, type ProberTable } from '../config/schema.ts';
import { shortName } from '../config/place.ts';
import type { Check } from '../kernel/check.ts';
import type { Found, Remark } from './found.ts';

/** What was found by one block of the list, with what that block says for all. */
export type FoundBlock = {
  readonly name: string;
  readonly found: readonly Found[];
  readonly maxTargets: number;
  readonly defaults: List['groups'][number]['defaults'];
  readonly labels: Readonly<Record<string, string>>;
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
 * Compiles what was found as if it stood in the list, behind what does stand there: a name that the list has wins, of two that are
 * found the first by name of its object. What the list would refuse is left out with the same words, and harms nothing else. Texts
 * that were found are never read as secrets.
 */
export const compileFound = (list: List, blocks: readonly FoundBlock[], probers: ProberTable): CompiledFound => {
  const remarks = new Map<string, Remark>();
  const above = new Map<string, number>();
  const counts = new Map<string, number>();
  const checks: Check[] = [];
  const good: Written[] = [];
  const remark = (one: Remark) => void remarks.set(`${one.origin}: ${one.why}`, one);
  const owners = new Map<string, string>(namesOf(list).map((name) => [name, 'the list']));
  const schema = listSchema(probers);
  for (const block of blocks) {
    const kept = keptOf(block, owners, remark);
    if (kept.length > block.maxTargets) above.set(block.name, kept.length - block.maxTargets);
    const last = Math.min(kept.length, block.maxTargets);
    const targets: Found['entry'][] = [];
    for (let from = 0; from < last; from += portionSize) {
      const portion = kept.slice(from, Math.min(from + portionSize, last));
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

/** What a block found under names that nobody has yet, which it owns from then on. */
const keptOf = ({ found }: FoundBlock, owners: Map<string, string>, remark: (one: Remark) => void): Found[] => {
  const kept: Found[] = [];
  for (const one of found.toSorted((a, b) => compareTexts(a.origin, b.origin))) {
    const { origin, entry } = one;
    const name = typeof entry.name === 'string' ? entry.name : shortName(entry.target);
    const owner = owners.get(name);
    // The same target written by hand is what people mean by taking it into the list.
    if (owner === 'the list') continue;
    if (owner !== undefined) remark({ origin, why: `${name} is a target of ${owner} already` });
    else {
      owners.set(name, origin);
      kept.push(one);
    }
  }
  return kept;
};

/** A group as it would stand in a list. */
type Written = Pick<FoundBlock, 'name' | 'defaults' | 'labels'> & { readonly targets: readonly Found['entry'][] };

const writtenAs = ({ name, defaults, labels }: FoundBlock, targets: readonly Found['entry'][]): Written => ({
  name,
  defaults,
  labels,
  targets,
});

type Around = {
  readonly list: List;
  readonly block: FoundBlock;
  readonly schema: ReturnType<typeof listSchema>;
  readonly probers: ProberTable;
  readonly remark: (one: Remark) => void;
};

/** Compiles some of a block's targets; again without those that the list would refuse, until nothing is wrong with them. */
const compilePortion = (
  { list, block, schema, probers, remark }: Around,
  portion: readonly Found[],
): { readonly checks: readonly Check[]; readonly kept: readonly Found[] } => {
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
    if (problems.length === 0) return { checks: compiled?.checks ?? [], kept };
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

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
