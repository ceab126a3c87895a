import { type ListChange, listChanges } from '../generate/list-changes.ts';
import type { Check } from '../kernel/check.ts';

/** What differs between two lists as rows of a table: a sign, the target, and what of it. */
export const listDifference = (before: readonly Check[], after: readonly Check[]): readonly (readonly string[])[] =>
  listChanges(before, after).map(changeRow);

const signs = { added: '+', removed: '-', changed: '~' } as const;

/** A change as a row. */
const changeRow = ({ what, target, key, before, after }: ListChange): readonly string[] =>
  key === undefined
    ? [signs[what], target]
    : [signs[what], target, key, `${before ?? '(not set)'} -> ${after ?? '(not set)'}`];
