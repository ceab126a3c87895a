import { hashOf, readContent } from '../config/packed.ts';
import type { EpochMs } from '../kernel/check.ts';

/**
 * What a cluster's object holds for a vantage. `checks` are the first by name, as they were written and not looked at, `more` those that are
 * beyond them. Objects that differ in the time of writing alone have the same `key`.
 */
export type ClusterObject = {
  readonly key: string;
  readonly writtenAt: EpochMs | undefined;
  readonly checks: readonly unknown[];
  readonly more: number;
};

/** An object, or why it cannot be used: the end of a sentence that begins with the object. */
export type ReadClusterObject =
  | { readonly ok: true; readonly object: ClusterObject }
  | { readonly ok: false; readonly why: string };

/** More labels, or metric names, than any target has: what has more is not looked at, since it would be for each check that shares it. */
const mostParts = 64;

/**
 * Reads the text of an object for a vantage, with no more than so many checks. Trusts nothing in it: parts may have any shape, and the size of
 * what it gives is that of the text, since what checks share stays shared.
 */
export const readClusterObject = (text: string, vantage: string, mostChecks: number): ReadClusterObject => {
  const read = readContent(text);
  if (!read.ok) return read;
  const { writtenAt, ...content } = read.content;
  const { vantages, targets, modules, checks, common } = content;
  if (!isList(vantages) || !isList(targets) || !isList(modules) || !isList(checks) || !isTable(common))
    return { ok: false, why: 'is no packed list: its parts do not fit' };
  if (!vantages.some((one) => isTable(one) && one.name === vantage))
    return { ok: false, why: `is a list without the vantage ${vantage}` };
  if (Object.keys(common).length > mostParts)
    return { ok: false, why: `has more than ${mostParts} labels that all its checks share` };
  const small = new Map<unknown, boolean>();
  const tables = { vantages, targets, modules, common, isSmall: (one: unknown) => remembered(small, one) };
  const rows = checks.map((row) => ({ row, name: nameIn(row, targets) })).sort((a, b) => byName(a.name, b.name));
  return {
    ok: true,
    object: {
      key: hashOf(JSON.stringify(content)),
      writtenAt: typeof writtenAt === 'number' ? writtenAt : undefined,
      checks: rows.slice(0, mostChecks).map(({ row }) => checkIn(row, tables)),
      more: Math.max(0, rows.length - mostChecks),
    },
  };
};

type Tables = Readonly<Record<'vantages' | 'targets' | 'modules', readonly unknown[]>> & {
  readonly common: Readonly<Record<string, unknown>>;
  readonly isSmall: (target: unknown) => boolean;
};

/** Whether a target has few labels and names, found out once for each. */
const remembered = (small: Map<unknown, boolean>, target: unknown): boolean => {
  const known = small.get(target);
  if (known !== undefined) return known;
  const parts = isTable(target) ? [target.labels, target.names] : [];
  const is = parts.every((part) => typeof part !== 'object' || part === null || Object.keys(part).length <= mostParts);
  small.set(target, is);
  return is;
};

/** A check with what its row refers to; `undefined` for a row of another shape. */
const checkIn = (row: unknown, { vantages, targets, modules, common, isSmall }: Tables): unknown => {
  if (!isList(row)) return undefined;
  const [id, instance, target, module, vantage, labels] = row;
  const place = placeIn(targets, target);
  if (!isTable(labels) || Object.keys(labels).length > mostParts || !isSmall(place)) return undefined;
  return {
    id,
    instance,
    target: place,
    module: placeIn(modules, module),
    vantage: placeIn(vantages, vantage),
    labels: { ...common, ...labels },
  };
};

const placeIn = (all: readonly unknown[], place: unknown): unknown =>
  typeof place === 'number' && Number.isInteger(place) ? all[place] : undefined;

/** By what checks are ordered: the target's name, then the instance. What has none comes last. */
const nameIn = (row: unknown, targets: readonly unknown[]): string => {
  const [, instance, place] = isList(row) ? row : [];
  const target = placeIn(targets, place);
  const name = isTable(target) ? target.name : undefined;
  return typeof name === 'string' && typeof instance === 'string' ? `${name} ${instance}` : '\uffff';
};

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
