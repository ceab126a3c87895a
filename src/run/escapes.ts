import { AsyncLocalStorage } from 'node:async_hooks';
import type { Check } from '../kernel/check.ts';
import { describeThrown } from './describe-thrown.ts';

/** An error that no code handled: the check whose run it belongs to, if it can be traced to one, and class, code and place. */
export type Escaped = { readonly check: Check | undefined; readonly what: string };

/** What a process does about escaped errors. */
export type EscapePolicy = {
  /** Counts and logs an error. */
  readonly onEscaped: (escaped: Escaped) => void;
  /** Whether the process survives an error that belongs to no run: false for one that starts, or that ends soon anyway. */
  readonly survives: () => boolean;
};

/** A run that is under way. `end` ends it with what escaped; once it is over `end` does nothing. */
type Running = { readonly check: Check; readonly end: (what: string) => void };

const running = new AsyncLocalStorage<Running | undefined>();

/** Does work as a part of a run: what escapes from it later, in sockets, timers and promises that it makes, is traced to the run. */
export const asRun = <T>(run: Running, work: () => T): T => running.run(run, work);

/** Does work that runs share and that outlives them: what escapes from it later belongs to none. */
export const asNoRun = <T>(work: () => T): T => running.run(undefined, work);

const policies = new Set<EscapePolicy>();
const events = ['uncaughtException', 'unhandledRejection'] as const;
type Listener = (thrown: unknown, origin: unknown) => void;
/** Listeners that were there before, such as those of Lambda's runtime, which end the process. */
let before: Readonly<Record<(typeof events)[number], readonly Listener[]>> | undefined;

/**
 * Applies a policy to the errors that escape in this process, until it is disposed: an error that is traced to a run ends that
 * run; the process goes on. Any other error goes on to the listeners that were there before, or ends the process as Node would,
 * unless the policy survives it.
 */
export const catchEscapes = (policy: EscapePolicy): Disposable => {
  policies.add(policy);
  if (policies.size === 1) listen();
  return {
    [Symbol.dispose]: () => {
      policies.delete(policy);
      if (policies.size === 0) unlisten();
    },
  };
};

/** Counts and logs an error that belongs to the run of a check and was handled where it was thrown. */
export const reportEscaped = (check: Check | undefined, thrown: unknown): void => {
  const escaped = { check, what: describeThrown(thrown) };
  for (const policy of policies) {
    try {
      policy.onEscaped(escaped);
    } catch {
      // A log that cannot be written must not end what an error has not.
    }
  }
};

const handlerFor =
  (event: (typeof events)[number]): Listener =>
  (thrown, origin) => {
    const run = running.getStore();
    if (run === undefined && ![...policies].some(({ survives }) => survives())) return handOn(event, thrown, origin);
    reportEscaped(run?.check, thrown);
    run?.end(describeThrown(thrown));
  };

const handlers = {
  uncaughtException: handlerFor('uncaughtException'),
  unhandledRejection: handlerFor('unhandledRejection'),
};

const listen = (): void => {
  before = {
    uncaughtException: process.listeners('uncaughtException') as Listener[], // safe: called with what Node hands to ours
    unhandledRejection: process.listeners('unhandledRejection') as Listener[], // safe: as above
  };
  for (const event of events) {
    process.removeAllListeners(event);
    process.on(event, handlers[event]);
  }
};

const unlisten = (): void => {
  for (const event of events) {
    process.off(event, handlers[event]);
    for (const listener of before?.[event] ?? []) process.on(event, listener);
  }
  before = undefined;
};

const handOn = (event: (typeof events)[number], thrown: unknown, origin: unknown): void => {
  const listeners = before?.[event] ?? [];
  if (listeners.length > 0) {
    for (const listener of listeners) listener(thrown, origin);
    return;
  }
  unlisten();
  // Thrown again where no listener is left, Node prints it and ends the process with 1.
  process.nextTick(() => {
    throw thrown;
  });
};
