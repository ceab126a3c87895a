import type { Vantage } from '../kernel/check.ts';
import type { VpcSettings } from './aws.ts';
import { regionProblem } from './aws-regions.ts';
import { checkAws } from './aws-rules.ts';
import { vantageLabelProblem } from './labels.ts';
import type { List } from './schema.ts';
import type { Add } from './target.ts';

const vantageName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** An agent may be one of many under a common name, as `cluster/node`; `cluster/*` stands for all of them. */
const agentName = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/(?:\*|[A-Za-z0-9][A-Za-z0-9._-]*))?$/;

/**
 * The list as one of many agents reads it: of `cluster/*` becomes `cluster/node`, if that is its vantage and the list does not name it
 * itself. Selectors such as `cluster/*` match it as they did before.
 */
export const asVantage = (list: List, name: string | undefined): List => {
  const many = name === undefined ? undefined : `${name.split('/', 1)[0]}/*`;
  if (name === undefined || many === undefined || !agentName.test(name) || !name.includes('/')) return list;
  if (name in list.vantages || list.vantages[many] === undefined) return list;
  const entries = Object.entries(list.vantages);
  return { ...list, vantages: Object.fromEntries(entries.map(([key, one]) => [key === many ? name : key, one])) };
};

/** The network of a Lambda vantage: its own, or the one of all. */
export const vpcOf = (list: Pick<List, 'vantages' | 'aws'>, vantage: string): VpcSettings | undefined =>
  list.vantages[vantage]?.vpc ?? list.aws?.vpc;

/** The vantages of a list, in its order. */
export const vantagesOf = (list: List, add: Add): Vantage[] => {
  checkAws(list, add);
  return Object.entries(list.vantages).map(([name, { kind, region, labels, vpc }]) => {
    if (!(kind === 'agent' ? agentName : vantageName).test(name))
      add(
        ['vantages', name],
        'not the name of a vantage; write letters, digits, and . _ - inside; an agent may be one of many: cluster/*',
      );
    if (kind === 'agent' && vpc !== undefined) add(['vantages', name, 'vpc'], 'only a Lambda vantage has a vpc');
    for (const label of Object.keys(labels)) {
      const problem = vantageLabelProblem(label);
      if (problem !== undefined) add(['vantages', name, 'labels', label], problem);
    }
    if (kind === 'lambda') {
      const wrong = regionProblem(region ?? name, region !== undefined);
      if (wrong !== undefined) add(['vantages', name, ...(region === undefined ? [] : ['region'])], wrong);
    }
    const where = region ?? (kind === 'lambda' ? name : undefined);
    return { name, kind, labels, ...(where !== undefined && { region: where }) };
  });
};
