import { loadValue } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import type { ProberTable } from '../config/schema.ts';
import type { Check } from '../kernel/check.ts';
import { withoutQuerySecrets } from '../protocol/query-secrets.ts';
import type { OpenList } from './open-list.ts';

/** What somebody wants to probe right now. */
export type Wish = {
  readonly target: string;
  readonly module?: string | undefined;
  readonly timeout?: string | undefined;
  readonly linkLocal?: boolean;
};

/** Checks to run, with the secrets that stood in the list; or sentences that say what to write. */
export type AdHoc =
  | { readonly ok: true; readonly checks: readonly Check[]; readonly literals: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly messages: readonly string[] };

/**
 * The checks for a target that is given on a command line: those of the list's target of this name (once, however many
 * vantages probe it), or one of its own, made by the same rules as a list's, with the list's modules.
 */
export const adHocChecks = (wish: Wish, list: OpenList | undefined, probers: ProberTable): AdHoc => {
  const named = list?.checks.filter(({ target }) => target.name === wish.target) ?? [];
  if (named.length > 0 && list !== undefined) return ofList(wish, named, list);
  const loaded = loadValue(
    {
      vantages: { here: { kind: 'agent' } },
      modules: list?.list.modules ?? {},
      targets: [
        {
          name: withoutQuerySecrets(wish.target),
          target: wish.target,
          interval: '1d',
          ...(wish.module !== undefined && { module: wish.module }),
          ...(wish.timeout !== undefined && { timeout: wish.timeout }),
          ...(wish.linkLocal === true && { link_local: 'allow' }),
        },
      ],
    },
    { probers },
  );
  if (!loaded.ok) return { ok: false, messages: loaded.problems.map(messageOf) };
  return { ok: true, checks: loaded.compiled.checks, literals: list?.literals ?? loaded.literals };
};

const ofList = ({ module, timeout }: Wish, named: readonly Check[], { literals }: OpenList): AdHoc => {
  const extra = [...(module === undefined ? [] : ['--module']), ...(timeout === undefined ? [] : ['--timeout'])];
  if (extra.length > 0)
    return {
      ok: false,
      messages: [`${extra.join(' and ')} cannot change a target of the list; write its URL instead`],
    };
  const [first] = named;
  return { ok: true, checks: named.filter(({ vantage }) => vantage.name === first?.vantage.name), literals };
};

/** The list in memory has places that nobody wrote; its one target stands for the command line. */
const messageOf = ({ path, message: inList }: Problem): string => {
  const message = inList.replaceAll('`module:`', '--module').replaceAll('`link_local: allow`', '--link-local');
  const key = path.replace(/^targets\[0\]\.?/, '');
  if (key === 'target' || key === 'name' || key === '') return message;
  return `${['module', 'timeout'].includes(key) ? `--${key}` : key}: ${message}`;
};
