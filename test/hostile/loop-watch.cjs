const { writeFileSync } = require('node:fs');

/**
 * Loaded before an agent by `--require`: writes down for how long its event loop was held. `BOTHWAYS_LOOP_WATCH` names the file, which
 * has the largest gaps since the last look: `late` is by how much a timer was late, `held` how much of that the main thread was itself
 * at work, which is less where other processes have the processor. Milliseconds. In plain JavaScript: stripping types takes 30 MB, and the loader of modules 10.
 */
const path = process.env.BOTHWAYS_LOOP_WATCH;
const everyMs = 5;

if (path !== undefined) {
  /** @type {{ at: number, late: number, held: number }[]} */
  const rows = [];
  let largest = { at: 0, late: 0, held: 0 };
  let before = performance.now();
  let cpuBefore = process.threadCpuUsage();
  let writtenAt = before;
  setInterval(() => {
    const now = performance.now();
    const cpu = process.threadCpuUsage();
    const late = Math.max(0, now - before - everyMs);
    const worked = (cpu.user + cpu.system - cpuBefore.user - cpuBefore.system) / 1_000;
    const held = Math.min(late, worked);
    if (held > largest.held || late > largest.late)
      largest = { at: Date.now(), late: Math.max(late, largest.late), held: Math.max(held, largest.held) };
    before = now;
    cpuBefore = cpu;
    if (now - writtenAt < 250) return;
    writtenAt = now;
    rows.push(largest);
    largest = { at: 0, late: 0, held: 0 };
    writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    // What this itself took is not the agent's.
    before = performance.now();
    cpuBefore = process.threadCpuUsage();
  }, everyMs).unref();
}
