import type { TraceEvent } from '../../src/kernel/run.ts';
import { type KitOptions, kit as makeKit } from '../../src/net/kit.ts';
import { marks } from '../../src/net/marks.ts';
import type { Context, Kit } from '../../src/net/prober.ts';
import { masker } from '../../src/protocol/mask.ts';

/** A context with a real kit, its trace kept, its time limit running; disposing closes both. */
export type TestContext<M = undefined> = Context<M> &
  AsyncDisposable & {
    readonly events: readonly TraceEvent[];
    /** Fires the signal now. */
    readonly abort: (reason?: 'deadline' | 'stopped') => void;
  };

/** Makes a context as the runner would. `timeoutMs` defaults to 5,000. */
export const testContext = <M = undefined>(
  options: { timeoutMs?: number; kit?: Kit; memory?: M } & KitOptions = {},
): TestContext<M> => {
  const { timeoutMs = 5_000, memory, ...kitOptions } = options;
  const kit = options.kit ?? makeKit(kitOptions);
  const controller = new AbortController();
  const clock = marks();
  const start = clock().at;
  const events: TraceEvent[] = [];
  const secrets = new Set<string>();
  const timer = setTimeout(() => controller.abort('deadline'), timeoutMs);
  return {
    kit,
    signal: controller.signal,
    memory,
    hide: (secret) => void secrets.add(secret),
    mask: (text) => masker(secrets)(text),
    events,
    abort: (reason = 'deadline') => controller.abort(reason),
    mark: (what) => {
      const at = clock().at - start;
      events.push({ at, what });
      return at;
    },
    trace: (what, data) => {
      events.push({ at: clock().at - start, what, ...(data === undefined ? {} : { data }) });
    },
    sleep: (seconds) =>
      new Promise((resolve) => {
        const wake = () => {
          clearTimeout(waiting);
          resolve();
        };
        const waiting = setTimeout(wake, seconds * 1_000);
        controller.signal.addEventListener('abort', wake, { once: true });
      }),
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      if (!controller.signal.aborted) controller.abort('stopped');
      if (options.kit === undefined) await kit[Symbol.asyncDispose]();
    },
  };
};
