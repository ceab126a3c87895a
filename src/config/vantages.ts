import type { Vantage } from '../kernel/check.ts';
import { regionProblem } from './aws-regions.ts';
import type { VpcSettings } from './aws.ts';
import { vantageLabelProblem } from './labels.ts';
import type { List } from './schema.ts';
import type { Add } from './target.ts';

const vantageName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The network of a Lambda vantage: its own, or the one of all. */
export const vpcOf = (list: Pick<List, 'vantages' | 'aws'>, vantage: string): VpcSettings | undefined =>
  list.vantages[vantage]?.vpc ?? list.aws?.vpc;

/** The vantages of a list, in its order. */
export const vantagesOf = (list: List, add: Add): Vantage[] => {
  checkNetwork(list, add);
  return Object.entries(list.vantages).map(([name, { kind, region, labels, vpc }]) => {
    if (!vantageName.test(name))
      add(['vantages', name], 'not the name of a vantage; write letters, digits, and . _ - inside');
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

/** Subnets are of one region, so they cannot be those of functions in several. */
const checkNetwork = (list: List, add: Add): void => {
  const { aws, vantages } = list;
  if (aws?.vpc === undefined) return;
  const regions = Object.entries(vantages)
    .filter(([, { kind, vpc }]) => kind === 'lambda' && vpc === undefined)
    .map(([name, { region }]) => region ?? name);
  const distinct = [...new Set(regions)];
  if (distinct.length > 1)
    add(
      ['aws', 'vpc'],
      `subnets are of one region, and ${distinct.join(', ')} would share these; write \`vpc\` at each vantage`,
    );
};
