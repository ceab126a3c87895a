import type * as z from 'zod';
import { printable } from '../kernel/printable.ts';

/** One of the two streams a command talks to. `columns` is the width of the terminal, 80 where there is none. */
export type Output = {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  readonly columns: number;
};

/** All that a command knows of the world. `signal` fires at the first Ctrl-C or SIGTERM. */
export type Io = {
  /** The answer: aligned text for people, `--json` for programs. */
  readonly stdout: Output;
  /** Everything else: progress, warnings, errors. */
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Calls back at every SIGHUP from now on. Without a listener SIGHUP ends the process, as everywhere. */
  readonly onHangup: (listener: () => void) => void;
};

/** What each exit code means. */
export const exitCodes = {
  0: 'All is good.',
  1: 'A check failed, samples were not delivered, or what an agent starts with is not there yet.',
  2: 'Wrong usage or configuration; the message says what to write.',
  70: 'Too many errors escaped: an agent ended in order, with what waited delivered, to be started again.',
  130: 'Stopped by Ctrl-C or SIGTERM.',
} as const;

/** A key of {@link exitCodes}. */
export type ExitCode = keyof typeof exitCodes;

/**
 * A command as data. The keys of `args` are its flags (`dryRun` is `--dry-run`): booleans are switches, lists may be repeated,
 * `.meta({ value })` names the value in the usage text. `positional` names the keys that are given without a flag.
 */
export type Command<A extends z.ZodObject = z.ZodObject> = {
  readonly name: string;
  readonly summary: string;
  /** A few sentences that the usage text adds to the summary. */
  readonly details?: string;
  readonly positional: readonly string[];
  readonly args: A;
  readonly examples: readonly string[];
  run(args: z.output<A>, io: Io): Promise<ExitCode>;
};

/** Types a command by its arguments. */
export const defineCommand = <A extends z.ZodObject>(command: Command<A>): Command<A> => command;

/** Says what is wrong on stderr, and gives the exit code for it. */
export const wrongUsage = (io: Io, message: string): 2 => {
  io.stderr.write(`bothways: ${printable(message)}\n`);
  return 2;
};

/** The same for what may be right at the next start, as it is. */
export const notYet = (io: Io, message: string): 1 => {
  io.stderr.write(`bothways: ${printable(message)}\n`);
  return 1;
};
