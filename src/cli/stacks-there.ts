import { awsRegions } from '../config/aws-regions.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { stacksOf, type ThereStack } from '../net/aws/stacks.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Io } from './command.ts';

/** Stacks of a stage, and the regions that could not be asked, each with why. */
export type StacksThere = {
  readonly stacks: readonly ThereStack[];
  readonly unknown: readonly { readonly region: string; readonly why: string }[];
};

/** How long all regions together may take, in milliseconds. */
const limitMs = 20_000;

/**
 * Looks for the stacks of a stage: in these regions, or in all that we know, since one that the list no longer names is found in
 * no other way.
 */
export const stacksThere = async (
  stage: string,
  io: Io,
  regions: readonly string[] = awsRegions,
): Promise<StacksThere> => {
  await using kit = makeKit({ environment: io.environment, askForCredentials: askAwsCommandLine });
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(limitMs)]);
  // Credentials of the usual partition are none in China or GovCloud.
  const partition = (region: string) => /^(?:cn|us-gov)-/.exec(region)?.[0] ?? '';
  const home = partition(io.environment.AWS_REGION ?? io.environment.AWS_DEFAULT_REGION ?? regions[0] ?? '');
  const asked = regions.filter((region) => regions !== awsRegions || partition(region) === home);
  const answers = await Promise.all(
    asked.map(async (region) => {
      try {
        return { stacks: await stacksOf(kit.aws, region, stage, signal), unknown: [] };
      } catch (error) {
        return { stacks: [], unknown: [{ region, why: error instanceof Error ? error.message : 'failed' }] };
      }
    }),
  );
  return {
    stacks: answers.flatMap(({ stacks }) => stacks),
    unknown: answers.flatMap(({ unknown }) => unknown),
  };
};
