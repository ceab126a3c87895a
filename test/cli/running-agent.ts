import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The program. */
export const launcher = fileURLToPath(new URL('../../bin/bothways', import.meta.url));

type Line = { readonly level: string; readonly msg: string };

/** A running agent: what it says line by line, and its door. */
export const startAgent = (path: string, ...flags: string[]) => startAgentWith({}, path, ...flags);

/** The same, with variables of its own. */
export const startAgentWith = (environment: Readonly<Record<string, string>>, path: string, ...flags: string[]) =>
  spawnAgentWith(environment, path, ...flags).started();

/** An agent that begins to run; `started` is {@link startAgent}'s. */
export const spawnAgent = (path: string, ...flags: string[]) => spawnAgentWith({}, path, ...flags);

const spawnAgentWith = (environment: Readonly<Record<string, string>>, path: string, ...flags: string[]) => {
  const child = spawn(process.execPath, [launcher, 'agent', '--config', path, '--listen', '127.0.0.1:0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CANARY: 'canary-password', ...environment },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const exited = once(child, 'exit').then(([code]) => code as number);
  const said = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const changed = new Promise<void>((resolve) => waiting.add(resolve));
      await Promise.race([changed, exited.then((code) => assert.fail(`ended with ${code}: ${lines.join('\n')}`))]);
    }
  };
  const started = async () => {
    const ready: Line = JSON.parse(await said(/the page is at/));
    const url = /http\S+/.exec(ready.msg)?.[0] ?? '';
    return {
      child,
      lines,
      said,
      url,
      get: (to: string, init?: RequestInit) => fetch(`${url}${to}`, init).then((answer) => answer.text()),
      stop: async () => {
        child.kill('SIGTERM');
        return exited;
      },
      [Symbol.asyncDispose]: async () => {
        if (child.exitCode === null) child.kill('SIGKILL');
        await exited;
      },
    };
  };
  return { child, started };
};

/** Waits until something holds, for ten seconds at most. */
export const until = async (holds: () => boolean | Promise<boolean>, what: string): Promise<void> => {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await holds()) return;
    await wait(50);
  }
  assert.fail(what);
};
