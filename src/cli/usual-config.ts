import { existsSync } from 'node:fs';
import * as z from 'zod';
import { inRepository } from '../config/files.ts';

/** The files of the list: those that were named, else those of the repository here, as far as they are there. */
export const usualConfig = (
  given: readonly string[],
  exists: (path: string) => boolean = existsSync,
): readonly string[] => (given.length > 0 ? given : inRepository.filter((path) => exists(path)));

/** What is said where no list was named and none is here. */
export const noList = 'there is no bothways.yml here; write --config FILE';

/** The flag `--config` of commands that find the list by themselves. */
export const listFlag = z
  .array(z.string())
  .default([])
  .describe('The target list, a file or a folder; bothways.yml and targets/ if not given.')
  .meta({ value: 'FILE' });
