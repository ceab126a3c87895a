import { awsRegions } from '../config/aws-regions.ts';
import { stackFor } from '../generate/aws/stack.ts';
import { regionsOf } from '../generate/regions.ts';
import { askAwsCommandLine } from '../net/aws/command-line.ts';
import { stacksOf, type ThereStack } from '../net/aws/stacks.ts';
import { kit as makeKit } from '../net/kit.ts';
import type { Io } from './command.ts';
import type { OpenList } from './open-list.ts';
import { counted } from './paint.ts';

/** Stacks of a stage, how many regions were asked, and those that could not be, each with why. */
export type StacksThere = {
  readonly stacks: readonly ThereStack[];
  readonly asked: number;
  readonly unknown: readonly { readonly region: string; readonly why: string }[];
};

/** One line for the regions that could not be asked, by why; `undefined` if there are none. */
export const unaskedText = ({ unknown }: StacksThere): string | undefined => {
  if (unknown.length === 0) return undefined;
  const byReason = Map.groupBy(unknown, ({ why }) => why);
  const each = [...byReason].map(([why, all]) => `${all.map(({ region }) => region).join(', ')} (${why})`).join(', ');
  return `${counted(unknown.length, 'region')} could not be asked for stacks: ${each}; one that the account has not switched on has none`;
};

/** Stacks of a stage that a list no longer has; `said` are sentences about them. */
export type Leftovers = StacksThere & { readonly said: readonly string[] };

/**
 * Looks for what a list no longer has: it goes on probing and costs money. Each is said with the command that removes it, and so are
 * the regions that could not be asked.
 */
export const leftoversOf = async (stage: string, list: OpenList, io: Io): Promise<Leftovers> => {
  const names = new Set(regionsOf(list).map((one) => `${one.region}/${stackFor(one, stage).name}`));
  const there = await stacksThere(stage, regionsToAsk(regionsNamed(list), io), io);
  const stacks = there.stacks.filter(({ name, region }) => !names.has(`${region}/${name}`));
  const said = stacks.map(
    ({ name, region }) =>
      // A vantage that has moved has a stack of this name in another region too.
      `${name} in ${region} is no longer in the list and probes on; remove it: bothways remove --stage ${stage} --region ${region} --stack ${name}`,
  );
  const unasked = unaskedText(there);
  return { ...there, stacks, said: unasked === undefined ? said : [...said, unasked] };
};

/** How long all regions together may take, in milliseconds. */
const limitMs = 20_000;

/** The regions of a list's Lambda vantages. */
export const regionsNamed = ({ vantages }: Pick<OpenList, 'vantages'>): readonly string[] =>
  vantages.filter(({ kind }) => kind === 'lambda').map(({ name, region }) => region ?? name);

/**
 * The regions to look for stacks in: all that we know, since what a list no longer names is found in no other way, and those that it
 * names, which may be newer than we are. Credentials of one partition are none in another, so only that of the list is meant, or without
 * a list that of the environment.
 */
export const regionsToAsk = (named: readonly string[], { environment }: Io): readonly string[] => {
  const partition = (region: string) => /^(?:cn|us-gov)-/.exec(region)?.[0] ?? '';
  const here = named.length > 0 ? named : [environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? ''];
  const homes = new Set(here.map(partition));
  return [...new Set([...awsRegions.filter((region) => homes.has(partition(region))), ...named])];
};

/** Why nothing is known of any region, or `undefined` if one could be asked. */
export const noneAsked = ({ unknown, asked }: StacksThere): string | undefined => {
  const [first] = unknown;
  return unknown.length === asked && first !== undefined
    ? `no region could be asked for stacks: ${first.why}`
    : undefined;
};

/** Looks for the stacks of a stage in these regions. Never rejects. */
export const stacksThere = async (stage: string, asked: readonly string[], io: Io): Promise<StacksThere> => {
  await using kit = makeKit({ environment: io.environment, askForCredentials: askAwsCommandLine });
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(limitMs)]);
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
    asked: asked.length,
    unknown: answers.flatMap(({ unknown }) => unknown),
  };
};
