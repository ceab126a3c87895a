import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { printable } from '../kernel/printable.ts';
import type { Io } from './command.ts';

/** A run of the serverless framework. `label` stands before each of its lines. */
export type FrameworkRun = {
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly label: string;
};

/** How it ended: as it should, not, or because somebody wanted it to stop. */
export type FrameworkEnd = 'done' | 'failed' | 'stopped';

/** Where the framework is: among the packages of the folder that the user is in. */
const program = () => join(process.cwd(), 'node_modules', '.bin', 'serverless');

/** Why the framework cannot be run here, or `undefined`. */
export const frameworkProblem = (): string | undefined => {
  if (!existsSync('serverless.yml')) return 'there is no serverless.yml here; `bothways init` makes a folder with one';
  return existsSync(program()) ? undefined : 'the serverless framework is not installed here; run `npm ci`';
};

/** Runs the framework and shows what it says, line by line. Never rejects. */
export const runFramework = ({ words, environment, label }: FrameworkRun, io: Io): Promise<FrameworkEnd> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [program(), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...io.environment, SLS_NOTIFICATIONS_MODE: 'off', ...environment },
      // A Ctrl-C at the terminal reaches us alone, and we pass it on.
      detached: true,
    });
    const stop = () => child.kill('SIGTERM');
    io.signal.addEventListener('abort', stop, { once: true });
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        if (line.trim() !== '') io.stderr.write(`${label} | ${printable(line)}\n`);
      });
    const end = (how: FrameworkEnd) => {
      io.signal.removeEventListener('abort', stop);
      resolve(how);
    };
    child.on('error', () => end('failed'));
    child.on('close', (code) => end(io.signal.aborted ? 'stopped' : code === 0 ? 'done' : 'failed'));
  });
