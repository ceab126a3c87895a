import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { type Count, closingLine, type Skip, skipLines } from './test-report.ts';

/**
 * `npm test [-- FILE…]`: gets the programs that tests need, runs all tests (or those of the files named), says what was
 * skipped and why, and ends with the line `N passed, N failed, N skipped`. Exits 1 if one failed or none ran.
 */
const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const peers = spawnSync(process.execPath, [beside('peers.ts')], { stdio: 'inherit' });
const named = process.argv.slice(2);
const files = globSync(named.length > 0 ? named : 'test/**/*.test.ts').toSorted();
const count: Count = { passed: 0, failed: peers.status === 0 ? 0 : 1, skipped: 0 };
const skips: Skip[] = [];

const events = run({
  files,
  // A process per file, so that files cannot disturb each other.
  isolation: 'process',
  concurrency: Math.max(2, availableParallelism()),
  // For one test; a file that does not end by itself is ended by test-limit.ts, and the whole run by the signal.
  timeout: 120_000,
  signal: AbortSignal.timeout(1_800_000),
  execArgv: ['--import', beside('test-limit.ts')],
});
events.on('test:pass', ({ name, file, skip, todo }) => {
  if (skip !== undefined) skips.push({ name, file, why: skip });
  else if (todo !== undefined) skips.push({ name, file, why: todo });
});
events.on('test:summary', ({ file, counts }) => {
  if (file !== undefined) return;
  count.passed += counts.passed;
  count.failed += counts.tests - counts.passed - counts.skipped - counts.todo;
  count.skipped += counts.skipped + counts.todo;
});
const report = events.compose(spec);
report.pipe(process.stdout, { end: false });
await once(report, 'end');

for (const line of skipLines(skips)) console.log(line);
if (peers.status !== 0) console.log('failed: npm run peers (see above)');
if (count.passed + count.failed === 0) console.log(`no test ran: ${files.length} files`);
console.log(closingLine(count));
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
