import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from './problem.ts';

/** A file of a list. */
export type ListFile = { readonly file: string; readonly text: string };

/** Larger files are refused: nobody wrote them by hand, and parsing takes some fifty times their size in memory. */
const largest = 32 * 1_024 * 1_024;

/** Where a repository has its list, as `bothways init` makes it. */
export const inRepository = ['bothways.yml', 'targets'];

/**
 * Reads the files of a list: each path is a file or a folder, whose `*.yml` and `*.yaml` are taken in the order of their
 * names. Of a repository's folder only the list is taken ({@link inRepository}). Refuses what is too large, no UTF-8, or has NUL
 * bytes.
 */
export const listFiles = async (
  paths: readonly string[],
): Promise<{ readonly files: readonly ListFile[]; readonly problems: readonly Problem[] }> => {
  const files: ListFile[] = [];
  const problems: Problem[] = [];
  for (const path of paths) {
    const { names, ...unread } = await inFolder(path);
    problems.push(...unread.problems);
    for (const file of names) {
      const read = await one(file);
      if (read.ok) files.push({ file, text: read.text });
      else problems.push({ file, line: 0, path: '', message: read.message });
    }
  }
  if (files.length === 0 && problems.length === 0)
    problems.push({ file: paths.join(' '), line: 0, path: '', message: 'no *.yaml or *.yml file there' });
  return { files, problems };
};

/** The files of a list that a path stands for, and why a folder of it cannot be read. */
type InFolder = { readonly names: readonly string[]; readonly problems: readonly Problem[] };

const inFolder = async (path: string): Promise<InFolder> => {
  const isFolder = await stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (!isFolder) return { names: [path], problems: [] };
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    return { names: [], problems: [{ file: path, line: 0, path: '', message: whyUnread(error) }] };
  }
  if (names.includes('bothways.yml') && (names.includes('targets') || names.includes('serverless.yml'))) {
    const there = inRepository.filter((name) => names.includes(name));
    const parts = await Promise.all(there.map((name) => inFolder(join(path, name))));
    return { names: parts.flatMap((part) => part.names), problems: parts.flatMap((part) => part.problems) };
  }
  const lists = names.filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort();
  return { names: lists.map((name) => join(path, name)), problems: [] };
};

type Read = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

const one = async (file: string): Promise<Read> => {
  try {
    const { size } = await stat(file);
    if (size > largest)
      return { ok: false, message: `larger than ${largest / 1_048_576} MiB; split it into several files` };
    return decode(await readFile(file));
  } catch (error) {
    return { ok: false, message: whyUnread(error) };
  }
};

const whyUnread = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return codes[code] ?? `cannot be read (${code})`;
};

const codes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder',
};

/** The text of a list's bytes; they must be UTF-8 without NUL. */
export const decode = (bytes: Uint8Array): Read => {
  if (bytes.includes(0)) return { ok: false, message: 'has NUL bytes; a list is a text file in UTF-8' };
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { ok: false, message: 'is not UTF-8; save it in that encoding' };
  }
};
