import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSdSettings } from '../config/discover.ts';
import { codeOf } from '../net/failure.ts';
import { fileSdFinds } from './file-sd.ts';
import { type Finds, nothing, together } from './found.ts';
import type { Source } from './source.ts';

/** How often files are looked at, in milliseconds. They are compared by content, since a ConfigMap changes by a link. */
const everyMs = 5_000;
const mostBytes = 32 * 1_024 * 1_024;

/** Reads files in the form of Prometheus's file_sd again and again. A file that cannot be read stays as it was read last. */
export const targetFiles = (
  name: string,
  { files }: Pick<FileSdSettings, 'files'>,
  changed: () => void,
  intervalMs: number = everyMs,
): Source => {
  const known = new Map<string, Known>();
  const ending = new AbortController();
  let problem: string | undefined;
  let syncedAt: number | undefined;
  let looking: Promise<void> | undefined;

  const look = async () => {
    const seen = new Set<string>();
    const problems: string[] = [];
    let isNew = false;
    for (const pattern of files) {
      const paths = await pathsOf(pattern).catch((error: unknown) => {
        problems.push(`${pattern} cannot be looked for: ${codeOf(error) || 'unknown'}`);
        return [...known].flatMap(([path, one]) => (one.pattern === pattern ? [path] : []));
      });
      for (const path of paths.sort()) {
        seen.add(path);
        const read = await contentOf(path, ending.signal);
        if (typeof read !== 'string') {
          problems.push(read.problem);
          continue;
        }
        if (known.get(path)?.text === read) continue;
        const finds = fileSdFinds(path, read);
        if ('problem' in finds) problems.push(finds.problem);
        else {
          known.set(path, { pattern, text: read, finds });
          isNew = true;
        }
      }
    }
    if (ending.signal.aborted) return;
    for (const path of known.keys())
      if (!seen.has(path)) {
        known.delete(path);
        isNew = true;
      }
    const before = problem;
    problem = problems[0];
    if (problem === undefined) syncedAt = Date.now();
    if (isNew || problem !== before) changed();
  };
  const lookAgain = (): Promise<void> => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const first = lookAgain();
  const timer = setInterval(() => void lookAgain(), intervalMs);
  return {
    name,
    finds: () => (known.size === 0 ? nothing : together([...known.values()].map(({ finds }) => finds))),
    state: () => ({ syncedAt, problem }),
    first,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      ending.abort();
      await looking;
    },
  };
};

/** A file as it was read last, and the pattern that it was found by. */
type Known = { readonly pattern: string; readonly text: string; readonly finds: Finds };

/** The text of a file. What is no file, such as a pipe, is not waited for. */
const contentOf = async (path: string, signal: AbortSignal): Promise<string | { readonly problem: string }> => {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return { problem: `${path} is no file` };
    if (facts.size > mostBytes) return { problem: `${path} is larger than 32 MiB` };
    return await readFile(path, { encoding: 'utf8', signal });
  } catch (error) {
    return { problem: `${path} cannot be read: ${codeOf(error) || 'unknown'}` };
  }
};

/** The paths that a pattern means. Rejects where the folder that it begins with cannot be read: `glob` takes that for an empty one. */
const pathsOf = async (pattern: string): Promise<string[]> => {
  if (!/[*?[{]/.test(pattern)) return [pattern];
  const folder = join(/^[^*?[{]*\//.exec(pattern)?.[0] ?? '.');
  await readdir(folder);
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  // It may have become unreadable in between.
  if (paths.length === 0) await readdir(folder);
  return paths;
};
