import { openSync, readSync } from 'node:fs';

/**
 * How long the process's main thread has been ready to run and was not let, in milliseconds since it started: what a CPU quota
 * and busy neighbours took. Always 0 where the system does not say, which is anything but Linux. Never throws.
 * @see https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
 */
export const waitedForCpu = (): number => {
  file ??= open();
  if (file === absent) return 0;
  try {
    const length = readSync(file, line, 0, line.length, 0);
    const [, waited] = line.toString('latin1', 0, length).split(' ');
    return (Number(waited) || 0) / 1e6;
  } catch {
    return 0;
  }
};

// Read at each mark of each probe, so it stays open and its line is read into the same bytes.
let file: number | undefined;
const line = Buffer.alloc(96);
const absent = -1;

const open = (): number => {
  try {
    return openSync('/proc/self/schedstat', 'r');
  } catch {
    return absent;
  }
};
