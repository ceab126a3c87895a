import { openSync, readSync } from 'node:fs';

/**
 * Memory that the process holds, in bytes. On Linux from a file that stays open, since opening one fails where all descriptors
 * are in use; elsewhere from Node. `undefined` where neither can be read. Never throws.
 * @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 */
export const residentMemory = (): number | undefined => {
  try {
    file ??= openSync('/proc/self/status', 'r');
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(
      text.toString('latin1', 0, readSync(file, text, 0, text.length, 0)),
    )?.[1];
    if (kilobytes !== undefined) return Number(kilobytes) * 1_024;
  } catch {
    // Not Linux, or no descriptor was left at the first call.
  }
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
};

let file: number | undefined;
const text = Buffer.alloc(4_096);
