import { mostFoundHosts } from '../config/discover.ts';
import { roughHost, shortName } from '../config/place.ts';
import { type List, listSchema, type ProberTable } from '../config/schema.ts';
import type { Check, Target } from '../kernel/check.ts';
import { type ChoosableModules, refusal } from './choosable-modules.ts';
import { compilePortion, type GroupParts, writtenAs } from './compile-portion.ts';
import { distinct, fullNameOf, nameOf, orderOf, placeOf } from './distinct.ts';
import type { Counts, Found, Remark } from './found.ts';
import { expressionProblem, textProblem } from './found-texts.ts';
import { remarkBook } from './remark-book.ts';
import { asAllowed, methodRefusal, type Tenancy } from './tenancy.ts';

/** What was found by one block of the list, with what that block says for all. */
export type FoundBlock = GroupParts & {
  readonly found: readonly Found[];
  readonly maxTargets: number;
  /** Those without secrets, if not set. */
  readonly modules?: ChoosableModules;
  /** What those who write the objects may do; `undefined` where the list's author has written what was found. */
  readonly tenancy?: Tenancy;
  readonly remarks?: readonly Remark[];
  /** Targets, and remarks, that were counted and not kept. */
  readonly above?: Counts | undefined;
  readonly more?: Counts | undefined;
};

/** The checks of what was found, at all vantages, how many targets each block gave, and what was left out. */
export type CompiledFound = {
  readonly checks: readonly Check[];
  readonly counts: ReadonlyMap<string, number>;
  /** The targets as the list would have them, made when asked for. */
  readonly groups: () => List['groups'];
  readonly remarks: readonly Remark[];
  /** Targets left out because a namespace or a file has more than its share, by block. */
  readonly above: ReadonlyMap<string, number>;
};

/** A target on its way, and to which block and tenant it belongs. */
type Row = { readonly one: Found; readonly block: number; readonly tenant: string; readonly order: string };
type Done = Row & { readonly checks: readonly Check[] };

/** The rank of what a tenant has: what follows from objects of others comes last, else it is by block and object. */
const byRank = (a: Row, b: Row): number =>
  Number(a.one.isForeign ?? false) - Number(b.one.isForeign ?? false) ||
  a.block - b.block ||
  (a.order < b.order ? -1 : a.order > b.order ? 1 : 0);

/**
 * So many targets are compiled at a time. What that takes on the way is many times what stays, and is to be gone before the next
 * ones take theirs.
 */
const portionSize = 250;

/**
 * Compiles what was found as if it stood in the list, each tenant for itself: what a tenant gets follows from the list and its own
 * objects alone, as long as it has no more than its share. A name that the list has is its own. What the list would refuse is left out
 * with the same words, and harms nothing else. Texts that were found are never read as secrets (a target with what looks like one is
 * left out), and no module with secrets is taken that the block does not allow.
 */
export const compileFound = (list: List, blocks: readonly FoundBlock[], probers: ProberTable): CompiledFound => {
  const book = remarkBook();
  const remark = ({ origin, tenant }: Found, why: string) => book.add({ origin, why, tenant });
  const above = new Map<string, number>();
  const fromList = new Set(namesOf(list));
  const clusters = blocks.map(({ tenancy }) => tenancy?.cluster ?? '');
  const wantedOf = ({ one, block }: Row) => fullNameOf(one, clusters[block], clusters);
  const tenants = new Map<string, Row[]>();
  for (const [block, { found, tenancy, remarks = [], more, ...parts }] of blocks.entries()) {
    for (const one of remarks) book.add(one);
    book.addCounts(more);
    const lost = [...(blocks[block]?.above?.values() ?? [])].reduce((sum, count) => sum + count, 0);
    if (lost > 0) above.set(parts.name, lost);
    const taken = labelsTaken(list, parts);
    for (const raw of found) {
      const problem = textProblem(raw, tenancy !== undefined);
      if (problem !== undefined) {
        remark(raw, problem);
        continue;
      }
      const one = tenancy === undefined ? raw : asAllowed(raw, tenancy, taken, (why) => remark(raw, why));
      // Behind what the block allows: an expression that is ignored refuses nothing.
      const tooLarge = expressionProblem(one.entry);
      if (tooLarge !== undefined) {
        remark(raw, tooLarge);
        continue;
      }
      const tenant = `${tenancy?.cluster ?? ''}${one.tenant}`;
      const row = { one, block, tenant, order: orderOf(one) };
      // The same target written by hand is what people mean by taking it into the list.
      if (fromList.has(nameOf(one)) || fromList.has(wantedOf(row))) continue;
      const rows = tenants.get(tenant);
      if (rows === undefined) tenants.set(tenant, [row]);
      else rows.push(row);
    }
  }
  for (const [tenant, rows] of tenants) {
    rows.sort(byRank);
    const share = withinShare(rows, blocks);
    for (const [name, count] of share.above) {
      above.set(name, (above.get(name) ?? 0) + count);
      if (tenant !== '')
        book.add({
          origin: `namespace ${tenant}`,
          why: `${count} targets above its share are left out by ${name}; see \`max_targets_per_namespace\``,
          tenant: rows[0]?.one.tenant ?? '',
        });
    }
    tenants.set(tenant, share.kept);
  }
  const done = compileRows(tenants, { list, blocks, probers, book });
  const counts = new Map(blocks.map(({ name }) => [name, 0]));
  const checks: Check[] = [];
  const targets = blocks.map((): Found['entry'][] => []);
  for (const rows of done.values()) {
    const named = distinct(rows.toSorted(byRank), {
      foundOf: ({ one }) => one,
      nameOf: wantedOf,
      remark: ({ one }, why) => remark(one, why),
    });
    for (const { one: row, name } of named) {
      const block = blocks[row.block];
      if (block === undefined) continue;
      const reach = block.tenancy === undefined ? undefined : `${block.name}/${row.one.tenant}`;
      for (const check of calledBy(row.checks, name, reach)) checks.push(check);
      targets[row.block]?.push({ ...row.one.entry, name });
      counts.set(block.name, (counts.get(block.name) ?? 0) + 1);
    }
  }
  for (const { name, maxTargets, tenancy } of blocks) {
    const count = counts.get(name) ?? 0;
    if (tenancy !== undefined && count > maxTargets)
      book.add({
        origin: 'discover',
        why: `${name} has ${count} targets, more than \`max_targets\` ${maxTargets}; none is left out, since each namespace keeps its share: write \`namespaces\`, or a smaller \`max_targets_per_namespace\``,
      });
  }
  const groups = () => {
    const written = blocks.map((block, index) => writtenAs(block, targets[index] ?? []));
    return listSchema(probers).safeParse({ version: 1, groups: written }).data?.groups ?? [];
  };
  return { checks, counts, groups, remarks: book.all(), above };
};

/** Labels that the list and the block set, for all or for a side. */
const labelsTaken = ({ external_labels: external, defaults }: List, block: GroupParts): ReadonlySet<string> =>
  new Set([
    ...Object.keys(external).filter((name) => external[name] !== ''),
    ...[defaults.outside.labels, defaults.inside.labels, block.defaults.labels, block.labels].flatMap((labels) =>
      Object.keys(labels ?? {}),
    ),
  ]);

/** The rows of a tenant that are within its share of each block. What counts are places, before it is known whether they are any good. */
const withinShare = (
  rows: readonly Row[],
  blocks: readonly FoundBlock[],
): { readonly kept: Row[]; readonly above: ReadonlyMap<string, number> } => {
  const used = new Map<number, { readonly places: Set<string>; cost: number }>();
  const above = new Map<string, number>();
  const kept = rows.filter(({ one, block }) => {
    const use = used.get(block) ?? { places: new Set<string>(), cost: 0 };
    used.set(block, use);
    const place = placeOf(one);
    if (use.places.has(place)) return true;
    const { tenancy, maxTargets = 0, name = '' } = blocks[block] ?? {};
    const cost = tenancy === undefined ? 1 : costOf(one);
    if (use.cost + cost > (tenancy?.share ?? maxTargets)) {
      above.set(name, (above.get(name) ?? 0) + 1);
      return false;
    }
    use.places.add(place);
    use.cost += cost;
    return true;
  });
  return { kept, above };
};

/** The name of a service stands for as many targets as it may have hosts, whatever the DNS says of it. */
const costOf = ({ entry }: Found): number =>
  /^_[^.]+\._[^.]+\.[^.]/.test(roughHost(entry.target)) ? mostFoundHosts : 1;

type Around = {
  readonly list: List;
  readonly blocks: readonly FoundBlock[];
  readonly probers: ProberTable;
  readonly book: ReturnType<typeof remarkBook>;
};

/** The rows of each tenant that can be used, with their checks. */
const compileRows = (
  tenants: ReadonlyMap<string, readonly Row[]>,
  { list, blocks, probers, book }: Around,
): ReadonlyMap<string, readonly Done[]> => {
  const done = new Map<string, Done[]>();
  const use = (row: Row, checks: readonly Check[]) => {
    const own = done.get(row.tenant);
    if (own === undefined) done.set(row.tenant, [{ ...row, checks }]);
    else own.push({ ...row, checks });
  };
  const compileChunks = (chunks: readonly (readonly Row[])[], block: FoundBlock): void => {
    const rows = chunks.flat();
    const { results, general } = compilePortion(
      list,
      block,
      rows.map(({ one }) => one.entry),
      probers,
    );
    // What is wrong with no target in particular is the fault of one tenant perhaps; then the others are compiled without it.
    if (general.length > 0 && chunks.length > 1) {
      for (const chunk of chunks) compileChunks([chunk], block);
      return;
    }
    for (const why of general) book.add({ origin: 'discover', why });
    for (const [index, row] of rows.entries()) {
      const { checks = [], why = refusedModule(block, row.one, checks) } = results[index] ?? {};
      if (why !== undefined) book.add({ origin: row.one.origin, why, tenant: row.one.tenant });
      else if (checks.length > 0) use(row, checks);
    }
  };
  for (const [index, block] of blocks.entries()) {
    let chunks: (readonly Row[])[] = [];
    let size = 0;
    const flush = () => {
      if (size > 0) compileChunks(chunks, block);
      [chunks, size] = [[], 0];
    };
    for (const chunk of chunksOf(tenants, index)) {
      if (size + chunk.length > portionSize) flush();
      chunks.push(chunk);
      size += chunk.length;
    }
    flush();
  }
  return done;
};

/** The rows of a block in pieces that have one tenant each, what follows from objects of others apart. */
const chunksOf = function* (tenants: ReadonlyMap<string, readonly Row[]>, block: number) {
  for (const rows of tenants.values())
    for (const isForeign of [false, true]) {
      const own = rows.filter((row) => row.block === block && (row.one.isForeign ?? false) === isForeign);
      for (let from = 0; from < own.length; from += portionSize) yield own.slice(from, from + portionSize);
    }
};

/** Why a target's module is not for what was found; `undefined` if it is. */
const refusedModule = (block: FoundBlock, one: Found, checks: readonly Check[]): string | undefined => {
  for (const { module } of checks) {
    const why =
      refusal(block, module, one.entry.module !== undefined) ??
      (block.tenancy === undefined ? undefined : methodRefusal(block, module));
    if (why !== undefined) return why;
  }
  return undefined;
};

/** Checks that were compiled under a number, under the name that they are to have. */
const calledBy = (checks: readonly Check[], name: string, reach: string | undefined): readonly Check[] => {
  const targets = new Map<Target, Target>();
  return checks.map((check) => {
    const target = targets.get(check.target) ?? { ...check.target, name };
    targets.set(check.target, target);
    return {
      ...check,
      id: `${name}${check.id.slice(check.target.name.length)}`,
      target,
      labels: { ...check.labels, name },
      ...(reach === undefined ? {} : { reach }),
    };
  });
};

const namesOf = (list: List): string[] =>
  [...list.targets, ...list.groups.flatMap(({ targets }) => targets)].map((target) =>
    typeof target === 'string' ? shortName(target) : (target.name ?? shortName(target.target)),
  );
