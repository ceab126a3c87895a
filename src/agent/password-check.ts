import { createHmac, randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { ComparePassword } from './bcrypt-thread.ts';
import type { Verdict } from './locks.ts';

/** Checks a user's password for a peer. */
export type PasswordCheck = (user: string, password: string, peer: string) => Promise<Verdict>;

/** Passwords whose verdict is kept, good ones and wrong ones apart. */
const mostKept = 256;
/** Passwords that wait for their turn, of all peers and of one. */
const mostWaiting = 16;
const mostOfPeer = 4;
/** A longer password is wrong: bcrypt looks at 72 bytes. */
const longestPassword = 256;
/** After a wrong password the next one waits this many times as long as the comparison took. */
const restShare = 4;

/**
 * Checks passwords against bcrypt hashes by user name. Each pair of user and password is compared once; then its verdict is
 * kept under a keyed hash, so that scrapes cost nothing. Comparisons run one at a time, and wrong passwords use at most a
 * fifth of one CPU; `busy` if too many wait. Users that do not exist take as long as those that do.
 */
export const passwordCheck = (users: ReadonlyMap<string, string>, compare: ComparePassword): PasswordCheck => {
  const key = randomBytes(32);
  const good = new Set<string>();
  const wrong = new Set<string>();
  const pending = new Map<string, Promise<Verdict>>();
  const waitingOf = new Map<string, number>();
  const [decoy = ''] = users.values();
  let last: Promise<unknown> = Promise.resolve();

  const look = async (user: string, password: string, mark: string): Promise<Verdict> => {
    const start = performance.now();
    let equal: boolean;
    try {
      equal = await compare(password, users.get(user) ?? decoy);
    } catch {
      return 'busy';
    }
    const admitted = equal && users.has(user);
    keep(admitted ? good : wrong, mark);
    if (!admitted) rest = (performance.now() - start) * restShare;
    return admitted ? 'admitted' : 'refused';
  };
  let rest = 0;

  /** Runs after all that wait, and after the rest that a wrong password has caused. */
  const inTurn = (work: () => Promise<Verdict>): Promise<Verdict> => {
    const result = last.then(work);
    last = result.then(async () => {
      const pause = rest;
      rest = 0;
      if (pause > 0) await wait(pause, undefined, { ref: false });
    });
    return result;
  };

  return async (user, password, peer) => {
    if (password.length > longestPassword) return 'refused';
    const mark = createHmac('sha256', key)
      .update(JSON.stringify([user, password]))
      .digest('base64');
    if (good.has(mark)) return 'admitted';
    if (wrong.has(mark)) return 'refused';
    const before = pending.get(mark);
    if (before !== undefined) return before;
    const ofPeer = waitingOf.get(peer) ?? 0;
    if (pending.size >= mostWaiting || ofPeer >= mostOfPeer) return 'busy';
    waitingOf.set(peer, ofPeer + 1);
    const verdict = inTurn(() => look(user, password, mark)).finally(() => {
      pending.delete(mark);
      const left = (waitingOf.get(peer) ?? 1) - 1;
      if (left === 0) waitingOf.delete(peer);
      else waitingOf.set(peer, left);
    });
    pending.set(mark, verdict);
    return verdict;
  };
};

/** Keeps the newest marks. */
const keep = (marks: Set<string>, mark: string): void => {
  marks.add(mark);
  if (marks.size <= mostKept) return;
  for (const oldest of marks) {
    marks.delete(oldest);
    return;
  }
};
