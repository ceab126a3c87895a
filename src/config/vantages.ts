import type { Vantage } from '../kernel/check.ts';
import { vantageLabelProblem } from './labels.ts';
import type { List } from './schema.ts';
import type { Add } from './target.ts';

const vantageName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The vantages of a list, in its order. */
export const vantagesOf = (list: List, add: Add): Vantage[] =>
  Object.entries(list.vantages).map(([name, { kind, region, labels, vpc }]) => {
    if (!vantageName.test(name))
      add(['vantages', name], 'not the name of a vantage; write letters, digits, and . _ - inside');
    if (kind === 'agent' && vpc !== undefined) add(['vantages', name, 'vpc'], 'only a Lambda vantage has a vpc');
    for (const label of Object.keys(labels)) {
      const problem = vantageLabelProblem(label);
      if (problem !== undefined) add(['vantages', name, 'labels', label], problem);
    }
    const where = region ?? (kind === 'lambda' ? name : undefined);
    return { name, kind, labels, ...(where !== undefined && { region: where }) };
  });
