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

/** The checks of what was found, at all vantages, the targets as the list would have them, and what was left out. */
export type CompiledFound = {
  readonly checks: readonly Check[];
  readonly groups: List['groups'];
  readonly remarks: readonly Remark[];
  /** Targets left out because a block has too many, by block. */
  readonly above: ReadonlyMap<string, number>;
};

type Kept = { readonly origin: string; readonly name: string; readonly entry: Found['entry'] };

/**
 * Compiles what was found as if it stood in the list, behind what does stand there: a name that the list has wins, of two that are
 * found the first by name of its object. What the list would refuse is left out with the same words, and harms nothing else. Texts
 * that were found are never read as secrets.
 */
export const compileFound = (list: List, blocks: readonly FoundBlock[], probers: ProberTable): CompiledFound => {
  const remarks: Remark[] = [];
  const above = new Map<string, number>();
  const owners = new Map<string, string>(namesOf(list).map((name) => [name, 'the list']));
  let groups = blocks.map(({ name, found, maxTargets, defaults, labels }) => {
    const kept: Kept[] = [];
    let left = 0;
    for (const { origin, entry } of found.toSorted((a, b) => compareTexts(a.origin, b.origin))) {
      const own = typeof entry.name === 'string' ? entry.name : shortName(entry.target);
      const owner = owners.get(own);
      // The same target written by hand is what people mean by taking it into the list.
      if (owner !== undefined) {
        if (owner !== 'the list') remarks.push({ origin, why: `${own} is a target of ${owner} already` });
      } else if (kept.length >= maxTargets) left += 1;
      else {
        owners.set(own, origin);
        kept.push({ origin, name: own, entry });
      }
    }
    if (left > 0) above.set(name, left);
    return { name, defaults, labels, kept };
  });
  for (;;) {
    const written = groups.map(({ name, defaults, labels, kept }) => ({
      name,
      defaults,
      labels,
      targets: kept.map(({ entry }) => entry),
    }));
    const bad = new Map<string, { readonly group: number; readonly index: number; readonly why: string }>();
    const refuse = (path: readonly PropertyKey[], why: string) => {
      const [, group, , index] = path;
      if (typeof group !== 'number' || typeof index !== 'number') return false;
      const key = `${group} ${index}`;
      if (!bad.has(key)) bad.set(key, { group, index, why: sentenceAt(path.slice(4), why) });
      return true;
    };
    const schema = listSchema(probers);
    const shaped = schema.safeParse({ version: 1, groups: written });
    const compiled = shaped.success
      ? compile({ ...list, targets: [], groups: shaped.data.groups }, probers, Number.POSITIVE_INFINITY)
      : undefined;
    const problems = compiled?.problems ?? shapeProblems(shaped.error?.issues ?? [], written, schema);
    const ofTargets = problems.filter(({ path, message }) => refuse(path, message)).length;
    if (compiled !== undefined && (problems.length === 0 || ofTargets === 0)) {
      const { checks } = compiled;
      return { checks: problems.length === 0 ? checks : [], groups: shaped.data?.groups ?? [], remarks, above };
    }
    if (ofTargets === 0) return { checks: [], groups: [], remarks: [...remarks, ...problems.map(ofBlock)], above };
    for (const { group, index, why } of bad.values())
      remarks.push({ origin: groups[group]?.kept[index]?.origin ?? '', why });
    groups = groups.map(({ kept, ...rest }, group) => ({
      ...rest,
      kept: kept.filter((_, index) => !bad.has(`${group} ${index}`)),
    }));
  }
};

const shapeProblems = (issues: readonly z.core.$ZodIssue[], groups: unknown, schema: z.ZodType): readonly Finding[] => {
  const found = findings(Number.POSITIVE_INFINITY);
  addIssues(issues, { groups }, shapeOf(schema), found.add);
  return found.all;
};

const ofBlock = ({ message }: { readonly message: string }): Remark => ({ origin: 'discover', why: message });

const sentenceAt = (path: readonly PropertyKey[], why: string): string =>
  path.length === 0 ? why : `${path.map(String).join('.')}: ${why}`;

const namesOf = (list: List): string[] =>
  [...list.targets, ...list.groups.flatMap(({ targets }) => targets)].map((target) =>
    typeof target === 'string' ? shortName(target) : (target.name ?? shortName(target.target)),
  );

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
