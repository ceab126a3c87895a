import type { Endpoint } from '../config/endpoint.ts';
import { type LoadOptions, load } from '../config/load.ts';
import { type Problem, problemText } from '../config/problem.ts';
import type { List, ProberTable } from '../config/schema.ts';
import type { Check, Vantage } from '../kernel/check.ts';
import { printable } from '../kernel/printable.ts';
import { probers } from '../probers/index.ts';
import { type Io, wrongUsage } from './command.ts';
import { counted } from './paint.ts';
import { noList, usualConfig } from './usual-config.ts';

/** A list that is sound, and what it compiles to. `literals` are for the kit alone, never to be shown. */
export type OpenList = {
  readonly list: List;
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
  readonly vantages: readonly Vantage[];
  readonly literals: ReadonlyMap<string, string>;
  readonly warnings: readonly Problem[];
};

/** The table of probers that command lines work with. */
export const proberTable: ProberTable = probers;

/**
 * Loads a list, that of the repository here if none is given, and says on stderr what is wrong with it; `undefined` if it cannot be
 * used. `more` is for one of many agents, and for lists that are much alike.
 */
export const openList = async (
  given: readonly string[],
  io: Io,
  more: Pick<LoadOptions, 'vantage' | 'known'> = {},
): Promise<OpenList | undefined> => {
  const paths = usualConfig(given);
  if (paths.length === 0) {
    wrongUsage(io, noList);
    return undefined;
  }
  const loaded = await load(paths, { probers: proberTable, environment: io.environment, ...more });
  if (!loaded.ok) {
    io.stderr.write(problemsText(loaded.problems, loaded.more));
    return undefined;
  }
  for (const warning of loaded.warnings) io.stderr.write(`warning: ${printable(problemText(warning))}\n`);
  const { list, compiled, literals, warnings } = loaded;
  const { checks, endpoints, vantages } = compiled;
  return { list, checks, endpoints, vantages, literals, warnings };
};

/** Problems as lines, with the number of those that were left out. */
const problemsText = (problems: readonly Problem[], more: number): string => {
  const lines = problems.map((problem) => `${printable(problemText(problem))}\n`).join('');
  return more === 0 ? lines : `${lines}… and ${counted(more, 'more problem')}\n`;
};
