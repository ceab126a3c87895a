import type * as z from 'zod';
import { compile } from '../config/compile.ts';
import { addIssues } from '../config/issues.ts';
import { type Finding, findings } from '../config/problem.ts';
import { type List, listSchema, type ProberTable } from '../config/schema.ts';
import { shapeOf } from '../config/shape.ts';
import type { Check } from '../kernel/check.ts';
import type { Found } from './found.ts';

/** What of a block holds for all its targets, as a group of a list says it. */
export type GroupParts = {
  readonly name: string;
  readonly defaults: List['groups'][number]['defaults'];
  readonly labels: Readonly<Record<string, string>>;
};

/** A group as it would stand in a list. */
export type Written = GroupParts & { readonly targets: readonly Found['entry'][] };

/** The group of some targets. The side that a block says takes precedence over what its objects seem to say. */
export const writtenAs = ({ name, defaults, labels }: GroupParts, targets: readonly Found['entry'][]): Written => ({
  name,
  defaults,
  labels,
  targets: defaults.side === undefined ? targets : targets.map(({ side: _, ...entry }) => entry),
});

/** The checks of each target, or why it has none. `general` is what is wrong with none of them in particular. */
export type Portion = {
  readonly results: readonly { readonly checks: readonly Check[]; readonly why?: string }[];
  readonly general: readonly string[];
};

/**
 * Compiles some targets of a block as if a list had them, each under its number as a name. Again without those that the list would
 * refuse, until nothing is wrong with the others.
 */
export const compilePortion = (
  list: List,
  block: GroupParts,
  entries: readonly Found['entry'][],
  probers: ProberTable,
): Portion => {
  const schema = listSchema(probers);
  const why = new Map<number, string>();
  const resultsOf = (checks: ReadonlyMap<string, Check[]>) =>
    entries.map((_, index) => {
      const problem = why.get(index);
      return { checks: checks.get(String(index)) ?? [], ...(problem === undefined ? {} : { why: problem }) };
    });
  for (let kept = entries.map((_, index) => index); kept.length > 0; ) {
    const targets = kept.flatMap((index) => {
      const entry = entries[index];
      return entry === undefined ? [] : [{ ...entry, name: String(index) }];
    });
    const written = [writtenAs(block, targets)];
    const shaped = schema.safeParse({ version: 1, groups: written });
    const compiled = shaped.success
      ? compile({ ...list, targets: [], groups: shaped.data.groups }, probers, Number.POSITIVE_INFINITY)
      : undefined;
    const problems = compiled?.problems ?? shapeProblems(shaped.error?.issues ?? [], written, schema);
    if (compiled !== undefined && problems.length === 0) {
      const checks = new Map<string, Check[]>();
      for (const check of compiled.checks) {
        const own = checks.get(check.target.name);
        if (own === undefined) checks.set(check.target.name, [check]);
        else own.push(check);
      }
      return { results: resultsOf(checks), general: [] };
    }
    const before = why.size;
    for (const { path, message } of problems) {
      const [, , , position] = path;
      const index = typeof position === 'number' ? kept[position] : undefined;
      if (index !== undefined && !why.has(index)) why.set(index, sentenceAt(path.slice(4), message));
    }
    if (why.size === before)
      return { results: resultsOf(new Map()), general: [...new Set(problems.map(({ message }) => message))] };
    kept = kept.filter((index) => !why.has(index));
  }
  return { results: resultsOf(new Map()), general: [] };
};

const shapeProblems = (issues: readonly z.core.$ZodIssue[], groups: unknown, schema: z.ZodType): readonly Finding[] => {
  const found = findings(Number.POSITIVE_INFINITY);
  addIssues(issues, { groups }, shapeOf(schema), found.add);
  return found.all;
};

const sentenceAt = (path: readonly PropertyKey[], why: string): string =>
  path.length === 0 ? why : `${path.map(String).join('.')}: ${why}`;
