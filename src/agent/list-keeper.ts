import { createHash } from 'node:crypto';
import { listFiles } from '../config/files.ts';
import { loadTexts } from '../config/load.ts';
import { choosePart, type ListPart } from '../config/part.ts';
import { plaintextSources } from '../config/plaintext.ts';
import { type Problem, problemText } from '../config/problem.ts';
import type { List, ProberTable } from '../config/schema.ts';
import { standsOn } from '../config/stands-on.ts';
import type { EpochMs, StandsOn } from '../kernel/check.ts';
import { masker } from '../protocol/mask.ts';
import { isRemote, type RemoteLists, shownUrl, urlSecrets } from './remote-lists.ts';

/** The list as one vantage uses it. `hash` is of the files' contents, 12 hexadecimal digits. */
export type InUse = ListPart & {
  readonly hash: string;
  readonly loadedAt: EpochMs;
  readonly externalLabels: Readonly<Record<string, string>>;
  /** What targets of the whole list stand on, those of other vantages too. */
  readonly standsOn: readonly StandsOn[];
  /** The list itself, where more is to be discovered: what is found is compiled with it. */
  readonly discovering: List | undefined;
};

/** What reading the list anew gave: nothing has changed, a new list, or why there is none. */
export type Reading =
  | { readonly kind: 'same' }
  | { readonly kind: 'new'; readonly list: InUse; readonly warnings: readonly string[] }
  | {
      readonly kind: 'bad';
      readonly hash: string;
      readonly problems: readonly string[];
      /** True if nothing is wrong but that a list elsewhere could not be had: asking again may help. */
      readonly away: boolean;
    };

/** Where a list comes from, and for whom. */
export type ListSource = {
  readonly paths: readonly string[];
  readonly vantage: string | undefined;
  readonly probers: ProberTable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reads the paths that are URLs. */
  readonly remote?: Pick<RemoteLists, 'read'>;
};

/**
 * Reads the list; `known` is the hash of what was read last, good or bad, so that what has not changed costs only the reading.
 * Files are compared by content, since a ConfigMap changes by a link. Never rejects.
 */
export const readList = async (source: ListSource, known: string | undefined, now: EpochMs): Promise<Reading> => {
  const { vantage, probers, environment } = source;
  const { files, problems, away } = await filesOf(source);
  // A server that answers with what it was asked makes a bad list, whose problems are shown.
  const hide = masker(urlSecrets(source.paths));
  const shown = (problem: Problem) => hide(problemText(problem));
  const hash = hashOf([...files.map(({ file, text }) => `${file}\n${text}`), ...problems.map(shown)]);
  const bad = (all: readonly string[], isAway = false): Reading => ({ kind: 'bad', hash, problems: all, away: isAway });
  if (hash === known) return { kind: 'same' };
  if (problems.length > 0) return bad(problems.map(shown), away);
  const loaded = loadTexts(files, { probers, environment, vantage });
  if (!loaded.ok) return bad(loaded.problems.map(shown));
  const part = choosePart({ ...loaded.compiled, literals: loaded.literals }, vantage);
  if (!part.ok) return bad([part.message]);
  const { external_labels: externalLabels, discover } = loaded.list;
  const discovering = discover === undefined ? undefined : loaded.list;
  return {
    kind: 'new',
    list: { ...part, hash, loadedAt: now, externalLabels, standsOn: standsOn(loaded.list), discovering },
    warnings: [...plaintextSources(source.paths, environment), ...loaded.warnings.map(shown)],
  };
};

/** The files of the list, those on this machine and those elsewhere. */
const filesOf = async ({ paths, remote }: ListSource) => {
  const urls = remote === undefined ? [] : paths.filter(isRemote);
  const local = paths.filter((path) => !urls.includes(path));
  const here = local.length === 0 ? { files: [], problems: [] } : await listFiles(local);
  const elsewhere = await Promise.all(
    urls.map(async (url) => ({ url, read: (await remote?.read(url)) ?? { problem: 'cannot be read', away: false } })),
  );
  return {
    away: here.problems.length === 0 && elsewhere.every(({ read }) => !('problem' in read) || read.away),
    files: [...here.files, ...elsewhere.flatMap(({ read }) => ('text' in read ? [read] : []))],
    problems: [
      ...here.problems,
      ...elsewhere.flatMap(({ url, read }) =>
        'problem' in read ? [{ file: shownUrl(url), line: 0, path: '', message: read.problem }] : [],
      ),
    ],
  };
};

const hashOf = (texts: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\n${text}`);
  return hash.digest('hex').slice(0, 12);
};
