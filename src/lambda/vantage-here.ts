import type { Vantage } from '../kernel/check.ts';

/**
 * The name of the vantage that a function is: `BOTHWAYS_VANTAGE`, else the one Lambda vantage of `AWS_REGION`. Throws if neither
 * says it.
 */
export const vantageHere = (
  vantages: readonly Vantage[],
  environment: Readonly<Record<string, string | undefined>>,
): string => {
  const { BOTHWAYS_VANTAGE: named, AWS_REGION: region } = environment;
  if (named !== undefined && named !== '') return named;
  const here = vantages.filter((vantage) => vantage.kind === 'lambda' && vantage.region === region);
  const [only] = here;
  if (only !== undefined && here.length === 1) return only.name;
  const known = vantages.map(({ name }) => name).join(', ');
  throw new Error(
    `${here.length} vantages of the list are in the region ${region}; set BOTHWAYS_VANTAGE to one of ${known}`,
  );
};
