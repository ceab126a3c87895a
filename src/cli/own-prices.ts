import { readFile } from 'node:fs/promises';
import { pathText } from '../config/problem.ts';
import { type Spot, yamlFile } from '../config/yaml-file.ts';
import { ownPrices, type UnitPrice, type UsedPrices, usedPrices } from '../generate/prices.ts';
import { thousands } from './paint.ts';

/** The prices of a plan: list prices, with those of a file of YAML or JSON before them. A text says what is wrong with the file. */
export const pricesFor = async (path: string | undefined): Promise<UsedPrices | string> => {
  if (path === undefined) return usedPrices();
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return `--prices: ${path} cannot be read`;
  const file = yamlFile(text);
  const problem = (spot: Spot | undefined, message: string) =>
    `--prices: ${path}${spot === undefined ? '' : `:${spot.line}`} ${message}`;
  if (!file.ok) return problem(file.problems[0], file.problems[0]?.message ?? 'not YAML');
  const read = ownPrices.safeParse(file.value);
  if (read.success) {
    const [dear] = Object.entries(read.data).find(([, price]) => highestOf(price) > mostUsd) ?? [];
    return dear === undefined
      ? usedPrices(read.data, path)
      : problem(file.spotOf([dear]), `${dear}: write dollars for one unit, no more than ${thousands(mostUsd)}`);
  }
  const [issue] = read.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    return problem(file.spotOf([key]), `unknown key ${key}; known are ${Object.keys(ownPrices.shape).join(', ')}`);
  }
  const [key] = issue?.path ?? [];
  if (typeof key !== 'string') return problem(undefined, 'write a mapping of prices');
  return problem(file.spotOf([key]), `${pathText([key])}: write dollars for one unit, or tiers: ${example}`);
};

/** A unit is a call, a second or a sample. With more than this a month would be no number of dollars any more. */
const mostUsd = 1_000;

const highestOf = (price: UnitPrice = 0): number =>
  typeof price === 'number' ? price : Math.max(...price.map(({ usd }) => usd));

const example = '[{ usd: 0.00000009, up_to: 2000000000 }, { usd: 0.000000035 }], each but the last with a rising up_to';
