import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What the bench asks of the process under test, and what it answers. */
export type Ask =
  | { readonly do: 'open'; readonly list: string }
  | { readonly do: 'burn'; readonly name: string; readonly count: number; readonly concurrency: number }
  | { readonly do: 'time'; readonly name: string; readonly count: number; readonly spacingMs: number }
  | { readonly do: 'samples'; readonly name: string; readonly count: number; readonly batch: number };

/** The phases of one timed run, in seconds, its number and its doubt. */
export type Timed = { readonly id: number; readonly phases: Readonly<Record<string, number>>; readonly doubt: number };

/** Our prober in a process of its own, long-lived and warm, as an agent would be. */
export type Subject = AsyncDisposable & { readonly pid: number; ask<T>(ask: Ask): Promise<T> };

/** Starts the process under test. */
export const startSubject = async (): Promise<Subject> => {
  const child: ChildProcess = fork(fileURLToPath(new URL('subject.ts', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return {
    pid: child.pid ?? 0,
    ask: async (ask) => {
      child.send(ask);
      const over = new AbortController();
      const ended = once(child, 'exit', { signal: over.signal }).then(() => [{ error: 'the process ended' }]);
      const [answer] = await Promise.race([once(child, 'message', { signal: over.signal }), ended]);
      over.abort();
      await ended.catch(() => {});
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.result;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
};
