import { existsSync } from 'node:fs';

/** Where a list is unless somebody says otherwise: what `bothways init` makes. */
const usual = ['bothways.yml', 'targets'];

/** The files of the list: those that were named, else {@link usual} as far as they are there. */
export const usualConfig = (
  given: readonly string[],
  exists: (path: string) => boolean = existsSync,
): readonly string[] => (given.length > 0 ? given : usual.filter((path) => exists(path)));
