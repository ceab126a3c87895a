import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Loaded, load } from '../config/load.ts';
import { problemText } from '../config/problem.ts';
import type { KnownItems } from '../config/yaml-file.ts';
import { alarmChanges } from '../generate/alarm-changes.ts';
import { isAlerting, type ListChange, listChanges } from '../generate/list-changes.ts';
import { listWideChanges, type WideChange, writtenChanges } from '../generate/list-wide-changes.ts';
import type { Io } from './command.ts';
import { type OpenList, proberTable } from './open-list.ts';
import { counted } from './paint.ts';

/** What a newer list changes. */
export type PlanChanges = {
  /** Keys of the list itself: vantages, receivers, budget, what all stacks have in common. */
  readonly list: readonly WideChange[];
  readonly targets: readonly ListChange[];
  /** What targets are judged by, and the alarms that come and go. */
  readonly alerting: readonly (ListChange | WideChange)[];
};

/** A list with what it compiles to, and the files or folders that it was read from. */
export type ReadList = Pick<OpenList, 'list' | 'checks' | 'endpoints' | 'vantages' | 'literals'> & {
  readonly paths: readonly string[];
};

/** The list before, or a sentence that says why nothing can be compared with it. `known` is what the newer list says. */
export const listBefore = async (paths: readonly string[], io: Io, known: KnownItems): Promise<ReadList | string> => {
  const loaded: Loaded = await load(paths, { probers: proberTable, environment: io.environment, known });
  if (loaded.ok) {
    const { list, literals, compiled } = loaded;
    return { list, literals, paths, ...compiled };
  }
  const [first] = loaded.problems;
  const others = loaded.problems.length - 1 + loaded.more;
  const more = others > 0 ? ` (and ${counted(others, 'more problem')})` : '';
  return `nothing is compared, since the list before cannot be used: ${first === undefined ? '' : problemText(first)}${more}`;
};

/** What differs between two lists. */
export const planChanges = (before: ReadList, after: ReadList): PlanChanges => {
  const literals = new Map([...before.literals, ...after.literals]);
  const origins = {
    before: { literals, folder: folderOf(before) },
    after: { literals, folder: folderOf(after) },
  };
  const wide = listWideChanges(before.list, after.list, origins);
  const targets = [
    ...listChanges(before.checks, after.checks, origins),
    ...writtenChanges(before.list, after.list),
  ].sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
  return {
    list: wide.filter((change) => !isOfAlarms(change)),
    targets: targets.filter((change) => !isAlerting(change)),
    alerting: [
      ...wide.filter(isOfAlarms),
      ...alarmChanges(before, after),
      ...targets.filter((change) => isAlerting(change)),
    ],
  };
};

const isOfAlarms = ({ key }: WideChange): boolean => key === 'aws.alarm_topic';

const folderOf = ({ paths: [first = '.'] }: ReadList): string => {
  const path = resolve(first);
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? path : dirname(path);
};
