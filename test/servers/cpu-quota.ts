import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';

/** A control group with a CPU quota, as a function of Lambda has one by its memory. */
export type CpuQuota = AsyncDisposable & {
  readonly take: (pid: number) => Promise<void>;
  /** Gives a process back to all the others. */
  readonly release: (pid: number) => Promise<void>;
};

const root = '/sys/fs/cgroup';
/** Lambda is said to give out CPU in periods of 20 ms. */
const periodUs = 20_000;

/**
 * A group whose processes get `share` of one core. A text instead says why there is none: it needs root, and control groups
 * that may be written to.
 */
export const cpuQuota = async (share: number): Promise<CpuQuota | string> => {
  if (process.getuid?.() !== 0) return 'a CPU quota needs root';
  const isOld = existsSync(`${root}/cpu/cpu.cfs_period_us`);
  const path = `${isOld ? `${root}/cpu` : root}/bothways-${process.pid}-${Math.round(share * 1_000)}`;
  const quotaUs = Math.max(1_000, Math.round(share * periodUs));
  try {
    await mkdir(path);
  } catch (error) {
    return `control groups cannot be made here (${String(error instanceof Error && 'code' in error ? error.code : error)})`;
  }
  const remove = async () => {
    // A process that has just ended may hold its group for a moment.
    for (let tries = 0; tries < 50; tries += 1) {
      const gone = await rmdir(path).then(
        () => true,
        () => false,
      );
      if (gone) return;
      await wait(20);
    }
  };
  try {
    if (isOld) {
      await writeFile(`${path}/cpu.cfs_period_us`, String(periodUs));
      await writeFile(`${path}/cpu.cfs_quota_us`, String(quotaUs));
    } else await writeFile(`${path}/cpu.max`, `${quotaUs} ${periodUs}`);
  } catch (error) {
    await remove();
    return `a CPU quota cannot be set here (${String(error instanceof Error && 'code' in error ? error.code : error)})`;
  }
  return {
    take: (pid) => writeFile(`${path}/cgroup.procs`, String(pid)),
    release: (pid) => writeFile(`${path}/../cgroup.procs`, String(pid)),
    [Symbol.asyncDispose]: remove,
  };
};
