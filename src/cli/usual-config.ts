import { existsSync } from 'node:fs';
import * as z from 'zod';

/** Where a list is unless somebody says otherwise: what `bothways init` makes. */
const usual = ['bothways.yml', 'targets'];

/** The files of the list: those that were named, else {@link usual} as far as they are there. */
export const usualConfig = (
  given: readonly string[],
  exists: (path: string) => boolean = existsSync,
): readonly string[] => (given.length > 0 ? given : usual.filter((path) => exists(path)));

/** The flag `--config` of commands that find the list by themselves. */
export const listFlag = z
  .array(z.string())
  .default([])
  .describe('The target list, a file or a folder; bothways.yml and targets/ if not given.')
  .meta({ value: 'FILE' });
