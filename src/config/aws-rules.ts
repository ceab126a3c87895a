import { regionProblem } from './aws-regions.ts';
import { keyIn, regionIn } from './kms-key.ts';
import type { List } from './schema.ts';
import type { Add } from './target.ts';

/** What a vantage adds to the name of its stack and function, which have no dots. */
export const nameInStack = (vantage: string): string => vantage.replaceAll(/[^A-Za-z0-9-]/g, '-');

/** Tells what Lambda vantages cannot have in common, or must. */
export const checkAws = (list: List, add: Add): void => {
  const lambda = Object.entries(list.vantages)
    .filter(([, { kind }]) => kind === 'lambda')
    .map(([name, { region, vpc }]) => ({ name, region: region ?? name, vpc }));
  checkNames(lambda, add);
  checkNetwork(list, lambda, add);
  checkKeys(list, lambda, add);
  const bucketRegion = list.aws?.list?.region;
  const wrongBucket = bucketRegion === undefined ? undefined : regionProblem(bucketRegion, true);
  if (wrongBucket !== undefined) add(['aws', 'list', 'region'], wrongBucket);
};

type Lambda = { readonly name: string; readonly region: string; readonly vpc: unknown };

/** In one region two stacks have two names, and IAM takes the roles `a` and `A` for one. */
const checkNames = (lambda: readonly Lambda[], add: Add): void => {
  const known = new Map<string, string>();
  for (const { name, region } of lambda) {
    const key = `${region} ${nameInStack(name).toLowerCase()}`;
    const before = known.get(key);
    if (before === undefined) known.set(key, name);
    else
      add(
        ['vantages', name],
        `${before} and ${name} would be one stack in ${region}, since its name has letters, digits and hyphens and AWS takes capitals for small letters; rename one`,
        ['vantages', before],
      );
  }
};

/** Subnets are of one region, so they cannot be those of functions in several. */
const checkNetwork = ({ aws }: List, lambda: readonly Lambda[], add: Add): void => {
  if (aws?.vpc === undefined) return;
  const distinct = [...new Set(lambda.filter(({ vpc }) => vpc === undefined).map(({ region }) => region))];
  if (distinct.length > 1)
    add(
      ['aws', 'vpc'],
      `subnets are of one region, and ${distinct.join(', ')} would share these; write \`vpc\` at each vantage`,
    );
};

/** Lambda, logs and S3 encrypt with keys of their own region. */
const checkKeys = ({ aws }: List, lambda: readonly Lambda[], add: Add): void => {
  const key = aws?.kms_key;
  const away = key === undefined ? undefined : lambda.find(({ region }) => regionIn(keyIn(key, region)) !== region);
  if (key !== undefined && away !== undefined)
    add(
      ['aws', 'kms_key'],
      `a key of ${regionIn(key)} encrypts nothing in ${away.region}, where the vantage ${away.name} is; write a multi-region key, whose id begins with mrk-, and have a replica in each region`,
    );
  const list = aws?.list;
  if (list?.kms_key !== undefined && regionIn(list.kms_key) !== list.region)
    add(
      ['aws', 'list', 'kms_key'],
      `a key of ${regionIn(list.kms_key)} encrypts nothing in ${list.region}, where the bucket is; write one of that region`,
    );
};
