import { readFileSync } from 'node:fs';

/**
 * How much of one core this process may use, from 0.01 to 1: the smallest CPU quota of its control groups
 * (version 2, then version 1), 1 where there is none. Never more than 1, since JavaScript runs on one core.
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
 */
export const cpuShare = (read: (path: string) => string | undefined = readText): number => {
  const shares = [...quotaFiles(read)].map((text) => shareOf(text)).filter((share) => share !== undefined);
  return Math.max(0.01, Math.min(1, ...shares));
};

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // No such control group: not Linux, or no such controller. Then there is no quota either.
    return undefined;
  }
};

const root = '/sys/fs/cgroup';

/** `quota period` of every group from the process's own up to the root, as far as there are files. */
const quotaFiles = function* (read: (path: string) => string | undefined) {
  const own = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1] ?? '/';
  const names = own.split('/').filter((name) => name !== '' && name !== '..');
  for (let depth = names.length; depth >= 0; depth -= 1) {
    const text = read([root, ...names.slice(0, depth), 'cpu.max'].join('/'));
    if (text !== undefined) yield text;
  }
  const quota = read(`${root}/cpu/cpu.cfs_quota_us`);
  const period = read(`${root}/cpu/cpu.cfs_period_us`);
  if (quota !== undefined && period !== undefined) yield `${quota.trim()} ${period.trim()}`;
};

/** `undefined` for `max` and for the -1 that says the same in version 1. */
const shareOf = (text: string): number | undefined => {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined;
  return quota / period;
};
