import { readFileSync } from 'node:fs';

/** Descriptors for all but runs: the program itself, deliveries, lists, the door and who reads it. */
const reserved = 96;
/** A run has one socket at a time, but closes the one before a moment after it has opened the next. */
const perRun = 4 / 3;

/**
 * How many runs may be under way at once, so that descriptors are left for what delivers and reports: by the soft limit of the
 * process, which Node raises to the hard one at its start. Without a limit, and where there is no such file, `Infinity`.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html
 */
export const descriptorRoom = (read: () => string = limits): number => {
  const soft = /^Max open files\s+(\d+)/m.exec(read())?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor((Number(soft) - reserved) / perRun));
};

const limits = (): string => {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
};
