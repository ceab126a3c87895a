import type { Check } from '../kernel/check.ts';
import { sameChecks } from '../run/same-checks.ts';
import type { Services } from '../run/services.ts';
import { ofShard, type Shard } from '../run/shard.ts';
import type { FoundInUse } from './found-in-use.ts';
import { type InUse, type ListSource, readList } from './list-keeper.ts';
import type { Log } from './log.ts';

/** What changes when a list comes into use. Checks that are as before are the same objects as before. */
export type Change = {
  readonly list: InUse;
  readonly checks: readonly Check[];
  readonly fresh: readonly Check[];
  readonly gone: readonly Check[];
};

/** The list that an agent works by. */
export type ListInUse = {
  readonly list: () => InUse;
  readonly checks: () => readonly Check[];
  /** Why the newest list is not in use; `undefined` when it is. */
  readonly problem: () => string | undefined;
  /**
   * Reads it anew, after whatever is under way. A bad one changes nothing; then it says what is wrong. Never rejects.
   */
  readonly reload: () => Promise<readonly string[]>;
  /** Brings what is found by now into use. Never rejects. */
  readonly foundAnew: () => Promise<void>;
  /** Ends once no reading is under way. */
  readonly settled: () => Promise<void>;
};

type Work = () => Promise<readonly string[]>;

/** What a list comes into use with. */
export type ListInUseParts = {
  readonly first: InUse;
  readonly source: ListSource;
  readonly shard: Shard;
  readonly log: Log;
  readonly expand: Services;
  readonly found: Pick<FoundInUse, 'set' | 'checks' | 'refresh'>;
  readonly use: (change: Change) => Promise<void>;
};

/**
 * Brings the first list into use by `use`, with what is found besides, and each later one that is good. Services are looked up anew
 * at each reading.
 */
export const listInUse = async ({
  first,
  source,
  shard,
  log,
  expand,
  found,
  use,
}: ListInUseParts): Promise<ListInUse> => {
  let list = first;
  /** The hash of what was read last, good or bad. */
  let seen: string | undefined = first.hash;
  let problem: string | undefined;
  /** As the list has them, services not yet turned into hosts. */
  let written: readonly Check[] = [];
  let checks: readonly Check[] = [];

  const change = async (next: InUse) => {
    list = next;
    await found.set(next.discovering);
    await rewrite();
  };

  /** Puts together what the list names and what was found. */
  const rewrite = async () => {
    written = sameChecks(written, ofShard([...list.checks, ...found.checks()], shard));
    await useChecks(await expand(written));
  };

  const useChecks = async (wanted: readonly Check[]) => {
    const [before, after] = [new Set(checks), new Set(wanted)];
    const fresh = wanted.filter((check) => !before.has(check));
    const gone = checks.filter((check) => !after.has(check));
    checks = wanted;
    await use({ list, checks: wanted, fresh, gone });
  };

  const readAnew = async (): Promise<readonly string[]> => {
    // A list that was bad may be good now although its text is the same: a file that it names may be there by now.
    const known = problem === undefined ? seen : undefined;
    const reading = await readList({ ...source, vantage: first.vantage.name }, known, Date.now());
    if (reading.kind === 'same') {
      const now = await expand(written);
      if (now.length !== checks.length || now.some((check, index) => check !== checks[index])) await useChecks(now);
      return problem === undefined ? [] : [problem];
    }
    if (reading.kind === 'bad') {
      const isNews = seen !== reading.hash || problem !== reading.problems[0];
      seen = reading.hash;
      problem = reading.problems[0] ?? 'the list cannot be read';
      for (const text of isNews ? reading.problems : []) log('error', `${text}; the list before stays in use`);
      return reading.problems;
    }
    seen = reading.list.hash;
    await change(reading.list);
    problem = undefined;
    for (const text of reading.warnings) log('warn', text);
    log('info', `list ${list.hash} is in use: ${checks.length} checks`);
    return [];
  };

  const lookAtFound = async (): Promise<readonly string[]> => {
    found.refresh();
    const before = checks.length;
    await rewrite();
    if (checks.length !== before) log('info', `${checks.length} checks, of which ${found.checks().length} were found`);
    return [];
  };

  let last: Promise<unknown> = Promise.resolve();
  const waiting = new Map<Work, Promise<readonly string[]>>();
  /**
   * Does one thing at a time, in order; who asks for what waits already waits with it. What nobody foresaw is said and tried again
   * later: an agent that watches goes on watching.
   */
  const inTurn = (work: Work): Promise<readonly string[]> => {
    const before = waiting.get(work);
    if (before !== undefined) return before;
    const turn = last.then(async () => {
      waiting.delete(work);
      try {
        return await work();
      } catch (error) {
        const text = `the list could not be brought into use: ${error instanceof Error ? error.message : String(error)}`;
        if (text !== problem) log('error', text);
        problem = text;
        seen = undefined;
        return [text];
      }
    });
    waiting.set(work, turn);
    last = turn;
    return turn;
  };

  await change(first);
  return {
    list: () => list,
    checks: () => checks,
    problem: () => problem,
    reload: () => inTurn(readAnew),
    foundAnew: async () => {
      await inTurn(lookAtFound);
    },
    settled: async () => {
      await last;
    },
  };
};
