import type { Check, Vantage } from '../kernel/check.ts';
import { nearest } from '../protocol/nearest.ts';
import type { Compiled } from './compile.ts';
import type { Endpoint } from './endpoint.ts';

/** What one vantage has to do with a list: its checks, and the endpoints it pushes to. */
export type ListPart = {
  readonly vantage: Vantage;
  readonly checks: readonly Check[];
  readonly endpoints: readonly Endpoint[];
  readonly literals: ReadonlyMap<string, string>;
};

type Chosen = ({ readonly ok: true } & ListPart) | { readonly ok: false; readonly message: string };

/**
 * The part of a list that is for the vantage of this name; without a name, that of its only vantage, or of its only agent: whoever
 * asks is no function.
 */
export const choosePart = (
  {
    checks,
    endpoints,
    vantages,
    literals,
  }: Pick<Compiled, 'checks' | 'endpoints' | 'vantages'> & Pick<ListPart, 'literals'>,
  name: string | undefined,
): Chosen => {
  const names = vantages.map((vantage) => vantage.name);
  const agents = vantages.filter(({ kind }) => kind === 'agent');
  const candidates = agents.length === 0 ? vantages : agents;
  const [only, ...others] = candidates;
  const unnamed = others.length === 0 ? only : undefined;
  const vantage = name === undefined ? unnamed : vantages.find((one) => one.name === name);
  if (vantage?.name.endsWith('/*') === true)
    return {
      ok: false,
      message: `${vantage.name} stands for many agents; write which one: --vantage ${vantage.name.replace('*', 'NAME')}`,
    };
  if (vantage !== undefined)
    return {
      ok: true,
      vantage,
      checks: checks.filter((check) => check.vantage.name === vantage.name),
      endpoints: endpoints.filter(({ from }) => from.includes(vantage.name)),
      literals,
    };
  if (name === undefined) {
    const words = candidates.map((one) => `--vantage ${one.name.replace(/\*$/, 'NAME')}`);
    const several = agents.length === 0 ? 'vantages' : 'agents';
    return { ok: false, message: `the list has several ${several}; write ${words.join(' or ')}` };
  }
  const meant = nearest(name, names);
  const advice = meant === undefined ? `write one of ${names.join(', ')}` : `did you mean ${meant}?`;
  return { ok: false, message: `the list has no vantage ${JSON.stringify(name)}; ${advice}` };
};
