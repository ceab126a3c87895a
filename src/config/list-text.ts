import { stringify } from 'yaml';
import type { List } from './schema.ts';
import { isSecretRef } from './secrets.ts';

/** A list as it would be written by hand: references in quotes, and nothing that is empty. It loads to the same list again. */
export const listText = (list: List): string => {
  const { version, ...rest } = list;
  const filled = Object.entries(rest).filter(([, value]) => !isEmpty(value));
  return stringify({ version, ...Object.fromEntries(filled.map(([key, value]) => [key, written(value)])) }, options);
};

const options = { lineWidth: 0, defaultStringType: 'PLAIN', aliasDuplicateObjects: false } as const;

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.values(value).every(isEmpty));

const written = (value: unknown): unknown => {
  if (isSecretRef(value)) return `\${${value.secret}}`;
  if (Array.isArray(value)) return value.map(written);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, written(one)]),
  );
};
