import type { Vantage } from '../kernel/check.ts';
import { withAuthorities } from './authorities.ts';
import type { Endpoint } from './endpoint.ts';
import { isMetadata } from './hosts.ts';
import { quoted } from './problem.ts';
import type { List } from './schema.ts';
import { secretFileIn } from './secret-files.ts';
import { exampleParameter } from './secrets.ts';
import type { Selection } from './selectors.ts';
import type { Add } from './target.ts';
import { variableIn } from './variables.ts';

/** The endpoints of a list, each with the names of the vantages that push to it; tells of vantages that push nowhere. */
export const endpointsOf = (
  list: List,
  select: (from: readonly string[]) => Selection,
  vantages: readonly Vantage[],
  problem: Add,
  warning: Add,
): Endpoint[] => {
  const names = new Set<string>();
  const authorities = withAuthorities(list.ca_file);
  const endpoints = list.remote_write.map((entry, index) => {
    const { from, ...written } = entry;
    const settings = authorities(written);
    const path = ['remote_write', index];
    const host = hostOf(settings.url);
    if (isMetadata(host)) problem([...path, 'url'], `${quoted(host)} is a metadata service`);
    if (settings.name !== undefined && names.has(settings.name))
      problem([...path, 'name'], `the name ${quoted(settings.name)} is used twice; write another one`);
    const name = settings.name ?? freeName(host, names);
    names.add(name);
    const selection = from === undefined ? { vantages, unmatched: [] } : select(from);
    for (const text of selection.unmatched) {
      problem([...path, 'from', from?.indexOf(text) ?? 0], `${quoted(text)} matches no vantage`);
    }
    const secretFile = secretFileIn(settings);
    const lambda = selection.vantages.find(({ kind }) => kind === 'lambda');
    if (secretFile !== undefined && lambda !== undefined)
      problem(
        [...path, ...secretFile.split('.')],
        `Lambda (vantage ${lambda.name}) has no such file; write a reference such as ${exampleParameter}, or \`from: [kind=agent]\``,
      );
    const variable = lambda === undefined ? undefined : variableIn(settings);
    if (variable !== undefined && lambda !== undefined)
      problem(
        [...path, ...variable.path],
        `Lambda (vantage ${lambda.name}): ${variable.message}; choose another name, or \`from: [kind=agent]\``,
      );
    return { name, from: selection.vantages.map((vantage) => vantage.name), settings };
  });
  const pushing = new Set(endpoints.flatMap(({ from }) => from));
  // An agent without any receiver has a page, and is scraped; a function has neither.
  const silent = vantages.filter(({ name, kind }) => !pushing.has(name) && (kind === 'lambda' || endpoints.length > 0));
  for (const { name } of silent) warning(['vantages', name], 'no remote_write takes the samples of this vantage');
  return endpoints;
};

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).hostname : url);

const freeName = (host: string, taken: ReadonlySet<string>): string => {
  let name = host;
  for (let number = 2; taken.has(name); number += 1) name = `${host}-${number}`;
  return name;
};
