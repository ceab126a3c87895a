import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * `npm run verify [-- --without-tests]`: everything that must hold before code is handed over, in a fixed order, one line a
 * step. Stops at the first that fails, with what it said, and exits 1. `--without-tests` is for those who just ran them.
 */
const steps = [
  { name: 'format', script: 'format:check' },
  { name: 'lint', script: 'lint' },
  { name: 'types', script: 'types' },
  { name: 'dead code', script: 'deadcode' },
  { name: 'tests', script: 'test' },
  { name: 'generated files', script: 'generate:check' },
  { name: 'size', script: 'size' },
] as const;

const root = fileURLToPath(new URL('..', import.meta.url));
const words = process.argv.slice(2);
const unknown = words.find((word) => word !== '--without-tests');

const runStep = async (name: string, script: string): Promise<boolean> => {
  const start = performance.now();
  const child = spawn('npm', ['run', '--silent', script], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  console.log(`${code === 0 ? '✓' : '✗'} ${name.padEnd(16)}${seconds.padStart(6)} s`);
  if (code !== 0) console.log(`\n${output}\nverify: ${name} failed; again with: npm run ${script}`);
  return code === 0;
};

if (unknown !== undefined) {
  console.error(`verify: unknown argument ${unknown}; write --without-tests, or nothing`);
  process.exitCode = 2;
} else {
  for (const { name, script } of steps) {
    if (script === 'test' && words.includes('--without-tests')) continue;
    if (await runStep(name, script)) continue;
    process.exitCode = 1;
    break;
  }
}
