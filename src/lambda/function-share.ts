import { cpuShare } from '../run/cpu-share.ts';

/** Memory of a function that has a whole core. */
const wholeCoreMegabytes = 1_769;

/**
 * A function's share of a core, 0.01 to 1: by its memory, or the smaller one of its control group.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 */
export const functionShare = (environment: Readonly<Record<string, string | undefined>>): number => {
  const megabytes = Number(environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? Number.NaN);
  const share = megabytes > 0 ? megabytes / wholeCoreMegabytes : 1;
  return Math.max(0.01, Math.min(cpuShare(), share));
};
