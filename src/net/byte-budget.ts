/** The memory that one run holds of what all runs may hold together. Disposing gives all of it back. */
export type Share = Disposable & {
  /** Asks for more bytes. False if there is no room: then all that the share held has been given up. */
  readonly take: (bytes: number) => boolean;
  /** From now on the memory is in use elsewhere, so that it cannot be given up for another run. */
  readonly pin: () => void;
};

/** What all runs of a process may hold together. */
export type ByteBudget = AsyncDisposable & {
  /** Starts a share. `giveUp` is called once if the share has to make room; after it, what it held must not be reachable. */
  readonly share: (giveUp: () => void) => Share;
  /** Bytes that are held now. */
  readonly held: () => number;
};

/** What all runs of a process hold of bodies and windows, in bytes. */
export const bodyBudget = 64 * 1_024 * 1_024;

/** So much of each share is not counted: the answers of most runs are small, and must not wait for what the others hold. */
const free = 16 * 1_024;

type Holder = { bytes: number; isPinned: boolean; isLost: boolean; readonly giveUp: () => void };

/**
 * Makes a budget of so many bytes. Where they do not suffice, the share that holds most gives up everything: a run that stalls with a
 * large body must not take the place of all the small ones, and runs that waited for each other would all meet their time limits.
 */
export const byteBudget = (most: number = bodyBudget): ByteBudget => {
  const holders = new Set<Holder>();
  let held = 0;
  const drop = (holder: Holder) => {
    held -= Math.max(0, holder.bytes - free);
    holder.bytes = 0;
    holders.delete(holder);
  };
  const largest = () => {
    let found: Holder | undefined;
    for (const holder of holders) if (!holder.isPinned && holder.bytes > (found?.bytes ?? 0)) found = holder;
    return found;
  };
  const lose = (holder: Holder) => {
    holder.isLost = true;
    drop(holder);
    holder.giveUp();
  };
  return {
    share: (giveUp) => {
      const own: Holder = { bytes: 0, isPinned: false, isLost: false, giveUp };
      holders.add(own);
      return {
        take: (bytes) => {
          if (own.isLost) return false;
          held += Math.max(0, own.bytes + bytes - free) - Math.max(0, own.bytes - free);
          own.bytes += bytes;
          while (held > most && !own.isLost) lose(largest() ?? own);
          return !own.isLost;
        },
        pin: () => {
          own.isPinned = true;
        },
        [Symbol.dispose]: () => drop(own),
      };
    },
    held: () => held,
    [Symbol.asyncDispose]: async () => {},
  };
};
