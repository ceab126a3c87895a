import { execFile, spawn } from 'node:child_process';

/** What a program said, and how it ended. */
export type Said = { readonly stdout: string; readonly stderr: string; readonly code: number };

/** Runs a program to its end, with something to read. Never rejects. */
export const exec = ([program = '', ...rest]: readonly string[], input = ''): Promise<Said> =>
  new Promise((resolve) => {
    const child = execFile(program, rest, { maxBuffer: 64 << 20, cwd: '/' }, (_error, stdout, stderr) =>
      resolve({ stdout, stderr, code: child.exitCode ?? -1 }),
    );
    // A program that ends without reading says why by its code and its words.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });

/** Runs a program to its end; rejects with what it said if that is not a good one. */
export const must = (program: string, words: readonly string[], input = ''): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${words.join(' ')}: ${said.trim()}`));
    });
    child.stdin.on('error', () => {});
    child.stdin.end(`${input}\n`);
  });
