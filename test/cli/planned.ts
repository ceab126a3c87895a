import { cli } from './console.ts';
import { listFile } from './world.ts';

/** `bothways plan` of a list. */
export const plan = async (list: string, ...words: string[]) => {
  await using file = await listFile(list);
  return await cli(['plan', '--config', file.path, ...words]);
};

/** `bothways plan --from` of two lists in folders of their own. */
export const planFrom = async (older: string, newer: string, ...words: string[]) => {
  await using file = await listFile(older);
  return await plan(newer, '--from', file.path, ...words);
};

/** What `bothways plan --from --json` says that changes, section by section, each change as one text. */
export const changesFrom = async (older: string, newer: string) => {
  const { stdout } = await planFrom(older, newer, '--json');
  const { changes } = JSON.parse(stdout);
  const texts = (rows: readonly Record<string, string>[]) =>
    rows.map(({ what, target, key, before, after }) =>
      [what, target, key, what === 'changed' ? `${before ?? '-'} -> ${after ?? '-'}` : (after ?? before)]
        .filter((part) => part !== undefined)
        .join(' '),
    );
  return {
    list: texts(changes.list),
    targets: texts(changes.targets),
    alerting: texts(changes.alerting),
  };
};
