import { glob, readFile } from 'node:fs/promises';
import type { FileSdSettings } from '../config/discover.ts';
import { fileSdFinds } from './file-sd.ts';
import { type Finds, nothing, together } from './found.ts';
import type { Source } from './source.ts';

/** How often files are looked at, in milliseconds. They are compared by content, since a ConfigMap changes by a link. */
const everyMs = 5_000;
const mostBytes = 32 * 1_024 * 1_024;

/** Reads files in the form of Prometheus's file_sd again and again. A file that cannot be read stays as it was read last. */
export const targetFiles = (
  name: string,
  { files }: FileSdSettings,
  changed: () => void,
  intervalMs: number = everyMs,
): Source => {
  const known = new Map<string, { readonly text: string; readonly finds: Finds }>();
  let problem: string | undefined;
  let syncedAt: number | undefined;
  let looking: Promise<void> | undefined;

  const look = async () => {
    const seen = new Set<string>();
    const problems: string[] = [];
    let isNew = false;
    for (const pattern of files) {
      const paths = pattern.includes('*') ? await pathsOf(pattern) : [pattern];
      for (const path of paths.sort()) {
        seen.add(path);
        const read = await readFile(path).then(
          (bytes) => (bytes.length > mostBytes ? { problem: `${path} is larger than 32 MiB` } : bytes.toString('utf8')),
          (error: NodeJS.ErrnoException) => ({ problem: `${path} cannot be read: ${error.code ?? 'unknown'}` }),
        );
        if (typeof read !== 'string') {
          problems.push(read.problem);
          continue;
        }
        if (known.get(path)?.text === read) continue;
        const finds = fileSdFinds(path, read);
        if ('problem' in finds) problems.push(finds.problem);
        else {
          known.set(path, { text: read, finds });
          isNew = true;
        }
      }
    }
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
      await looking;
    },
  };
};

const pathsOf = async (pattern: string): Promise<string[]> => {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  return paths;
};
