import { yamlFile } from '../config/yaml-file.ts';
import { stackFor } from '../generate/aws/stack.ts';
import type { OpenList } from './open-list.ts';
import type { Published } from './published.ts';

/** A vantage of the list in the bucket. */
export type GoneVantage = { readonly vantage: string; readonly region: string };

/**
 * The Lambda vantages of the list in the bucket that a list no longer has: nobody writes their objects any more, so their functions
 * go on with what is there. Looks at no more of that list than this, since it may be of another version or machine.
 */
export const goneVantages = (there: Published, { vantages }: Pick<OpenList, 'vantages'>): readonly GoneVantage[] => {
  const parsed = yamlFile(there?.text ?? '');
  const before = parsed.ok ? tableIn(tableIn(parsed.value).vantages) : {};
  const names = new Set(vantages.filter(({ kind }) => kind === 'lambda').map(({ name }) => name));
  return Object.entries(before).flatMap(([vantage, entry]) => {
    const { kind, region = vantage } = tableIn(entry);
    return kind !== 'lambda' || names.has(vantage) ? [] : [{ vantage, region: String(region) }];
  });
};

const tableIn = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Says so, with the command that ends it. */
export const goneWarning = ({ vantage, region }: GoneVantage, stage: string): string => {
  const { name } = stackFor({ vantage, region, checks: 0, shards: 1, secrets: [] }, stage);
  return `${vantage} is no longer in the list, and its function goes on with the one it has; remove it: bothways remove --stage ${stage} --stack ${name}`;
};
