import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A script of ours in a place of its own: each line that is sent to it is a question in JSON, each that it writes an answer. */
export type Worker = AsyncDisposable & { readonly ask: (question: unknown) => Promise<Record<string, unknown>> };

/** Starts a worker by the words that run it. It is to end when its input ends. */
export const startWorker = ([program = '', ...rest]: readonly string[]): Worker => {
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
  child.stdin.on('error', () => {});
  const exited = once(child, 'exit');
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
  return {
    ask: async (question) => {
      const line = new Promise<string>((resolve) => waiting.push(resolve));
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const ended = exited.then(([code]) => Promise.reject(new Error(`a worker ended with ${code}`)));
      return JSON.parse(await Promise.race([line, ended]));
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
};

/** The worker's side: answers each question of its input in turn, until there are no more. */
export const answering = async (answer: (question: Record<string, unknown>) => Promise<object>): Promise<void> => {
  for await (const line of createInterface({ input: process.stdin }))
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
};
