import type { Vantage } from '../kernel/check.ts';
import { nearest } from '../protocol/nearest.ts';
import { shareOf } from './discover.ts';
import type { Modules } from './modules.ts';
import { type Path, quoted } from './problem.ts';
import type { List } from './schema.ts';
import { type Selection, unmatchedText } from './selectors.ts';

type Tables = {
  readonly modules: Modules;
  readonly vantages: readonly Vantage[];
  readonly select: (from: readonly string[]) => Selection;
  readonly add: (path: Path, message: string) => void;
};

/** Tells what is wrong with the defaults of `discover`: it would be wrong with everything that is found. */
export const checkDiscover = ({ discover, aws }: List, { modules, vantages, select, add }: Tables): void => {
  if (discover?.publish !== undefined && aws?.list === undefined)
    add(
      ['discover', 'publish'],
      'there is no bucket to publish to; write `aws: { list: { bucket: NAME, region: REGION } }`',
    );
  if (discover?.publish !== undefined && discover.kubernetes.length === 0)
    add(['discover', 'publish'], 'there is nothing to publish; write what to find in a cluster: `kubernetes:`');
  const many = vantages.find(({ kind, name }) => kind === 'agent' && name.includes('/'));
  if (discover?.publish !== undefined && many !== undefined)
    add(
      ['discover', 'publish'],
      `the vantage ${quoted(many.name)} stands for many agents, and each would publish in the place of the others; write \`publish\` into a list of one agent alone`,
    );
  for (const [index, row] of (discover?.kubernetes ?? []).entries()) {
    const count = new Set(row.namespaces).size;
    if (count * shareOf(row) > row.max_targets)
      add(
        ['discover', 'kubernetes', index, 'max_targets'],
        `${count} namespaces with ${shareOf(row)} targets each are more than ${row.max_targets}; write a larger \`max_targets\`, or a smaller \`max_targets_per_namespace\``,
      );
  }
  const publish = discover?.publish;
  if (publish !== undefined && publish.max_targets < new Set(publish.namespaces).size)
    add(['discover', 'publish', 'max_targets'], 'less than one target for each namespace; write a larger number');
  const known = (path: Path, module: string) => {
    if (modules.find(module) !== undefined) return;
    const guess = nearest(module, modules.names());
    add(path, `no module ${quoted(module)}${guess === undefined ? '' : `; did you mean ${quoted(guess)}?`}`);
  };
  for (const [index, { modules: choosable = [] }] of (discover?.kubernetes ?? []).entries())
    for (const [number, module] of choosable.entries())
      known(['discover', 'kubernetes', index, 'modules', number], module);
  for (const section of ['kubernetes', 'file_sd'] as const)
    for (const [index, { defaults }] of (discover?.[section] ?? []).entries()) {
      const path = ['discover', section, index, 'defaults'];
      const { module, from } = defaults;
      if (module !== undefined) known([...path, 'module'], module);
      if (from !== undefined)
        for (const text of select(from).unmatched)
          add([...path, 'from', from.indexOf(text)], unmatchedText(text, vantages));
    }
};
