import { readFileSync, statSync } from 'node:fs';
import { authoritiesProblem } from '../net/authorities-text.ts';
import { codeOf } from '../net/failure.ts';

/** What was seen of a file that a list names: what is wrong with it, or why nobody can say. */
export type Seen = { readonly problem?: string; readonly warning?: string };

/** Keys of files with trusted authorities, which are not secret: everybody who may read the list can look whether they will do. */
const authorities = new Set<unknown>(['ca_file', 'extra_ca_file']);

/**
 * Looks at a file that a key of a list names: it must be there and no folder, and one of authorities must hold certificates that can be read.
 * Another machine's user may read what this one may not, so that is only a warning.
 */
export const seenFile = (key: unknown, path: string): Seen => {
  const name = JSON.stringify(path);
  try {
    const found = statSync(path);
    if (found.isDirectory()) return { problem: `${name} is a folder, not a file` };
    if (!authorities.has(key)) return {};
    if (!found.isFile()) return { problem: `${name} is not a file` };
    const problem = authoritiesProblem(readFileSync(path, 'utf8'));
    return problem === undefined ? {} : { problem: `${name} ${problem}` };
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { problem: `there is no file ${name}` }
      : { warning: `${name} cannot be read here (${code}), so it was not looked at` };
  }
};
